//! `signet restore`

use clap::Args;

use super::Outcome;
use crate::context::Context;
use crate::failure::Failure;

/// Put a backup back
#[derive(Debug, Args)]
pub(crate) struct Restore {}

impl Restore {
    pub(crate) async fn run(self, _context: &Context) -> anyhow::Result<Outcome> {
        Err(Failure::new("this command is being built").into())
    }
}
