//! What each command does.

pub(crate) mod aem;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod client;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod lab;
pub(crate) mod man;
pub(crate) mod node;
pub(crate) mod reference;
pub(crate) mod restore;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod user;

use crate::arguments::Command;
use crate::context::Context;
use crate::logging;

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what it was asked.
    Done,
    /// The answer is no: a token is denied, a proof does not hold.
    Denied,
    /// The answer is in the exit status, as monitoring plugins have it.
    Status(u8),
}

pub(crate) async fn run(context: &Context, command: Command) -> anyhow::Result<Outcome> {
    if !matches!(command, Command::Serve(_)) {
        logging::command(&context.output);
    }
    match command {
        Command::Serve(serve) => serve.run(context).await,
        Command::Lab(lab) => lab.run(context).await,
        Command::User(user) => user.run(context).await,
        Command::Token(token) => token.run(context).await,
        Command::Keys(keys) => keys.run(context).await,
        Command::Secret(secret) => secret.run(context).await,
        Command::Client(client) => client.run(context).await,
        Command::Node(node) => node.run(context).await,
        Command::Config(config) => config.run(context),
        Command::Health(health) => health.run(context).await,
        Command::Doctor(doctor) => doctor.run(context).await,
        Command::Audit(audit) => audit.run(context).await,
        Command::Backup(backup) => backup.run(context).await,
        Command::Restore(restore) => restore.run(context).await,
        Command::Aem(aem) => aem.run(context).await,
        Command::Completions(completions) => completions.run(context),
        Command::Man(man) => man.run(context),
        Command::Reference(reference) => reference.run(context),
    }
}
