//! `signet aem import`

use std::path::PathBuf;

use clap::Args;

use super::replicate::{self, Work};
use crate::command::Outcome;
use crate::context::Context;

/// The same as signet aem replicate --from BUNDLE.
#[derive(Debug, Args)]
#[command(after_long_help = replicate::HELP)]
pub(crate) struct Import {
    /// The bundle that signet aem export made for this machine
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,

    /// The installations that get the keys: crx-quickstart, the one above it, or any folder with a Felix cache
    #[arg(long, value_name = "DIR", required = true, num_args = 1..)]
    to: Vec<PathBuf>,

    #[command(flatten)]
    work: Work,
}

impl Import {
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let received = replicate::open_bundle(context, &self.work, &self.bundle)?;
        self.work.run(context, &received, &self.to).await
    }
}
