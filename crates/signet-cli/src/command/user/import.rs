//! `signet user import`

mod entry;
mod hashing;
mod people;
mod read;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use signet_repository::{Existing, Imported, UserError};

use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Bar;
use people::People;

/// Import users from a file: all of them or nobody
///
/// CSV begins with a header of the columns id, name, mail, groups (separated by ";"), password_hash and password, in any
/// order; only id is needed. Plain passwords are hashed here, which takes a moment for each. Hashes may be Argon2, bcrypt,
/// $apr1$ or {SHA}; all but Argon2 are made anew at the user's next login. htpasswd files have a line user:hash for each user.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file; "-" is standard input
    file: PathBuf,

    /// What the file holds; by default by its name: *.csv, *.htpasswd or htpasswd
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,

    /// What to do with users who exist already
    #[arg(long, value_name = "WHAT", default_value = "refuse")]
    existing: IfExists,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table with a header
    Csv,
    /// What Apache's htpasswd writes
    Htpasswd,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum IfExists {
    /// Import nobody
    Refuse,
    /// Leave them as they are
    Keep,
    /// Give them what the file says
    Replace,
}

impl Import {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let format = self.format()?;
        let place = context.place()?;
        place.ready_to_record()?;
        let least = place.config().login.password_least;
        let bytes = read::bytes(&self.file)?;
        let entries = match format {
            Format::Csv => read::csv(&bytes)?,
            Format::Htpasswd => read::htpasswd(&bytes),
        };
        let people = People::check(entries, least).map_err(|wrong| self.refused(wrong))?;
        let (users, lines) = hashing::hash(people).await?;
        if users.is_empty() {
            let message = format!("there are no users in {}", self.file.display());
            return Err(Failure::new(message).into());
        }

        let named = named(users.iter().map(|user| user.subject.as_str()));
        let bar = Bar::new("writing users", users.len() as u64);
        place.begin_change()?;
        let imported = place
            .with_repository(async |repository| {
                let imported = repository
                    .import_users(users, self.existing.into(), context.now(), |done| {
                        bar.reach(done);
                    })
                    .await;
                imported.map_err(|error| self.stopped(error, &lines))
            })
            .await?;
        drop(bar);
        let detail = json!({
            "users": named,
            "added": imported.added,
            "changed": imported.changed,
            "kept": imported.kept,
        });
        let file = self.file.display().to_string();
        place.record(context, "user.import", &file, &detail)?;
        let says = place.poke().await;
        let document = json!({
            "added": imported.added,
            "changed": imported.changed,
            "kept": imported.kept,
            "instance": says,
        });
        context.output.answer(&document, &sentence(&imported))?;
        says.tell(&context.output);
        Ok(Outcome::Done)
    }

    fn format(&self) -> anyhow::Result<Format> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        by_name(&self.file).ok_or_else(|| {
            let message = format!("{} does not say what it holds", self.file.display());
            let hint = "add --format csv or --format htpasswd";
            Failure::new(message).hint(hint).into()
        })
    }

    fn refused(&self, wrong: Vec<String>) -> anyhow::Error {
        const SHOWN: usize = 20;
        let count = wrong.len();
        let lines = if count == 1 { "line is" } else { "lines are" };
        let message = format!(
            "nobody was imported: {count} {lines} wrong in {}",
            self.file.display()
        );
        let more = count.saturating_sub(SHOWN);
        let more = (more > 0).then(|| format!("and {more} more"));
        Failure::new(message)
            .details(wrong.into_iter().take(SHOWN).chain(more))
            .into()
    }

    /// What the repository refuses, with its line.
    fn stopped(&self, error: UserError, lines: &people::Lines) -> anyhow::Error {
        let subject = match &error {
            UserError::Exists(subject) => subject,
            UserError::LookAlike { wanted, .. } => wanted,
            _ => return anyhow::Error::new(error).context("nobody was imported"),
        };
        let line = lines
            .of(subject)
            .map_or_else(String::new, |line| format!("line {line}: "));
        let message = format!("nobody was imported from {}", self.file.display());
        let failure = Failure::new(message).details([format!("{line}{error}")]);
        match &error {
            UserError::Exists(_) => failure
                .hint("--existing keep leaves users as they are, --existing replace changes them")
                .into(),
            _ => failure.hint(error.hint().unwrap_or_default()).into(),
        }
    }
}

impl From<IfExists> for Existing {
    fn from(what: IfExists) -> Self {
        match what {
            IfExists::Refuse => Self::Refuse,
            IfExists::Keep => Self::Keep,
            IfExists::Replace => Self::Replace,
        }
    }
}

/// The users that a line of the audit log has room for.
fn named<'u>(users: impl Iterator<Item = &'u str>) -> Vec<String> {
    const ROOM: usize = 4_096;
    let mut length = 0;
    users
        .take_while(|user| {
            length += user.len();
            length <= ROOM
        })
        .map(ToOwned::to_owned)
        .collect()
}

fn by_name(file: &Path) -> Option<Format> {
    let name = file.file_name()?.to_str()?.to_ascii_lowercase();
    if name.ends_with(".csv") {
        Some(Format::Csv)
    } else if name.ends_with("htpasswd") {
        Some(Format::Htpasswd)
    } else {
        None
    }
}

fn sentence(imported: &Imported) -> String {
    let mut parts = vec![format!("{} added", imported.added)];
    for (count, word) in [
        (imported.changed, "changed"),
        (imported.kept, "left as they were"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    format!("Imported users: {}.", parts.join(", "))
}
