//! `fuzz/Cargo.lock` follows the workspace's: what is fuzzed is what is released.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use crate::tree::Tree;

const MAIN: &str = "Cargo.lock";
const FUZZ: &str = "fuzz/Cargo.lock";

/// What a build may do to the lock file.
#[derive(Clone, Copy)]
pub(crate) enum Lockfile {
    /// Nothing: it is built as committed.
    AsCommitted,
    /// Bring it up to date with the workspace first.
    Updated,
}

/// Takes every version from the workspace; cargo then drops what the targets do not need.
pub(super) fn follow_the_workspace(tree: &Tree) -> Result<()> {
    let read = |path: &str| -> Result<Table> {
        let text = std::fs::read_to_string(tree.path(path)).unwrap_or_default();
        text.parse().with_context(|| path.to_owned())
    };
    let merged = merged(read(MAIN)?, read(FUZZ)?);
    std::fs::write(tree.path(FUZZ), merged.to_string())
        .with_context(|| format!("cannot write {FUZZ}"))
}

fn merged(mut main: Table, mut fuzz: Table) -> Table {
    let mut packages = packages(&mut main);
    let known: BTreeSet<String> = packages.iter().filter_map(name).collect();
    let own = self::packages(&mut fuzz);
    packages.extend(
        own.into_iter()
            .filter(|p| name(p).is_some_and(|name| !known.contains(&name))),
    );
    main.insert("package".to_owned(), Value::Array(packages));
    main
}

fn packages(lock: &mut Table) -> Vec<Value> {
    match lock.remove("package") {
        Some(Value::Array(packages)) => packages,
        _ => Vec::new(),
    }
}

fn name(package: &Value) -> Option<String> {
    Some(package.get("name")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_workspace_and_the_rest_stays() {
        let lock = |packages: &[(&str, &str)]| -> Table {
            let entries = packages.iter().map(|(name, version)| {
                format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n")
            });
            format!("version = 4\n{}", entries.collect::<String>())
                .parse()
                .unwrap()
        };
        let main = lock(&[("a", "2.0.0"), ("xtask", "0.1.0")]);
        let fuzz = lock(&[("a", "1.0.0"), ("libfuzzer-sys", "0.4.0")]);
        let expected = lock(&[
            ("a", "2.0.0"),
            ("xtask", "0.1.0"),
            ("libfuzzer-sys", "0.4.0"),
        ]);
        assert_eq!(merged(main, fuzz), expected);
    }
}
