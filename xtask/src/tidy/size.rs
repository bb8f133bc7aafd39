//! A file says one thing; a long one has become two.

use super::RustFile;
use crate::findings::Findings;
use crate::source;

const WARN_PAST: usize = 400;
const FAIL_PAST: usize = 700;

/// Counts the lines of a file without its tests.
pub(super) fn check(file: &RustFile, findings: &mut Findings) {
    if source::is_test_file(&file.path) {
        return;
    }
    let lines = source::without_tests(&file.code).lines().count();
    let message = format!("has {lines} lines without tests: look for the second thing in it");
    if lines > FAIL_PAST {
        findings.error(&file.path, message);
    } else if lines > WARN_PAST {
        findings.warning(&file.path, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_do_not_count() {
        let errors = |path: &str, text: String| {
            let mut findings = Findings::default();
            check(&RustFile::new(path, &text), &mut findings);
            findings.errors().count()
        };
        let long = "fn a() {}\n".repeat(701);
        assert_eq!(errors("crates/a/src/lib.rs", long.clone()), 1);
        assert_eq!(errors("crates/a/src/x/tests.rs", long.clone()), 0);
        assert_eq!(errors("crates/a/tests/all.rs", long.clone()), 0);
        let tested = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert_eq!(errors("crates/a/src/lib.rs", tested), 0);
    }
}
