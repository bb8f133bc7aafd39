//! `signet doctor`

use clap::Args;

use super::Outcome;
use crate::context::Context;
use crate::failure::Failure;

/// Find everything that could be wrong, what it causes, and the command that mends it
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

impl Doctor {
    pub(crate) async fn run(self, _context: &Context) -> anyhow::Result<Outcome> {
        Err(Failure::new("this command is being built").into())
    }
}
