//! `signet completions`

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Outcome;
use crate::arguments::Cli;
use crate::context::Context;

/// Print the completions for a shell
///
/// For bash: `signet completions bash > /etc/bash_completion.d/signet`.
/// For zsh: `signet completions zsh > "${fpath[1]}/_signet"`.
/// For fish: `signet completions fish > ~/.config/fish/completions/signet.fish`.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "signet", &mut script);
        context.output.raw(&String::from_utf8_lossy(&script))?;
        Ok(Outcome::Done)
    }
}
