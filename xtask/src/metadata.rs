//! What `cargo metadata` says about packages and their graph.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use semver::Version;
use serde::Deserialize;

use crate::cargo;
use crate::tree::Tree;

/// The answer of `cargo metadata --format-version 1`, as far as the rules need it.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Option<Resolve>,
}

/// One package in one version.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) license: Option<String>,
    /// Where it comes from; `None` for a path on this machine.
    pub(crate) source: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency as the manifest declares it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for `[dependencies]`, otherwise "dev" or "build".
    pub(crate) kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

impl Metadata {
    /// The members alone; asks nothing of the lock file.
    pub(crate) fn members_of(tree: &Tree) -> Result<Self> {
        Self::read(tree, &["--no-deps"])
    }

    /// The whole graph of the workspace with this manifest, as locked, with every feature.
    pub(crate) fn graph_of(tree: &Tree, manifest: &str) -> Result<Self> {
        Self::read(
            tree,
            &["--all-features", "--locked", "--manifest-path", manifest],
        )
    }

    fn read(tree: &Tree, arguments: &[&str]) -> Result<Self> {
        let mut all = vec!["metadata", "--quiet", "--format-version", "1"];
        all.extend(arguments);
        let json = cargo::output(tree, &all)?;
        serde_json::from_str(&json).context("cargo metadata has an unknown shape")
    }

    /// The packages of this workspace.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Every package that is really part of a build, members included.
    pub(crate) fn reachable(&self) -> Vec<&Package> {
        let edges = self.edges();
        let mut seen = BTreeSet::new();
        let mut next: Vec<&str> = self.workspace_members.iter().map(String::as_str).collect();
        while let Some(id) = next.pop() {
            if seen.insert(id) {
                next.extend(edges.get(id).into_iter().flatten());
            }
        }
        self.packages
            .iter()
            .filter(|package| seen.contains(package.id.as_str()))
            .collect()
    }

    /// The packages that depend on this one directly.
    pub(crate) fn dependents(&self, id: &str) -> Vec<&Package> {
        let edges = self.edges();
        self.reachable()
            .into_iter()
            .filter(|package| {
                edges
                    .get(package.id.as_str())
                    .is_some_and(|ids| ids.contains(&id))
            })
            .collect()
    }

    fn edges(&self) -> BTreeMap<&str, Vec<&str>> {
        let nodes = self.resolve.iter().flat_map(|resolve| &resolve.nodes);
        nodes
            .map(|node| {
                (
                    node.id.as_str(),
                    node.dependencies.iter().map(String::as_str).collect(),
                )
            })
            .collect()
    }
}

#[cfg(test)]
impl Metadata {
    /// A graph for tests: packages, edges by name, and the one member.
    pub(crate) fn for_test(packages: &[Package], edges: &[(&str, &[&str])], member: &str) -> Self {
        let id = |name: &str| {
            packages
                .iter()
                .find(|package| package.name == name)
                .unwrap()
                .id
                .clone()
        };
        let nodes = edges
            .iter()
            .map(|(from, to)| Node {
                id: id(from),
                dependencies: to.iter().map(|name| id(name)).collect(),
            })
            .collect();
        Self {
            packages: packages.to_vec(),
            workspace_members: BTreeSet::from([id(member)]),
            resolve: Some(Resolve { nodes }),
        }
    }
}

#[cfg(test)]
impl Package {
    /// A package of the public registry.
    pub(crate) fn for_test(name: &str, version: &str, license: &str) -> Self {
        Self {
            id: format!("{name}@{version}"),
            name: name.to_owned(),
            version: version.parse().unwrap(),
            license: Some(license.to_owned()),
            source: Some("registry+https://github.com/rust-lang/crates.io-index".to_owned()),
            manifest_path: PathBuf::from(name).join("Cargo.toml"),
            dependencies: Vec::new(),
        }
    }
}
