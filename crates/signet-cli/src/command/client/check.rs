//! `signet client check`

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use signet_oauth::{Checked, Client, ClientName, Diagnosis};
use tokio::task::JoinSet;

use super::ask;
use super::book::{self, TokenItself};
use crate::command::Outcome;
use crate::context::Context;
use crate::moment;
use crate::output::{Meaning, visible};
use crate::place::Place;
use crate::progress::Bar;
use crate::table::facts;

/// Ask the endpoint for a token, and say why there is none; exit status 1 if there is none
///
/// The endpoint is asked in any case, also where a token is kept. What comes is not printed and not kept.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Check {
    /// The client's name
    #[arg(group = "check")]
    name: Option<ClientName>,

    /// Check every client
    #[arg(long, group = "check")]
    all: bool,
}

impl Check {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let place = context.place()?;
        let clients = place
            .with_repository(async |repository| book::read(&place, repository).await)
            .await?;
        let chosen: Vec<Client> = match &self.name {
            Some(name) => vec![book::find(&clients, name)?],
            None => clients.iter().cloned().collect(),
        };
        if chosen.is_empty() {
            let text = "There are no clients to check.";
            context.output.answer(&json!({ "clients": [] }), text)?;
            return Ok(Outcome::Done);
        }
        let results = ask_all(&place, chosen).await?;
        let documents: Vec<_> = results.iter().map(Found::document).collect();
        let texts: Vec<_> = results.iter().map(|found| found.text(context)).collect();
        context
            .output
            .answer(&json!({ "clients": documents }), &texts.join("\n"))?;
        match results.iter().all(|found| found.diagnosis.is_none()) {
            true => Ok(Outcome::Done),
            false => Ok(Outcome::Denied),
        }
    }
}

/// What was found out about one client.
struct Found {
    name: ClientName,
    checked: Checked,
    diagnosis: Option<Diagnosis>,
}

/// Asks for all of them at the same time: one endpoint that does not answer is waited for long enough.
async fn ask_all(place: &Place, clients: Vec<Client>) -> anyhow::Result<Vec<Found>> {
    let bar = Bar::new("asking endpoints", clients.len() as u64);
    let tokens = Arc::new(ask::tokens());
    let master = Arc::new(ask::master(place)?);
    let mut asking = JoinSet::new();
    for client in clients {
        let (tokens, master) = (Arc::clone(&tokens), Arc::clone(&master));
        asking.spawn(async move {
            let checked = tokens.check(&client, &master).await;
            (client.name, checked)
        });
    }
    let mut found = BTreeMap::new();
    while let Some(answer) = asking.join_next().await {
        let (name, checked) = answer.context("a check was broken off")?;
        bar.step();
        found.insert(name, checked);
    }
    let diagnosed = found.into_iter().map(|(name, checked)| {
        let error = checked.result.as_ref().err();
        let diagnosis = error.map(|error| ask::diagnosis(place, &name, error));
        Found {
            name,
            checked,
            diagnosis,
        }
    });
    Ok(diagnosed.collect())
}

impl Found {
    fn document(&self) -> Value {
        let token = self.checked.result.as_ref().ok();
        let warnings = self.checked.warnings.iter();
        json!({
            "name": self.name,
            "ok": self.diagnosis.is_none(),
            "token": token.map(|token| book::token_document(token, TokenItself::Hidden)),
            "diagnosis": self.diagnosis,
            "warnings": warnings.map(book::warning_document).collect::<Vec<_>>(),
        })
    }

    fn text(&self, context: &Context) -> String {
        let name = &self.name;
        let mut lines = Vec::new();
        let verdict = match (&self.diagnosis, &self.checked.result) {
            (Some(diagnosis), _) => {
                lines.extend([
                    ("cause", visible(&diagnosis.cause)),
                    ("effect", visible(&diagnosis.effect)),
                    ("remedy", visible(&diagnosis.remedy)),
                ]);
                let word = context.output.paint("no token", Meaning::Bad);
                format!("{name}: {word} ({})\n", diagnosis.code)
            }
            (None, Ok(token)) => {
                let word = context.output.paint("ok", Meaning::Good);
                let life = match token.expires() {
                    Some(at) => format!("until {}", moment::seen_from(context.now(), at)),
                    None => "of unknown life".to_owned(),
                };
                let scope = token
                    .scope()
                    .map(|scope| format!(", scope {}", visible(scope)));
                format!(
                    "{name}: {word}, the endpoint gives a token {life}{}\n",
                    scope.unwrap_or_default()
                )
            }
            (None, Err(_)) => String::new(),
        };
        for warning in &self.checked.warnings {
            lines.push(("warning", visible(&warning.to_string())));
            lines.push(("remedy", visible(&warning.hint())));
        }
        let below = facts(lines);
        let below: String = below.lines().map(|line| format!("  {line}\n")).collect();
        format!("{verdict}{below}")
    }
}
