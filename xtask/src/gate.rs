//! The steps that every change must pass.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::tree::Tree;
use crate::{cargo, dependencies, fuzz, needs, reference, tidy};

/// How long each fuzz target runs in the gate.
const FUZZ_SECONDS: u32 = 10;

/// One step of the gate, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// Programs and components that the other steps need.
    Needs,
    /// Formatting.
    Format,
    /// Clippy, with warnings as errors.
    Clippy,
    /// Rules of the house.
    Tidy,
    /// Bans, licences and sources.
    Dependencies,
    /// All tests.
    Tests,
    /// The generated reference is fresh.
    Reference,
    /// Every fuzz target, briefly.
    Fuzz,
    /// The documentation builds without a warning.
    Docs,
}

/// Runs the chosen steps, or all of them, and stops at the first that fails.
pub(crate) fn run(tree: &Tree, only: Option<Step>, from: Option<Step>) -> Result<()> {
    let chosen: Vec<Step> = Step::value_variants()
        .iter()
        .copied()
        .filter(|step| only.is_none_or(|only| only == *step))
        .skip_while(|step| from.is_some_and(|from| from != *step))
        .collect();
    let mut times = Vec::new();
    for step in &chosen {
        println!("==> {}", step.name());
        let start = Instant::now();
        let outcome = step.run(tree);
        let time = start.elapsed();
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("==> {}: {verdict} in {}", step.name(), shown(time));
        outcome.with_context(|| {
            let name = step.name();
            format!("step {name} failed (alone: cargo xtask test --only {name})")
        })?;
        times.push((step.name(), time));
    }
    println!();
    for (name, time) in &times {
        println!("{name:<14}{:>12}", shown(*time));
    }
    let total = shown(times.iter().map(|(_, time)| *time).sum());
    let all = Step::value_variants().len();
    println!(
        "ok: {} of {all} steps ran and passed in {total}",
        chosen.len()
    );
    Ok(())
}

impl Step {
    fn run(self, tree: &Tree) -> Result<()> {
        match self {
            Self::Needs => needs::ensure(tree),
            Self::Format => {
                cargo::run(tree, &["fmt", "--all", "--check"])?;
                cargo::run(tree, &["fmt", "--manifest-path", fuzz::MANIFEST, "--check"])
            }
            Self::Clippy => cargo::run(
                tree,
                &[
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--locked",
                    "--",
                    "-D",
                    "warnings",
                ],
            ),
            Self::Tidy => tidy::check(tree),
            Self::Dependencies => dependencies::check(tree),
            Self::Tests => cargo::run(tree, &["test", "--workspace", "--locked"]),
            Self::Reference => reference::check(tree, reference::Build::WithTests),
            Self::Fuzz => fuzz::run(tree, None, FUZZ_SECONDS, fuzz::Lockfile::AsCommitted),
            Self::Docs => cargo::execute(
                cargo::command(tree)
                    .args(["doc", "--workspace", "--no-deps", "--locked"])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            ),
        }
    }

    fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!(shown(Duration::from_millis(1_230)), "1.2 s");
        assert_eq!(shown(Duration::from_secs(125)), "2 min 5 s");
    }
}
