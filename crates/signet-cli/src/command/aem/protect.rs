//! `signet aem protect` and `signet aem unprotect`

use std::path::PathBuf;

use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::json;
use signet_secret::GraniteValue;

use super::master;
use crate::command::Outcome;
use crate::context::Context;
use crate::{prompt, secret};

/// The value comes from standard input, or is asked for at a terminal.
#[derive(Debug, Args)]
pub(crate) struct Protect {
    /// The raw master of the installation: 16 bytes
    #[arg(long, value_name = "FILE")]
    master: PathBuf,

    /// The file that holds the secret in one line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Protect {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let key = master::read(&self.master)?;
        let secret = match &self.file {
            Some(path) => secret::from_file(path, "secret")?,
            None if prompt::is_possible() => prompt::hidden("Secret")?,
            None => secret::from_stdin("secret")?,
        };
        let value = GraniteValue::protect(&key, secret.expose_secret())?.to_string();
        context
            .output
            .answer(&json!({ "protected": value }), &value)?;
        Ok(Outcome::Done)
    }
}

/// The format has no seal of its own: a damaged value, or a wrong key once in some hundred times, opens as nonsense.
#[derive(Debug, Args)]
pub(crate) struct Unprotect {
    /// The raw master of the installation: 16 bytes
    #[arg(long, value_name = "FILE")]
    master: PathBuf,

    /// The file that holds the protected string, {…}, in one line; `-` is standard input
    #[arg(value_name = "VALUE-FILE", default_value = "-")]
    value: PathBuf,
}

impl Unprotect {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let key = master::read(&self.master)?;
        let text = secret::line_of(&self.value, "protected string")?;
        let value: GraniteValue = text.expose_secret().trim().parse()?;
        let secret = value.open(&key)?;
        context
            .output
            .answer(&json!({ "secret": secret.as_str() }), &secret)?;
        Ok(Outcome::Done)
    }
}
