//! `docs/reference/`: written by the program that it describes.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::cargo;
use crate::tree::Tree;

const CRATE: &str = "signet-cli";
const PROGRAM: &str = "signet";

/// The pages, each named as `signet reference <page>` calls it.
const PAGES: &[&str] = &["config", "cli", "metrics", "http"];

/// How the program is built before it is asked.
#[derive(Clone, Copy)]
pub(crate) enum Build {
    /// By itself: soonest, when nothing is built yet.
    Alone,
    /// With everything that the tests have built already, and with the same features.
    WithTests,
}

/// Writes every page.
pub(crate) fn write(tree: &Tree) -> Result<()> {
    std::fs::create_dir_all(tree.path("docs/reference"))?;
    for (page, text) in pages(tree, Build::Alone)? {
        std::fs::write(file(tree, page), text)?;
        println!("    wrote docs/reference/{page}.md");
    }
    Ok(())
}

/// Compares every page with what the program says now.
pub(crate) fn check(tree: &Tree, build: Build) -> Result<()> {
    if !tree.path(&format!("crates/{CRATE}/Cargo.toml")).is_file() {
        println!("    crates/{CRATE} does not exist yet: there is nothing to generate from");
        return Ok(());
    }
    let stale: Vec<_> = pages(tree, build)?
        .into_iter()
        .filter(|(page, text)| {
            std::fs::read_to_string(file(tree, page)).ok().as_ref() != Some(text)
        })
        .map(|(page, _)| format!("docs/reference/{page}.md"))
        .collect();
    if stale.is_empty() {
        println!("    {} generated pages are fresh", PAGES.len());
        return Ok(());
    }
    bail!("stale: {}; type: cargo xtask docs", stale.join(", "))
}

fn pages(tree: &Tree, build: Build) -> Result<Vec<(&'static str, String)>> {
    let arguments: &[&str] = match build {
        Build::Alone => &["--package", CRATE],
        Build::WithTests => &["--workspace", "--all-targets", "--locked"],
    };
    let program = cargo::executables(tree, arguments, &[])?
        .into_iter()
        .find_map(|(name, path)| (name == PROGRAM).then_some(path))
        .with_context(|| format!("{CRATE} builds no program {PROGRAM}"))?;
    PAGES
        .iter()
        .map(|page| Ok((*page, ask(&program, page)?)))
        .collect()
}

fn ask(program: &str, page: &str) -> Result<String> {
    let output = Command::new(program)
        .args(["reference", page])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    ensure!(
        output.status.success(),
        "`{PROGRAM} reference {page}` ended with {}",
        output.status
    );
    String::from_utf8(output.stdout).context("the reference is not UTF-8")
}

fn file(tree: &Tree, page: &str) -> PathBuf {
    tree.path(&format!("docs/reference/{page}.md"))
}
