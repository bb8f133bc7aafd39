#![doc = include_str!("../README.md")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development tool talks to the terminal"
)]

mod bench;
mod cargo;
mod dependencies;
mod findings;
mod fuzz;
mod gate;
mod metadata;
mod needs;
mod reference;
mod source;
mod tidy;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::tree::Tree;

/// Development tasks of Signet.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run everything a change must pass.
    Test {
        /// Run this step alone.
        #[arg(long, value_name = "STEP", conflicts_with = "from")]
        only: Option<gate::Step>,
        /// Start with this step, and go on to the end.
        #[arg(long, value_name = "STEP")]
        from: Option<gate::Step>,
    },
    /// Install or verify the programs that the tests need.
    Needs,
    /// Check the rules of the house, and that generated files are fresh.
    Tidy,
    /// Check bans, licences and sources of every dependency.
    Dependencies,
    /// Write the generated reference in docs/reference.
    Docs {
        /// Compare with what is there, and write nothing.
        #[arg(long)]
        check: bool,
    },
    /// Measure Signet beside its peers.
    Bench(bench::Bench),
    /// Send requests at a constant rate: the load of a measurement.
    #[command(hide = true)]
    Pace(bench::Pace),
    /// Fuzz one target, or all of them.
    Fuzz {
        /// The target's name; without it, every target runs.
        target: Option<String>,
        /// How long each target runs.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Run one input instead, for example the file of a crash.
        #[arg(long, requires = "target", value_name = "FILE")]
        input: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    let tree = Tree::here()?;
    match task {
        Task::Bench(bench) => bench.run(&tree),
        Task::Pace(pace) => pace.run(),
        Task::Test { only, from } => gate::run(&tree, only, from),
        Task::Needs => needs::ensure(&tree),
        Task::Tidy => {
            tidy::check(&tree)?;
            reference::check(&tree, reference::Build::Alone)
        }
        Task::Dependencies => dependencies::check(&tree),
        Task::Docs { check: true } => reference::check(&tree, reference::Build::Alone),
        Task::Docs { check: false } => reference::write(&tree),
        Task::Fuzz {
            target: Some(target),
            input: Some(input),
            ..
        } => fuzz::replay(&tree, &target, &input),
        Task::Fuzz {
            target, seconds, ..
        } => fuzz::run(&tree, target.as_deref(), seconds, fuzz::Lockfile::Updated),
    }
}
