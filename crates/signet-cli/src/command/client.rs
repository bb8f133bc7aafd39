//! `signet client`

use clap::Args;

use super::Outcome;
use crate::context::Context;
use crate::failure::Failure;

/// OAuth clients: access tokens from token endpoints, and why there are none
#[derive(Debug, Args)]
pub(crate) struct Client {}

impl Client {
    pub(crate) async fn run(self, _context: &Context) -> anyhow::Result<Outcome> {
        Err(Failure::new("this command is being built").into())
    }
}
