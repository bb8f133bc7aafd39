//! Programs and data to measure with.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::instance::Instance;
use super::{Lane, Progress};
use crate::cargo;
use crate::tree::Tree;

/// What the repository and its generator are made of: a change of either makes the kept repositories useless.
const MAKERS: &[&str] = &[
    "crates/signet-repository/migrations/sqlite",
    "crates/signet-repository/examples",
];

/// A program of the tree, as users run it.
pub(super) struct Program(PathBuf);

/// How many users and live marks an instance has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) users: u32,
    pub(super) marks: u32,
}

impl Size {
    /// A small farm.
    pub(super) const SMALL: Self = Self {
        users: 10_000,
        marks: 0,
    };
    /// A very large one.
    pub(super) const LARGE: Self = Self {
        users: 1_000_000,
        marks: 1_000_000,
    };
}

impl Program {
    /// Builds `signet` for release.
    pub(super) fn build(tree: &Tree) -> Result<Self> {
        release(tree, &["--package", "signet-cli", "--bin", "signet"])?;
        Ok(Self(tree.path("target/release/signet")))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// Builds for release, with cargo's output on standard error.
pub(super) fn release(tree: &Tree, arguments: &[&str]) -> Result<()> {
    let status = cargo::command(tree)
        .args(["build", "--release"])
        .args(arguments)
        .stdout(std::io::stderr())
        .status()
        .context("cannot run cargo")?;
    ensure!(
        status.success(),
        "`cargo build --release {}` ended with {status}",
        arguments.join(" ")
    );
    Ok(())
}

/// A directory for one run, outside any checkout: keys refuse to lie in one.
pub(super) fn scratch() -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix("signet-bench-")
        .tempdir()
        .context("cannot make a directory for the run")
}

/// An instance of the given size, with keys of its own, in a directory below `scratch`.
pub(super) fn instance(
    lane: &Lane<'_>,
    signet: &Program,
    size: Size,
    scratch: &Path,
) -> Result<Instance> {
    let repository = repository(lane.tree, size)?;
    let instance = Instance::make(signet.path(), &scratch.join("data"))?;
    let own = instance.data().join("repository.db");
    for rest in ["-wal", "-shm"] {
        let _ = fs::remove_file(instance.data().join(format!("repository.db{rest}")));
    }
    fs::copy(&repository, &own).with_context(|| format!("cannot write {}", own.display()))?;
    Ok(instance)
}

/// A repository of the given size, made once and kept until its schema changes.
fn repository(tree: &Tree, size: Size) -> Result<PathBuf> {
    let folder = tree.path("target/bench/data");
    let Size { users, marks } = size;
    let kept = folder.join(format!("{users}-{marks}-{:016x}.db", fingerprint(tree)?));
    if kept.is_file() {
        return Ok(kept);
    }
    forget_older(&folder, users, marks)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    release(
        tree,
        &["--package", "signet-repository", "--example", "fill"],
    )?;
    let _progress = Progress::new(
        &format!("making a repository of {users} users and {marks} marks, once"),
        1,
    );
    let unfinished = kept.with_extension("unfinished");
    let _ = fs::remove_file(&unfinished);
    let status = Command::new(tree.path("target/release/examples/fill"))
        .arg(&unfinished)
        .args([users.to_string(), marks.to_string()])
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .context("cannot run the example fill")?;
    ensure!(status.success(), "the example fill ended with {status}");
    fs::rename(&unfinished, &kept)?;
    Ok(kept)
}

/// Large files of older schemas are of no use to anybody.
fn forget_older(folder: &Path, users: u32, marks: u32) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(&format!("{users}-{marks}-")) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn fingerprint(tree: &Tree) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for maker in MAKERS {
        let mut paths = fs::read_dir(tree.path(maker))
            .with_context(|| format!("cannot read {maker}"))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()?;
        paths.sort();
        for path in paths {
            fs::read(&path)?.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}
