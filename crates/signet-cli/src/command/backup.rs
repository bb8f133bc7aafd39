//! `signet backup`

use clap::Args;

use super::Outcome;
use crate::context::Context;
use crate::failure::Failure;

/// Back up the whole installation into one sealed file, while it runs
#[derive(Debug, Args)]
pub(crate) struct Backup {}

impl Backup {
    pub(crate) async fn run(self, _context: &Context) -> anyhow::Result<Outcome> {
        Err(Failure::new("this command is being built").into())
    }
}
