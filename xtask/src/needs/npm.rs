//! Packages of npm that tests start, installed once below `target`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::cargo::execute;
use crate::tree::Tree;

/// The token endpoint of the tests: where its lock file is committed, and where it is installed.
const SOURCE: &str = "crates/signet-cli/tests/real/oidc";
const TARGET: &str = "target/npm/oidc";

/// The oldest Node.js that the packages run on.
const OLDEST_NODE: (u32, u32) = (18, 17);

const LOCK: &str = "package-lock.json";

/// The lock file that was installed, so that later runs need no network. The tests compare it, too.
const STAMP: &str = "installed.json";

/// Makes sure that the packages are there, exactly as their lock file says.
///
/// # Errors
///
/// When Node.js is too old, or npm fails; the error says what to type.
pub(super) fn ensure(tree: &Tree) -> Result<()> {
    node()?;
    let (source, target) = (tree.path(SOURCE), tree.path(TARGET));
    if is_installed(&source, &target) {
        return Ok(());
    }
    install(&source, &target)
        .with_context(|| format!("the packages of {SOURCE} cannot be installed"))
}

fn is_installed(source: &Path, target: &Path) -> bool {
    let read = |file| fs::read(file).ok();
    let wanted = read(source.join(LOCK));
    wanted.is_some() && wanted == read(target.join(STAMP)) && target.join("node_modules").is_dir()
}

fn install(source: &Path, target: &Path) -> Result<()> {
    fs::create_dir_all(target)?;
    for file in ["package.json", LOCK] {
        fs::copy(source.join(file), target.join(file))?;
    }
    // No script of a package runs.
    execute(
        Command::new("npm")
            .current_dir(target)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .stdin(Stdio::null()),
    )?;
    // Last, so that what was broken off is done again.
    fs::copy(source.join(LOCK), target.join(STAMP))?;
    Ok(())
}

fn node() -> Result<()> {
    let output = Command::new("node").arg("--version").output();
    let output = output.context("node cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let Some(found) = version(text.trim()) else {
        bail!("`node --version` says {text:?}");
    };
    ensure!(
        found >= OLDEST_NODE,
        "node is {}.{}, expected {}.{} or newer: install the nodejs of a newer Debian, or from https://nodejs.org",
        found.0,
        found.1,
        OLDEST_NODE.0,
        OLDEST_NODE.1,
    );
    Ok(())
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version("v20.20.2"), Some((20, 20)));
        assert!(version("v18.9.0") < Some(OLDEST_NODE));
        assert_eq!(version("20"), None);
        assert_eq!(version(""), None);
    }

    #[test]
    fn only_what_was_finished_counts() {
        let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (source, target) = (source.path(), target.path());
        assert!(!is_installed(source, target));
        fs::write(source.join(LOCK), "{}").unwrap();
        fs::create_dir(target.join("node_modules")).unwrap();
        assert!(!is_installed(source, target));
        fs::write(target.join(STAMP), "{}").unwrap();
        assert!(is_installed(source, target));
        fs::write(source.join(LOCK), "{\"lockfileVersion\":3}").unwrap();
        assert!(!is_installed(source, target));
    }

    // Whoever installs gets the same bytes, and from their own registry.
    #[test]
    fn the_lock_file_names_bytes_and_no_machine() {
        let tree = Tree::here().unwrap();
        let text = fs::read_to_string(tree.path(SOURCE).join(LOCK)).unwrap();
        let lock: serde_json::Value = serde_json::from_str(&text).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        assert!(packages.len() > 10);
        for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
            let hash = package["integrity"].as_str().unwrap();
            assert!(hash.starts_with("sha512-"), "{name}");
            assert!(package.get("resolved").is_none(), "{name}");
        }
    }
}
