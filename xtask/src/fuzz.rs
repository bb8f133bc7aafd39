//! Fuzzing on a stable compiler: libFuzzer, and the instrumentation that rustc hands to LLVM.

mod libfuzzer;
mod lockfile;

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use self::libfuzzer::Run;
pub(crate) use self::lockfile::Lockfile;
use crate::cargo;
use crate::tree::Tree;

/// The manifest of the fuzz targets, a workspace of their own.
pub(crate) const MANIFEST: &str = "fuzz/Cargo.toml";

/// Coverage counters and traced comparisons, which is what libFuzzer steers by.
/// They are for the code that runs on the target alone, so builds name their `--target`.
const RUSTFLAGS: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Clink-dead-code \
    --cfg fuzzing";

/// Fuzzes one target, or all, each for so many seconds.
///
/// # Errors
///
/// When a target crashes, hangs, or runs without coverage; the error names the input.
pub(crate) fn run(tree: &Tree, only: Option<&str>, seconds: u32, lockfile: Lockfile) -> Result<()> {
    let targets = targets(tree)?;
    if let Some(name) = only {
        ensure_known(name, &targets)?;
    }
    let chosen: VecDeque<String> = targets
        .into_iter()
        .filter(|name| only.is_none_or(|only| only == name))
        .collect();
    for name in &chosen {
        let corpus = tree.path(&format!("fuzz/corpus/{name}"));
        let seeds = std::fs::read_dir(&corpus)
            .map(Iterator::count)
            .unwrap_or_default();
        ensure!(seeds > 0, "fuzz/corpus/{name} holds no seed");
    }
    let programs = build(tree, lockfile)?;
    let failures = side_by_side(chosen, |name| {
        let outcome = program(&programs, name).and_then(|program| {
            Run {
                tree,
                name,
                program,
                seconds,
            }
            .execute()
            .with_context(|| format!("target {name}"))
        });
        match &outcome {
            Ok(summary) => println!("    {name}: {summary}"),
            Err(error) => println!("    {name}: {error:#}"),
        }
        outcome.is_err()
    });
    ensure!(failures == 0, "{failures} fuzz targets failed, see above");
    Ok(())
}

/// Runs one input through one target, with its output on this terminal.
pub(crate) fn replay(tree: &Tree, name: &str, input: &Path) -> Result<()> {
    ensure_known(name, &targets(tree)?)?;
    ensure!(input.is_file(), "there is no file {}", input.display());
    let programs = build(tree, Lockfile::Updated)?;
    cargo::execute(Command::new(program(&programs, name)?).arg(input))
}

#[derive(Deserialize)]
struct Manifest {
    bin: Vec<Bin>,
}

#[derive(Deserialize)]
struct Bin {
    name: String,
}

fn targets(tree: &Tree) -> Result<Vec<String>> {
    let text =
        std::fs::read_to_string(tree.path(MANIFEST)).context("cannot read fuzz/Cargo.toml")?;
    let manifest: Manifest = toml::from_str(&text).context("fuzz/Cargo.toml")?;
    Ok(manifest.bin.into_iter().map(|bin| bin.name).collect())
}

fn ensure_known(name: &str, targets: &[String]) -> Result<()> {
    if targets.iter().any(|target| target == name) {
        return Ok(());
    }
    bail!(
        "there is no fuzz target {name}; there are: {}",
        targets.join(", ")
    )
}

fn build(tree: &Tree, lockfile: Lockfile) -> Result<Vec<(String, String)>> {
    if let Lockfile::Updated = lockfile {
        lockfile::follow_the_workspace(tree)?;
    }
    let host = host()?;
    let folder = tree.path("fuzz/target");
    let mut arguments = vec!["--manifest-path", MANIFEST, "--bins", "--target", &host];
    arguments.extend([
        "--target-dir",
        folder.to_str().context("a path that is not UTF-8")?,
    ]);
    if let Lockfile::AsCommitted = lockfile {
        arguments.push("--locked");
    }
    cargo::executables(tree, &arguments, &[("RUSTFLAGS", RUSTFLAGS)])
}

fn program<'a>(programs: &'a [(String, String)], name: &str) -> Result<&'a OsStr> {
    let found = programs.iter().find(|(program, _)| program == name);
    found
        .map(|(_, path)| OsStr::new(path))
        .with_context(|| format!("{name} was not built"))
}

/// The triple that this compiler builds for by itself.
fn host() -> Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("cannot run rustc")?;
    let text = String::from_utf8(output.stdout).context("rustc printed no UTF-8")?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// Does the work on as many threads as there are cores; returns how many returned true.
fn side_by_side(names: VecDeque<String>, work: impl Fn(&str) -> bool + Sync) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let queue = Mutex::new(names);
    let next = || {
        queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|_| scope.spawn(|| std::iter::from_fn(next).filter(|name| work(name)).count()))
            .collect();
        // A worker that panicked proved nothing.
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or(1))
            .sum()
    })
}

/// Where everything goes that a run leaves behind, outside the sources.
fn scratch(tree: &Tree, kind: &str, name: &str) -> Result<PathBuf> {
    let folder = tree.path(&format!("fuzz/target/{kind}/{name}"));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_known_and_has_seeds() {
        let tree = Tree::here().unwrap();
        let targets = targets(&tree).unwrap();
        assert!(ensure_known("token", &targets).is_ok());
        assert!(ensure_known("tokens", &targets).is_err());
        for name in targets {
            let corpus = tree.path(&format!("fuzz/corpus/{name}"));
            assert!(std::fs::read_dir(corpus).unwrap().count() > 0, "{name}");
        }
    }

    #[test]
    fn all_work_is_done_and_failures_are_counted() {
        let names: VecDeque<_> = (0..9).map(|number| number.to_string()).collect();
        assert_eq!(side_by_side(names, |name| name == "3" || name == "7"), 2);
    }
}
