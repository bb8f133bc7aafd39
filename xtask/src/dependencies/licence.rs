//! Licences, as SPDX expressions.

use spdx::{Expression, Licensee, ParseMode};

use super::policy::Policy;
use crate::findings::Findings;
use crate::metadata::Package;

/// Reports a package whose licence expression is not satisfied by what is allowed.
pub(super) fn judge(package: &Package, policy: &Policy, findings: &mut Findings) {
    let place = super::place(package);
    let Some(text) = &package.license else {
        return findings.error(place, "names no licence");
    };
    // LAX also takes the `MIT/Apache-2.0` of old manifests.
    let expression = match Expression::parse_mode(text, ParseMode::LAX) {
        Ok(expression) => expression,
        Err(error) => {
            return findings.error(place, format!("licence `{text}`: {}", error.reason));
        }
    };
    let allowed: Vec<Licensee> = policy
        .licences(&package.name)
        .filter_map(|name| Licensee::parse(name).ok())
        .collect();
    if !expression.evaluate(|needed| allowed.iter().any(|licensee| licensee.satisfies(needed))) {
        findings.error(
            place,
            format!("licence `{text}` is not allowed by deny.toml"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(name: &str, licence: &str) -> bool {
        let mut findings = Findings::default();
        let package = Package::for_test(name, "1.0.0", licence);
        judge(&package, &Policy::for_test(""), &mut findings);
        findings.errors().count() == 0
    }

    #[test]
    fn one_side_of_or_is_enough() {
        assert!(allowed("a", "MIT OR GPL-3.0-only"));
        assert!(allowed("a", "MIT/Apache-2.0"));
        assert!(!allowed("a", "GPL-3.0-only OR AGPL-3.0-only"));
    }

    #[test]
    fn both_sides_of_and_are_needed() {
        assert!(allowed("a", "(MIT OR Apache-2.0) AND Apache-2.0"));
        assert!(!allowed("a", "MIT AND GPL-3.0-only"));
    }

    #[test]
    fn exceptions_of_a_licence_and_of_a_crate_count() {
        assert!(allowed("a", "Apache-2.0 WITH LLVM-exception"));
        assert!(!allowed("a", "(MIT OR Apache-2.0) AND NCSA"));
        assert!(allowed("libfuzzer-sys", "(MIT OR Apache-2.0) AND NCSA"));
    }

    #[test]
    fn nonsense_and_nothing_are_refused() {
        assert!(!allowed("a", "whatever you like"));
        let mut package = Package::for_test("a", "1.0.0", "MIT");
        package.license = None;
        let mut findings = Findings::default();
        judge(&package, &Policy::for_test(""), &mut findings);
        assert_eq!(findings.errors().count(), 1);
    }
}
