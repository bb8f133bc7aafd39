//! Bans, licences and sources of every package in the graph, as `deny.toml` says.

mod ban;
mod licence;
mod lock;
mod policy;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

use self::policy::Policy;
use crate::findings::Findings;
use crate::metadata::{Metadata, Package};
use crate::tree::Tree;
use crate::{cargo, fuzz};

/// Checks the workspace and the fuzz targets.
///
/// # Errors
///
/// When a rule is broken, or `deny.toml` has a key that nothing here enforces.
pub(crate) fn check(tree: &Tree) -> Result<()> {
    let policy = Policy::read(tree)?;
    let mut findings = Findings::default();
    let main = Metadata::graph_of(tree, "Cargo.toml")?;
    judge(&main, &built(tree, "Cargo.toml")?, &policy, &mut findings);
    duplicates(&main, &mut findings);
    let fuzz = Metadata::graph_of(tree, fuzz::MANIFEST)?;
    judge(&fuzz, &built(tree, fuzz::MANIFEST)?, &policy, &mut findings);
    lock::compare(&main, &fuzz, &mut findings);
    println!(
        "    {} packages in the workspace, {} in the fuzz targets",
        main.reachable().len(),
        fuzz.reachable().len()
    );
    findings.conclude("dependencies")
}

/// Every package of which something is built, on any platform.
///
/// The metadata also know optional dependencies that no feature switches on, as the lock file does.
fn built(tree: &Tree, manifest: &str) -> Result<BTreeSet<String>> {
    let arguments = [
        "tree",
        "--locked",
        "--workspace",
        "--all-features",
        "--target",
        "all",
        "--edges",
        "all",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--manifest-path",
        manifest,
    ];
    let listed = cargo::output(tree, &arguments)?;
    // A line is the name, `v` and the version, and for packages of the workspace their path.
    let names = listed.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        Some(format!("{name} {version}"))
    });
    let names: BTreeSet<_> = names.collect();
    ensure!(
        !names.is_empty(),
        "`cargo tree` lists nothing for {manifest}"
    );
    Ok(names)
}

fn judge(graph: &Metadata, built: &BTreeSet<String>, policy: &Policy, findings: &mut Findings) {
    for package in graph.reachable() {
        if built.contains(&place(package)) {
            ban::judge(package, graph, policy, findings);
        }
        licence::judge(package, policy, findings);
        source(package, policy, findings);
    }
}

fn source(package: &Package, policy: &Policy, findings: &mut Findings) {
    let Some(source) = &package.source else {
        return;
    };
    let known = policy.registries().any(|url| {
        source
            .strip_prefix("registry+")
            .is_some_and(|registry| registry == url)
    });
    if !known {
        // The address itself is not printed: it may name a private host.
        findings.error(
            place(package),
            "comes from a source that deny.toml does not list",
        );
    }
}

fn duplicates(graph: &Metadata, findings: &mut Findings) {
    let mut versions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for package in graph.reachable() {
        versions
            .entry(&package.name)
            .or_default()
            .push(package.version.to_string());
    }
    for (name, versions) in versions
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1)
    {
        findings.note(
            name,
            format!(
                "is there in {} versions: {}",
                versions.len(),
                versions.join(", ")
            ),
        );
    }
}

fn place(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_registries_and_paths_are_sources() {
        let policy = Policy::for_test("");
        let errors = |source: Option<&str>| {
            let mut package = Package::for_test("a", "1.0.0", "MIT");
            package.source = source.map(str::to_owned);
            let mut findings = Findings::default();
            super::source(&package, &policy, &mut findings);
            findings.errors().count()
        };
        assert_eq!(errors(None), 0);
        assert_eq!(
            errors(Some(
                "registry+https://github.com/rust-lang/crates.io-index"
            )),
            0
        );
        assert_eq!(errors(Some("registry+https://mirror.example/index")), 1);
        assert_eq!(
            errors(Some(concat!("sparse", "+https://mirror.example/"))),
            1
        );
        assert_eq!(errors(Some("git+https://example.com/a?rev=1#1")), 1);
    }
}
