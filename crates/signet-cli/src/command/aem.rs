//! `signet aem`

mod inspect;

use clap::{Args, Subcommand};

use super::Outcome;
use crate::context::Context;

/// Existing installations of AEM 6.x: where their keys are, and what is wrong with them
#[derive(Debug, Args)]
pub(crate) struct Aem {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show where an installation keeps its keys, and everything about them that is not in order; changes nothing
    Inspect(inspect::Inspect),
}

impl Aem {
    pub(crate) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        match &self.action {
            Action::Inspect(inspect) => inspect.run(context),
        }
    }
}
