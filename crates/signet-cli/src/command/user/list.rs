//! `signet user list`

use clap::Args;
use signet_repository::{Account, Repository, Tombstones, UserPage};

use super::person::Person;
use crate::command::Outcome;
use crate::context::Context;
use crate::output::visible;
use crate::table::Pages;

/// So many users are read at a time, however many there are.
const PAGE: u32 = 500;

/// List the users in the order of their ids
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only ids that begin like this
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    prefix: String,

    /// Also those who were removed, of whom only id and generation are kept
    #[arg(long)]
    removed: bool,
}

impl List {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let place = context.place()?;
        place
            .with_repository(async |repository| match context.output.is_json() {
                true => self.documents(context, repository).await,
                false => self.table(context, repository).await,
            })
            .await?;
        Ok(Outcome::Done)
    }

    async fn table(&self, context: &Context, repository: &Repository) -> anyhow::Result<()> {
        let mut table = Pages::new(&["user", "state", "password", "groups", "name", "mail"]);
        let mut pages = self.pages(repository);
        while let Some(accounts) = pages.next().await? {
            let rows = accounts.iter().map(row);
            context.output.raw(&table.page(rows))?;
        }
        if pages.seen == 0 {
            context.output.note("There are no such users.");
        }
        Ok(())
    }

    /// One array, written while it is read.
    async fn documents(&self, context: &Context, repository: &Repository) -> anyhow::Result<()> {
        let mut pages = self.pages(repository);
        let mut separator = "[\n  ";
        while let Some(accounts) = pages.next().await? {
            let mut text = String::new();
            for account in &accounts {
                text.push_str(separator);
                text.push_str(&serde_json::to_string(&Person::from(account))?);
                separator = ",\n  ";
            }
            context.output.raw(&text)?;
        }
        let end = if pages.seen == 0 { "[]\n" } else { "\n]\n" };
        context.output.raw(end)
    }

    fn pages<'r>(&self, repository: &'r Repository) -> Reading<'r> {
        let tombstones = match self.removed {
            true => Tombstones::Show,
            false => Tombstones::Hide,
        };
        Reading {
            repository,
            page: UserPage {
                prefix: self.prefix.clone(),
                after: None,
                limit: PAGE,
                tombstones,
            },
            seen: 0,
        }
    }
}

struct Reading<'r> {
    repository: &'r Repository,
    page: UserPage,
    seen: usize,
}

impl Reading<'_> {
    /// The next page, which has users on it.
    async fn next(&mut self) -> anyhow::Result<Option<Vec<Account>>> {
        let accounts = self.repository.users(&self.page).await?;
        let Some(last) = accounts.last() else {
            return Ok(None);
        };
        self.page.after = Some(last.record.subject.clone());
        self.seen += accounts.len();
        Ok(Some(accounts))
    }
}

fn row(account: &Account) -> Vec<String> {
    let person = Person::from(account);
    let known = |text: Option<&str>| text.map(visible).unwrap_or_default();
    vec![
        person.id.to_owned(),
        person.state.to_owned(),
        person.password.to_owned(),
        person.groups.join(","),
        known(person.name),
        known(person.mail),
    ]
}
