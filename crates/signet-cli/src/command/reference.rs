//! `signet reference`, from which `docs/reference/` is made.

use clap::{Args, CommandFactory as _, ValueEnum};
use signet_server::{config, reference_http, reference_metrics};

use super::Outcome;
use crate::arguments::Cli;
use crate::context::Context;
use crate::reference;

/// Print a page of the generated reference
#[derive(Debug, Args)]
pub(crate) struct Reference {
    /// The page
    page: Page,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Page {
    /// Every key of signet.toml
    Config,
    /// Every command
    Cli,
    /// Every metric
    Metrics,
    /// Every path
    Http,
}

impl Reference {
    pub(crate) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let page = match self.page {
            Page::Config => config::reference(),
            Page::Cli => reference::command_line(Cli::command()),
            Page::Metrics => reference_metrics(),
            Page::Http => reference_http(),
        };
        context.output.raw(&page)?;
        Ok(Outcome::Done)
    }
}
