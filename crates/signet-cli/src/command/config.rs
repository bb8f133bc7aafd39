//! `signet config`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use signet_server::{Config as Configuration, DataDirectory, DataError};

use super::Outcome;
use crate::context::Context;
use crate::failure::Failure;

/// Check the configuration, or show every value in force
#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Read the configuration, and the certificate that it names, without using them; exit status 1 with file, line and
    /// column if something is wrong
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
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("{} could not be read", file.display()))?;
                check(context, &text, file)?;
            }
            Action::Check { file: None } => {
                let directory = DataDirectory::open(context.data())?;
                check(context, &directory.config_text()?, &directory.config_path())?;
            }
            Action::Show => {
                let config = DataDirectory::open(context.data())?.config()?;
                context.output.answer(&config, &config.to_toml())?;
            }
        }
        Ok(Outcome::Done)
    }
}

/// Reads the configuration, and the certificate that it names.
fn check(context: &Context, text: &str, file: &Path) -> anyhow::Result<()> {
    let config = Configuration::parse(text, file).map_err(DataError::from)?;
    let directory = std::path::absolute(context.data())?;
    let certificate = match config.certificate(&directory) {
        Ok(certificate) => certificate,
        Err(error) => {
            let place = config.place_of(&error, text, file);
            return Err(Failure::new(place.to_string()).hint(error.hint()).into());
        }
    };
    let shown = certificate.as_ref().map(|certificate| {
        json!({
            "names": certificate.names,
            "not_after": certificate.end(),
            "sha256": certificate.fingerprint.to_string(),
        })
    });
    let mut words = format!("{} is good.", file.display());
    if let Some(certificate) = &certificate {
        let (holders, end) = (certificate.holders(), certificate.end());
        words.push_str(&match certificate.is_over(context.now()) {
            false => format!("\nThe certificate for {holders} ends on {end}."),
            true => format!("\nBut the certificate for {holders} ended on {end}: renew it."),
        });
    }
    let document = json!({ "file": file, "good": true, "certificate": shown });
    context.output.answer(&document, &words)
}
