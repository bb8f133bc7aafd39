//! `signet audit`

mod archive;
mod moments;
mod show;
mod verify;

use clap::{Args, Subcommand};

use super::Outcome;
use crate::context::Context;

/// Show, verify or put away the log of every change
///
/// Every change to keys, secrets, users and settings is a line of audit.log in the data directory, whether a command made
/// it, a user on a page, or the instance by itself: who, from where, what. Each line names the hash of the line before, so
/// what is altered, removed or inserted later shows. Logins are no changes and are not in it.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Show(show::Show),
    Verify(verify::Verify),
    Archive(archive::Archive),
}

impl Audit {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self.action {
            Action::Show(show) => show.run(context),
            Action::Verify(verify) => verify.run(context),
            Action::Archive(archive) => archive.run(context),
        }
    }
}
