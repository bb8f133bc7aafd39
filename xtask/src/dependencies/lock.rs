//! The fuzz targets attack what is released: both lock files agree on versions.

use std::collections::{BTreeMap, BTreeSet};

use crate::findings::Findings;
use crate::metadata::Metadata;

/// Reports packages of which the fuzz targets use a version that the workspace does not.
pub(super) fn compare(main: &Metadata, fuzz: &Metadata, findings: &mut Findings) {
    let main = versions(main);
    for (name, fuzzed) in versions(fuzz) {
        let Some(released) = main.get(name) else {
            continue;
        };
        if let Some(version) = fuzzed.difference(released).next() {
            findings.error(
                format!("fuzz/Cargo.lock: {name} {version}"),
                "differs from Cargo.lock; cargo xtask fuzz brings it up to date",
            );
        }
    }
}

fn versions(graph: &Metadata) -> BTreeMap<&str, BTreeSet<String>> {
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in graph.reachable() {
        versions
            .entry(&package.name)
            .or_default()
            .insert(package.version.to_string());
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Package;

    #[test]
    fn another_version_is_found_and_an_own_dependency_is_not() {
        let graph = |packages: &[Package]| Metadata::for_test(packages, &[("a", &["b"])], "a");
        let [a, b1, b2] = ["1.0.0", "1.0.0", "2.0.0"].map(|v| Package::for_test("b", v, "MIT"));
        let a = Package {
            name: "a".into(),
            id: "a".into(),
            ..a
        };
        let main = graph(&[a.clone(), b1.clone()]);
        let errors = |fuzz: &Metadata| {
            let mut findings = Findings::default();
            compare(&main, fuzz, &mut findings);
            findings.errors().count()
        };
        assert_eq!(errors(&graph(&[a.clone(), b1])), 0);
        assert_eq!(errors(&graph(&[a, b2])), 1);
    }
}
