//! Crates that must not be in the graph.

use crate::findings::Findings;
use crate::metadata::{Metadata, Package};

use super::policy::Policy;

/// Reports a package that is banned, unless all its dependents are excepted.
pub(super) fn judge(package: &Package, graph: &Metadata, policy: &Policy, findings: &mut Findings) {
    for ban in policy
        .bans()
        .iter()
        .filter(|ban| ban.name() == package.name)
    {
        // A pre-release of a banned version is banned as well.
        let mut version = package.version.clone();
        version.pre = semver::Prerelease::EMPTY;
        if !ban.versions().is_ok_and(|banned| banned.matches(&version)) {
            continue;
        }
        let dependents: Vec<_> = graph
            .dependents(&package.id)
            .into_iter()
            .map(|dependent| dependent.name.as_str())
            .filter(|name| !ban.wrappers.iter().any(|wrapper| wrapper == name))
            .collect();
        if ban.wrappers.is_empty() || !dependents.is_empty() {
            findings.error(
                super::place(package),
                format!(
                    "is banned ({}); needed by {}",
                    ban.reason,
                    dependents.join(", ")
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(bans: &str, version: &str) -> usize {
        let packages = [
            Package::for_test("app", "1.0.0", "MIT"),
            Package::for_test("middle", "1.0.0", "MIT"),
            Package::for_test("bad", version, "MIT"),
        ];
        let edges: &[(&str, &[&str])] = &[("app", &["middle"]), ("middle", &["bad"])];
        let graph = Metadata::for_test(&packages, edges, "app");
        let mut findings = Findings::default();
        judge(&packages[2], &graph, &Policy::for_test(bans), &mut findings);
        findings.errors().count()
    }

    #[test]
    fn a_banned_crate_is_found_behind_another() {
        assert_eq!(errors(r#"{ crate = "bad", reason = "r" }"#, "1.0.0"), 1);
        assert_eq!(errors(r#"{ crate = "other", reason = "r" }"#, "1.0.0"), 0);
    }

    #[test]
    fn only_the_named_versions_are_banned() {
        let ban = r#"{ crate = "bad@<10.3.0", reason = "r" }"#;
        assert_eq!(errors(ban, "10.2.9"), 1);
        assert_eq!(errors(ban, "10.2.0-rc.1"), 1);
        assert_eq!(errors(ban, "10.3.0"), 0);
    }

    #[test]
    fn an_exception_names_the_dependent() {
        assert_eq!(
            errors(
                r#"{ crate = "bad", reason = "r", wrappers = ["middle"] }"#,
                "1.0.0"
            ),
            0
        );
        assert_eq!(
            errors(
                r#"{ crate = "bad", reason = "r", wrappers = ["app"] }"#,
                "1.0.0"
            ),
            1
        );
    }
}
