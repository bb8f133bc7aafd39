//! `deny.toml`: the part of cargo-deny's format that is enforced here, and nothing beyond it.

use anyhow::{Context as _, Result, ensure};
use semver::VersionReq;
use serde::Deserialize;

use crate::tree::Tree;

/// The rules for dependencies.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    graph: Graph,
    bans: Bans,
    licenses: Licences,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Graph {
    all_features: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    multiple_versions: Level,
    wildcards: Level,
    deny: Vec<Ban>,
}

/// A crate that must not be in the graph.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ban {
    /// `name`, or `name@` and the banned versions.
    #[serde(rename = "crate")]
    spec: String,
    pub(super) reason: String,
    /// The crates that may depend on it all the same.
    #[serde(default)]
    pub(super) wrappers: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Licences {
    allow: Vec<String>,
    exceptions: Vec<LicenceException>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LicenceException {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    unknown_registry: Level,
    unknown_git: Level,
    allow_registry: Vec<String>,
    allow_git: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Level {
    Allow,
    Deny,
}

impl Policy {
    /// Reads `deny.toml`.
    pub(super) fn read(tree: &Tree) -> Result<Self> {
        let text =
            std::fs::read_to_string(tree.path("deny.toml")).context("cannot read deny.toml")?;
        Self::parse(&text).context("deny.toml")
    }

    fn parse(text: &str) -> Result<Self> {
        let policy: Self = toml::from_str(text)?;
        ensure!(
            policy.graph.all_features,
            "graph.all-features: only true is enforced"
        );
        ensure!(
            policy.bans.multiple_versions == Level::Allow && policy.bans.wildcards == Level::Allow,
            "bans: multiple-versions and wildcards: only \"allow\" is enforced"
        );
        ensure!(
            policy.sources.unknown_registry == Level::Deny
                && policy.sources.unknown_git == Level::Deny
                && policy.sources.allow_git.is_empty(),
            "sources: only \"deny\", and no git, is enforced"
        );
        for ban in &policy.bans.deny {
            ban.versions()
                .with_context(|| format!("bans.deny: {}", ban.spec))?;
            ensure!(
                !ban.reason.trim().is_empty(),
                "bans.deny: {} gives no reason",
                ban.spec
            );
        }
        Ok(policy)
    }

    /// Every ban.
    pub(super) fn bans(&self) -> &[Ban] {
        &self.bans.deny
    }

    /// The licences under which this crate may be used.
    pub(super) fn licences(&self, name: &str) -> impl Iterator<Item = &str> {
        let extra = self
            .licenses
            .exceptions
            .iter()
            .filter(move |entry| entry.name == name);
        let extra = extra.flat_map(|entry| &entry.allow);
        self.licenses.allow.iter().chain(extra).map(String::as_str)
    }

    /// The registries that packages may come from.
    pub(super) fn registries(&self) -> impl Iterator<Item = &str> {
        self.sources.allow_registry.iter().map(String::as_str)
    }
}

impl Ban {
    /// The banned crate's name.
    pub(super) fn name(&self) -> &str {
        self.spec
            .split_once('@')
            .map_or(self.spec.as_str(), |(name, _)| name)
    }

    /// The banned versions.
    pub(super) fn versions(&self) -> Result<VersionReq> {
        match self.spec.split_once('@') {
            None => Ok(VersionReq::STAR),
            Some((_, versions)) => Ok(versions.parse()?),
        }
    }
}

#[cfg(test)]
impl Policy {
    /// A small policy: MIT and Apache-2.0, the public registry, and the bans given.
    pub(super) fn for_test(bans: &str) -> Self {
        Self::parse(&Self::text_for_test(bans)).unwrap()
    }

    fn text_for_test(bans: &str) -> String {
        format!(
            r#"
            graph.all-features = true
            bans = {{ multiple-versions = "allow", wildcards = "allow", deny = [{bans}] }}
            [licenses]
            allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]
            exceptions = [{{ crate = "libfuzzer-sys", allow = ["NCSA"] }}]
            [sources]
            unknown-registry = "deny"
            unknown-git = "deny"
            allow-registry = ["https://github.com/rust-lang/crates.io-index"]
            allow-git = []
            "#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_enforces_is_refused() {
        let text = Policy::text_for_test("");
        assert!(Policy::parse(&text).is_ok());
        assert!(Policy::parse(&text.replace("allow-git = []", "allow-org = {}")).is_err());
        let git = text.replace("unknown-git = \"deny\"", "unknown-git = \"allow\"");
        assert!(Policy::parse(&git).is_err());
        let reasonless = Policy::text_for_test(r#"{ crate = "a", reason = " " }"#);
        assert!(Policy::parse(&reasonless).is_err());
        let version = Policy::text_for_test(r#"{ crate = "a@soon", reason = "b" }"#);
        assert!(Policy::parse(&version).is_err());
    }

    #[test]
    fn the_committed_policy_is_enforced_whole() {
        let policy = Policy::read(&Tree::here().unwrap()).unwrap();
        let names: Vec<_> = policy.bans().iter().map(Ban::name).collect();
        for name in [
            "openssl",
            "openssl-sys",
            "native-tls",
            "ring",
            "rsa",
            "jsonwebtoken",
            "h2",
        ] {
            assert!(names.contains(&name), "{name} is not banned");
        }
    }
}
