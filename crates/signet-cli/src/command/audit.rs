//! `signet audit`

use clap::Args;

use super::Outcome;
use crate::context::Context;
use crate::failure::Failure;

/// Show or verify the log of every change
#[derive(Debug, Args)]
pub(crate) struct Audit {}

impl Audit {
    pub(crate) async fn run(self, _context: &Context) -> anyhow::Result<Outcome> {
        Err(Failure::new("this command is being built").into())
    }
}
