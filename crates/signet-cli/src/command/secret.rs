//! `signet secret`

mod check;
mod closed;
mod input;
mod protect;
mod reseal;
mod unprotect;

use clap::{Args, Subcommand};

use super::Outcome;
use crate::context::Context;

/// Seal secrets, open them, and check that every one opens
///
/// A secret is sealed with the active key of the master ring, for one place: client/ims/secret is the secret of the OAuth
/// client ims. In another place it does not open. What is sealed may stand in signet.toml or in the repository.
#[derive(Debug, Args)]
pub(crate) struct Secret {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Protect(protect::Protect),
    Unprotect(unprotect::Unprotect),
    /// Open every sealed value there is, and list those that do not open
    ///
    /// Each is shown with where it stands, the key that it was sealed with, the keys that are here, and what to do. The
    /// exit status is 1 if there is one. No secret is printed.
    Check,
    Reseal(reseal::Reseal),
}

impl Secret {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self.action {
            Action::Protect(protect) => protect.run(context).await,
            Action::Unprotect(unprotect) => unprotect.run(context).await,
            Action::Check => check::run(context).await,
            Action::Reseal(reseal) => reseal.run(context).await,
        }
    }
}
