//! `signet client token`

use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::json;
use signet_oauth::{ClientName, Freshness, Provenance};

use super::ask;
use super::book::{self, TokenItself};
use crate::command::Outcome;
use crate::context::Context;
use crate::moment;

/// Print an access token of a client, for programs on this machine
///
/// A token is kept, sealed, and printed again until shortly before it expires; then the endpoint is asked for the next.
/// It goes to standard output alone, for example into curl --header "Authorization: Bearer $(signet client token ims)".
#[derive(Debug, Args)]
pub(super) struct Token {
    /// The client's name
    name: ClientName,

    /// Ask the endpoint, although a token is kept
    #[arg(long)]
    fresh: bool,
}

impl Token {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let place = context.place()?;
        let name = &self.name;
        let freshness = match self.fresh {
            true => Freshness::Fresh,
            false => Freshness::Kept,
        };
        let master = ask::master(&place)?;
        let (token, provenance) = place
            .with_repository(async |repository| {
                let client = book::find(&book::read(&place, repository).await?, name)?;
                ask::tokens()
                    .token(&client, &master, repository, freshness)
                    .await
                    .map_err(|error| ask::failure(&place, name, &error).into())
            })
            .await?;
        let mut document = book::token_document(&token, TokenItself::Shown);
        let from = match provenance {
            Provenance::Kept => "kept",
            Provenance::Endpoint => "endpoint",
        };
        if let Some(document) = document.as_object_mut() {
            document.insert("name".to_owned(), json!(name));
            document.insert("from".to_owned(), from.into());
        }
        context
            .output
            .answer(&document, token.value().expose_secret())?;
        if let Some(at) = token.expires() {
            let at = moment::seen_from(context.now(), at);
            context.output.note(&format!("It is good until {at}."));
        }
        Ok(Outcome::Done)
    }
}
