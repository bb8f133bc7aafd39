//! `signet man`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use serde_json::json;

use super::Outcome;
use crate::arguments::Cli;
use crate::context::Context;

/// Print the manual page, or write the pages of all commands
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write one page for each command into this directory, which is made if it is missing
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        match &self.dir {
            None => print(context)?,
            Some(directory) => write(context, directory)?,
        }
        Ok(Outcome::Done)
    }
}

fn print(context: &Context) -> anyhow::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    context.output.raw(&String::from_utf8_lossy(&page))
}

fn write(context: &Context, directory: &Path) -> anyhow::Result<()> {
    let place = directory.display();
    let writing = || format!("the manual pages could not be written into {place}");
    std::fs::create_dir_all(directory).with_context(writing)?;
    clap_mangen::generate_to(Cli::command(), directory).with_context(writing)?;
    context.output.answer(
        &json!({ "directory": directory }),
        &format!("The manual pages are in {place}; read one with: man -l {place}/signet.1"),
    )
}
