//! What can be typed. Each command's own arguments stand beside what it does.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::command::{
    aem, audit, backup, client, completions, config, doctor, health, keys, lab, man, node,
    reference as reference_command, restore, secret, serve, token, user,
};

/// One login for a whole farm of web servers
///
/// A user logs in at any instance and is recognised by all the others, without a shared store.
/// `signet lab` shows it on this machine; `signet serve` runs an instance.
#[derive(Debug, Parser)]
#[command(name = "signet", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// What was typed, and the words of its command alone: `keys relocate`, without anything that was given to it.
    pub(crate) fn read(
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<(Self, String), clap::Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(arguments)?;
        let cli = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        Ok((cli, words(&matches)))
    }
}

fn words(matches: &ArgMatches) -> String {
    let mut names = Vec::new();
    let mut matches = matches;
    while let Some((name, inner)) = matches.subcommand() {
        names.push(name);
        matches = inner;
    }
    names.join(" ")
}

#[derive(Debug, Args)]
pub(crate) struct Globals {
    /// The data directory [default: $SIGNET_DATA, else ./signet-data]
    #[arg(long, global = true, value_name = "DIR", display_order = 1000)]
    pub(crate) data: Option<PathBuf>,

    /// Print one JSON document instead of text
    #[arg(long, global = true, display_order = 1001)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(serve::Serve),
    Lab(lab::Lab),
    User(user::User),
    Token(token::Token),
    Keys(keys::Keys),
    Secret(secret::Secret),
    Client(client::Client),
    Node(node::Node),
    Config(config::Config),
    Health(health::Health),
    Doctor(doctor::Doctor),
    Audit(audit::Audit),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Aem(aem::Aem),
    Completions(completions::Completions),
    Man(man::Man),
    #[command(hide = true)]
    Reference(reference_command::Reference),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_command_are_without_what_it_is_given() {
        let words = |line: &str| Cli::read(line.split(' ').map(OsString::from)).unwrap().1;
        assert_eq!(words("signet serve"), "serve");
        assert_eq!(
            words("signet --data there keys relocate --to file --json"),
            "keys relocate"
        );
        assert_eq!(words("signet user group add alice staff"), "user group add");
    }
}
