//! `signet config`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use signet_server::{Config as Configuration, DataDirectory, DataError};

use super::Outcome;
use crate::context::Context;

/// Check the configuration, or show every value in force
#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Read the configuration without using it; exit status 1 with file, line and column if it is wrong
    Check {
        /// Check this file in the place of signet.toml in the data directory, before it is moved there
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print every value as it is in signet.toml or by default
    Show,
}

impl Config {
    pub(crate) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        match &self.action {
            Action::Check { file: Some(file) } => {
                read(file)?;
                good(context, file)?;
            }
            Action::Check { file: None } => {
                let directory = DataDirectory::open(context.data())?;
                directory.config()?;
                good(context, &directory.config_path())?;
            }
            Action::Show => {
                let config = DataDirectory::open(context.data())?.config()?;
                context.output.answer(&config, &config.to_toml())?;
            }
        }
        Ok(Outcome::Done)
    }
}

fn read(file: &Path) -> anyhow::Result<Configuration> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} could not be read", file.display()))?;
    Ok(Configuration::parse(&text, file).map_err(DataError::from)?)
}

fn good(context: &Context, file: &Path) -> anyhow::Result<()> {
    context.output.answer(
        &json!({ "file": file, "good": true }),
        &format!("{} is good.", file.display()),
    )
}
