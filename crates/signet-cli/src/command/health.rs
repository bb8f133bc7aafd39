//! `signet health`

use clap::Args;

use super::Outcome;
use crate::context::Context;
use crate::failure::Failure;

/// What is wrong with the instance, with the exit status that monitoring plugins have
#[derive(Debug, Args)]
pub(crate) struct Health {}

impl Health {
    pub(crate) async fn run(self, _context: &Context) -> anyhow::Result<Outcome> {
        Err(Failure::new("this command is being built").into())
    }
}
