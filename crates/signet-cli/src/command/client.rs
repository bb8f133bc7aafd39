//! `signet client`

mod add;
mod ask;
mod book;
mod check;
mod list;
mod remove;
mod show;
mod token;

use clap::{Args, Subcommand};
use signet_oauth::ClientName;

use super::Outcome;
use crate::context::Context;

/// OAuth clients: access tokens from token endpoints, and why there are none
///
/// A client has an id and a secret, or a private key, at a token endpoint, and gets access tokens there for itself (the
/// grant client_credentials). Clients are defined here, in the repository, or in signet.toml as [client.NAME]. Their
/// secrets are sealed with the master key.
#[derive(Debug, Args)]
pub(crate) struct Client {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Add(Box<add::Add>),
    /// List the clients of this instance
    List,
    /// Show all that is known of a client but its secret
    Show {
        /// The client's name
        name: ClientName,
    },
    Check(check::Check),
    Token(token::Token),
    /// Remove a client, its secret and its token
    Remove {
        /// The client's name
        name: ClientName,

        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

impl Client {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self.action {
            Action::Add(add) => add.run(context).await,
            Action::List => list::run(context).await,
            Action::Show { name } => show::run(context, &name).await,
            Action::Check(check) => check.run(context).await,
            Action::Token(token) => token.run(context).await,
            Action::Remove { name, yes } => remove::run(context, &name, yes).await,
        }
    }
}
