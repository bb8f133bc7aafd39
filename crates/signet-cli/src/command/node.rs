//! `signet node`

use clap::Args;

use super::Outcome;
use crate::context::Context;
use crate::failure::Failure;

/// The identity of this instance, for whoever sends keys to it
#[derive(Debug, Args)]
pub(crate) struct Node {}

impl Node {
    pub(crate) async fn run(self, _context: &Context) -> anyhow::Result<Outcome> {
        Err(Failure::new("this command is being built").into())
    }
}
