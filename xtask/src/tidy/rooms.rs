//! Layering: a room uses only what its arrow names.

use crate::findings::Findings;
use crate::metadata::Package;

/// Every room and the rooms that it may name in `[dependencies]`.
const ROOMS: &[(&str, &[&str])] = &[
    ("signet-core", &[]),
    ("signet-keys", &["signet-core"]),
    ("signet-repository", &["signet-core"]),
    ("signet-http", &["signet-core"]),
    ("signet-audit", &["signet-core", "signet-keys"]),
    ("signet-bundle", &["signet-core", "signet-keys"]),
    ("signet-secret", &["signet-core", "signet-keys"]),
    (
        "signet-oauth",
        &[
            "signet-core",
            "signet-http",
            "signet-repository",
            "signet-secret",
        ],
    ),
    (
        "signet-farm",
        &["signet-core", "signet-keys", "signet-repository"],
    ),
    (
        "signet-login",
        &[
            "signet-core",
            "signet-keys",
            "signet-repository",
            "signet-audit",
        ],
    ),
    ("signet-gate", &["signet-core", "signet-login"]),
    (
        "signet-console",
        &[
            "signet-farm",
            "signet-login",
            "signet-keys",
            "signet-repository",
        ],
    ),
    (
        "signet-server",
        &[
            "signet-core",
            "signet-keys",
            "signet-repository",
            "signet-audit",
            "signet-bundle",
            "signet-secret",
            "signet-oauth",
            "signet-farm",
            "signet-login",
            "signet-gate",
            "signet-console",
        ],
    ),
    (
        "signet-backup",
        &[
            "signet-core",
            "signet-keys",
            "signet-repository",
            "signet-bundle",
            "signet-server",
        ],
    ),
    (
        "signet-aem",
        &[
            "signet-core",
            "signet-http",
            "signet-keys",
            "signet-bundle",
            "signet-secret",
        ],
    ),
    // Makes the data directories of a whole farm, so it uses what the server uses.
    (
        "signet-lab",
        &[
            "signet-core",
            "signet-keys",
            "signet-repository",
            "signet-login",
            "signet-server",
        ],
    ),
    (
        "signet-cli",
        &[
            "signet-core",
            "signet-http",
            "signet-keys",
            "signet-repository",
            "signet-farm",
            "signet-login",
            "signet-gate",
            "signet-console",
            "signet-audit",
            "signet-bundle",
            "signet-secret",
            "signet-oauth",
            "signet-backup",
            "signet-server",
            "signet-aem",
            "signet-lab",
        ],
    ),
    ("xtask", &[]),
];

/// Reports members without a place in the table, and arrows that it does not have.
///
/// Tests may reach further: a dev-dependency is no part of what users build.
pub(super) fn check<'a>(members: impl Iterator<Item = &'a Package>, findings: &mut Findings) {
    for member in members {
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == member.name) else {
            findings.error(
                &member.name,
                "is no room of the table in xtask/src/tidy/rooms.rs",
            );
            continue;
        };
        for dependency in member
            .dependencies
            .iter()
            .filter(|dependency| is_built_in(dependency))
        {
            let is_room = ROOMS.iter().any(|(name, _)| *name == dependency.name);
            if is_room && !allowed.contains(&dependency.name.as_str()) {
                findings.error(
                    &member.name,
                    format!("may not depend on {}", dependency.name),
                );
            }
        }
    }
}

fn is_built_in(dependency: &crate::metadata::Dependency) -> bool {
    dependency.kind.as_deref() != Some("dev")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Dependency;

    fn errors(name: &str, dependency: &str, kind: Option<&str>) -> Vec<String> {
        let mut package = Package::for_test(name, "0.1.0", "MIT");
        package.dependencies = vec![Dependency {
            name: dependency.to_owned(),
            kind: kind.map(str::to_owned),
        }];
        let mut findings = Findings::default();
        check([&package].into_iter(), &mut findings);
        findings.errors().collect()
    }

    #[test]
    fn an_arrow_the_design_does_not_draw_is_an_error() {
        let found = errors("signet-core", "signet-keys", None);
        assert_eq!(found, ["signet-core: may not depend on signet-keys"]);
        assert_eq!(errors("signet-gate", "signet-repository", None).len(), 1);
        assert_eq!(
            errors("signet-keys", "signet-login", Some("build")).len(),
            1
        );
        assert_eq!(errors("xtask", "signet-core", None).len(), 1);
    }

    #[test]
    fn arrows_of_the_design_and_of_tests_pass() {
        assert!(errors("signet-gate", "signet-login", None).is_empty());
        assert!(errors("signet-cli", "signet-lab", None).is_empty());
        assert!(errors("signet-core", "signet-keys", Some("dev")).is_empty());
        assert!(errors("signet-core", "sha2", None).is_empty());
    }

    #[test]
    fn an_unknown_room_is_an_error() {
        assert_eq!(errors("signet-misc", "sha2", None).len(), 1);
    }

    #[test]
    fn the_table_has_no_circle() {
        for (index, (name, allowed)) in ROOMS.iter().enumerate() {
            let above: Vec<_> = ROOMS[index..].iter().map(|(name, _)| *name).collect();
            let circular: Vec<_> = allowed.iter().filter(|room| above.contains(room)).collect();
            assert!(
                circular.is_empty(),
                "{name} uses {circular:?}, listed at or after it"
            );
        }
    }
}
