//! `signet secret`

use clap::Args;

use super::Outcome;
use crate::context::Context;
use crate::failure::Failure;

/// Seal secrets, open them, and check that every one opens
#[derive(Debug, Args)]
pub(crate) struct Secret {}

impl Secret {
    pub(crate) async fn run(self, _context: &Context) -> anyhow::Result<Outcome> {
        Err(Failure::new("this command is being built").into())
    }
}
