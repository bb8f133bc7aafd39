//! `signet keys prove`

use clap::Args;

use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::place::Place;

#[derive(Debug, Args)]
pub(crate) struct Prove {}

impl Prove {
    pub(super) async fn run(self, _context: &Context, _place: &Place) -> anyhow::Result<Outcome> {
        Err(Failure::new("this command is being built").into())
    }
}
