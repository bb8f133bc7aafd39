//! From the words of the command line to an exit status.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use tokio::runtime::{Builder, Runtime};

use crate::arguments::{Cli, Command};
use crate::command::{self, Outcome};
use crate::context::Context;
use crate::core_dump;
use crate::memory_lock;
use crate::output::{Gone, Output};

/// Does what `arguments` ask for, the name of the program first, and says how it went: 0 done, 1 failed or denied,
/// 2 misuse.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    core_dump::forbid();
    memory_lock::hold();
    let (cli, words) = match Cli::read(arguments) {
        Ok(read) => read,
        Err(error) => return answer_without_command(error),
    };
    let output = Output::new(cli.globals.json);
    let context = Context::new(output, cli.globals.data, words);
    let result = runtime(&cli.command)
        .and_then(|runtime| runtime.block_on(command::run(&context, cli.command)));
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Denied) => ExitCode::FAILURE,
        Ok(Outcome::Status(status)) => ExitCode::from(status),
        // Whoever read the output has enough of it, as `head` does.
        Err(error) if error.is::<Gone>() => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

/// A server and a lab use every core; other commands do one thing after the other.
fn runtime(command: &Command) -> anyhow::Result<Runtime> {
    let mut builder = match command {
        Command::Serve(_) | Command::Lab(_) => Builder::new_multi_thread(),
        _ => Builder::new_current_thread(),
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    builder
        .worker_threads(threads)
        .enable_all()
        .build()
        .context("the threads of the program could not be started")
}

/// Help, version, or misuse.
fn answer_without_command(mut error: clap::Error) -> ExitCode {
    hide_values(&mut error);
    // If nobody reads it, nobody misses it.
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn is_place(error: &clap::Error) -> bool {
    let argument = error.get(ContextKind::InvalidArg);
    matches!(argument, Some(ContextValue::String(name)) if name.contains("PLACE"))
}

/// Stands in the place of a word that was not expected.
const NOT_REPEATED: &str = "(not repeated: it may be a secret)";

/// Somebody may have typed a password or a token where none belongs; the message does not repeat it.
fn hide_values(error: &mut clap::Error) {
    const LONGEST_WORD: usize = 20;
    let (kind, is_secret): (_, fn(&str) -> bool) = match error.kind() {
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, |word| !word.starts_with('-')),
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, |word| {
            word.len() > LONGEST_WORD
        }),
        // The place of a secret, or the secret itself.
        ErrorKind::ValueValidation if is_place(error) => (ContextKind::InvalidValue, |_| true),
        // A URL with a password in it.
        ErrorKind::ValueValidation => (ContextKind::InvalidValue, |word| {
            word.contains("://") && word.contains('@')
        }),
        _ => return,
    };
    let Some(ContextValue::String(word)) = error.get(kind) else {
        return;
    };
    if is_secret(word) {
        error.insert(kind, ContextValue::String(NOT_REPEATED.to_owned()));
        error.remove(ContextKind::Suggested);
    }
}
