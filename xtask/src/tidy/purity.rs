//! Invariant 9: nothing in `signet-core` reads a clock, a random source, a file or the environment.

use anyhow::Result;

use super::RustFile;
use crate::findings::Findings;
use crate::tree::Tree;
use crate::{cargo, source};

const CRATE: &str = "crates/signet-core/src/";

/// Modules of `std` that reach out of the process.
const MODULES: &[&str] = &["env", "fs", "io", "net", "os", "process", "thread"];

/// Names that stand for a clock, a random source or a runtime, whatever path leads to them.
const NAMES: &[&str] = &[
    "SystemTime",
    "Instant",
    "getrandom",
    "rand",
    "tokio",
    "RandomState",
];

/// Crates that must not be among what `signet-core` is built from, however far below.
const CRATES: &[&str] = &[
    "async-std",
    "getrandom",
    "jiff",
    "mio",
    "rand",
    "rustix",
    "smol",
    "time",
    "tokio",
];

/// Checks one file, if it is part of the crate.
pub(super) fn check_source(file: &RustFile, findings: &mut Findings) {
    if !file.path.starts_with(CRATE) || source::is_test_file(&file.path) {
        return;
    }
    let code = source::without_tests(&file.code);
    for name in NAMES {
        for offset in source::words(code, name) {
            let line = source::line_of(code, offset);
            findings.error(
                format!("{}:{line}", file.path),
                format!("signet-core names {name}"),
            );
        }
    }
    for module in std_modules(code)
        .iter()
        .filter(|module| MODULES.contains(&module.as_str()))
    {
        findings.error(&file.path, format!("signet-core names std::{module}"));
    }
}

/// Checks what the crate is built from.
pub(super) fn check_dependencies(tree: &Tree, findings: &mut Findings) -> Result<()> {
    let arguments = [
        "tree",
        "--package",
        "signet-core",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--quiet",
    ];
    for name in impure(&cargo::output(tree, &arguments)?) {
        findings.error("signet-core", format!("is built from {name}"));
    }
    Ok(())
}

fn impure(listing: &str) -> Vec<&str> {
    let mut names: Vec<_> = listing
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| CRATES.contains(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The first segment after every `std::`, also inside `std::{…}`.
fn std_modules(code: &str) -> Vec<String> {
    let dense: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let mut modules = Vec::new();
    for (offset, _) in dense.match_indices("std::") {
        let rest = &dense[offset + "std::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => modules.extend(group_heads(group)),
            None => modules.push(head(rest)),
        }
    }
    modules
}

/// The first segments of the entries of `a, b::{c, d}, …}`.
fn group_heads(group: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut heads = vec![head(group)];
    for (offset, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(head(&group[offset + 1..])),
            _ => {}
        }
    }
    heads
}

fn head(path: &str) -> String {
    path.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(path: &str, text: &str) -> usize {
        let mut findings = Findings::default();
        check_source(&RustFile::new(path, text), &mut findings);
        findings.errors().count()
    }

    #[test]
    fn reaching_out_of_the_process_is_found_in_every_spelling() {
        let path = "crates/signet-core/src/token.rs";
        assert_eq!(errors(path, "use std::fs::File;"), 1);
        assert_eq!(
            errors(
                path,
                "use std::{\n    collections::{BTreeMap, HashMap},\n    env,\n};"
            ),
            1
        );
        assert_eq!(errors(path, "fn now() { std::time::SystemTime::now() }"), 1);
        assert_eq!(errors(path, "use std::time::{Duration, Instant};"), 1);
        assert_eq!(errors(path, "getrandom::fill(&mut bytes)"), 1);
        assert_eq!(errors(path, "use std :: net :: IpAddr;"), 1);
    }

    #[test]
    fn words_and_tests_and_other_crates_are_free() {
        let path = "crates/signet-core/src/token.rs";
        assert_eq!(
            errors(path, "// std::fs is not for us\nuse std::time::Duration;"),
            0
        );
        assert_eq!(
            errors(path, "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n"),
            0
        );
        assert_eq!(
            errors("crates/signet-core/src/token/tests.rs", "use std::fs;"),
            0
        );
        assert_eq!(errors("crates/signet-keys/src/file.rs", "use std::fs;"), 0);
    }

    #[test]
    fn impure_crates_are_found_far_below() {
        let listing =
            "signet-core v0.1.0 (/a)\nhmac v0.13.0\ngetrandom v0.4.3\ngetrandom v0.4.3 (*)";
        assert_eq!(impure(listing), ["getrandom"]);
    }
}
