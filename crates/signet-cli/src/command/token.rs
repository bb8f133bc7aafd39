//! `signet token`

mod advice;
mod explain;
mod explanation;
mod header;
mod mint;
mod stored;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};

use super::Outcome;
use crate::context::Context;
use crate::{prompt, secret};

/// Make, verify and explain tokens
///
/// These work on the data directory, whether or not the instance is running, and change nothing there.
#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Mint(mint::Mint),
    /// Say whether a token is accepted here and now; exit status 1 if it is denied
    ///
    /// The token is asked for, or without a terminal read from one line of standard input. It is never an argument: those
    /// are seen by every user of the machine.
    Verify(Source),
    /// Show every check that a token goes through, what it says, and what to do; exit status 1 if it is denied
    ///
    /// The token is asked for, or without a terminal read from one line of standard input. It is never an argument: those
    /// are seen by every user of the machine.
    Explain(Source),
}

/// Where the token comes from: by default a prompt, or without a terminal one line of standard input.
#[derive(Debug, Args)]
struct Source {
    /// Read the token from a file that holds it in one line ("-" is standard input)
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Token {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self.action {
            Action::Mint(mint) => mint.run(context).await,
            Action::Verify(source) => verify::run(context, &source.take()?).await,
            Action::Explain(source) => explain::run(context, &source.take()?).await,
        }
    }
}

impl Source {
    fn take(&self) -> anyhow::Result<SecretString> {
        let given = match &self.file {
            Some(file) => secret::from_file(file, "token")?,
            None if prompt::is_possible() => prompt::hidden("Token")?,
            None => secret::from_stdin("token")?,
        };
        Ok(value(given.expose_secret()).into())
    }
}

/// The token itself, where somebody copied the whole cookie.
fn value(text: &str) -> &str {
    let text = text.trim().trim_end_matches(';');
    match text.split_once('=') {
        Some((name, token)) if name.ends_with("login-token") => token,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_cookie_will_do() {
        for text in [
            "a.b.c",
            " a.b.c ",
            "login-token=a.b.c",
            "__Host-login-token=a.b.c;",
        ] {
            assert_eq!(value(text), "a.b.c");
        }
    }
}
