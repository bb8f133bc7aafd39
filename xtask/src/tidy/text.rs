//! Words that must not be in a tracked file.

use super::RustFile;
use crate::findings::Findings;
use crate::source;

/// Code that admits to be unfinished, or a test that does not run.
const CODE: &[(&str, &str)] = &[
    ("todo!", "is unfinished"),
    ("unimplemented!", "is unfinished"),
    ("#[ignore", "is a test that silently does not run"),
];

// The words are put together so that this file does not contain them.
/// Words in any text file, each as a whole word.
const WORDS: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "finish it, or write an issue"),
    (concat!("FIX", "ME"), "finish it, or write an issue"),
    (concat!("XX", "X"), "finish it, or write an issue"),
    (
        concat!("```ig", "nore"),
        "is a documentation test that silently does not run",
    ),
    (
        concat!("rust,ig", "nore"),
        "is a documentation test that silently does not run",
    ),
];

/// Beginnings of paths and addresses that are true on one machine only.
const PLACES: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "is a path of one machine"),
    (concat!("/ro", "ot/"), "is a path of one machine"),
    (concat!("/ho", "me/"), "is a path of one machine"),
    (
        concat!("sparse+", "http"),
        "is the address of a package registry",
    ),
    (
        concat!("index", "-url"),
        "is the setting of a package registry",
    ),
    (
        concat!("replace", "-with ="),
        "is the setting of a package registry",
    ),
    (
        concat!("index.", "crates.io"),
        "is the address of a package registry",
    ),
    (
        concat!("static.", "crates.io"),
        "is the address of a package registry",
    ),
    (
        concat!("registry.", "npmjs"),
        "is the address of a package registry",
    ),
    (
        concat!("python", "hosted"),
        "is the address of a package registry",
    ),
    (
        concat!("deb.", "debian.org"),
        "is the address of a package registry",
    ),
];

/// AEM keeps users and groups below these, in its repository and not on a disk.
const REPOSITORY_PATHS: &[&str] = &["users/", "groups/"];

/// Inputs of fuzz targets are bytes, whatever they spell.
const EXEMPT: &str = "fuzz/corpus/";

/// Checks the code of a Rust file.
pub(super) fn check_code(file: &RustFile, findings: &mut Findings) {
    for (word, why) in CODE {
        for offset in source::words(&file.code, word) {
            let line = source::line_of(&file.code, offset);
            findings.error(format!("{}:{line}", file.path), format!("{word} {why}"));
        }
    }
}

/// Checks any text file.
pub(super) fn check_words(path: &str, text: &str, findings: &mut Findings) {
    if path.starts_with(EXEMPT) {
        return;
    }
    let words = WORDS
        .iter()
        .flat_map(|(word, why)| source::words(text, word).map(move |offset| (offset, *word, *why)));
    let places = PLACES.iter().flat_map(|(place, why)| {
        text.match_indices(place)
            .filter(|(offset, _)| begins_here(text, *offset, place))
            .map(move |(offset, _)| (offset, *place, *why))
    });
    for (offset, word, why) in words.chain(places) {
        let line = source::line_of(text, offset);
        findings.error(format!("{path}:{line}"), format!("{word} {why}"));
    }
}

/// A path begins here, and is not the middle of a longer one or of an address.
fn begins_here(text: &str, offset: usize, place: &str) -> bool {
    let rest = &text[offset + place.len()..];
    if REPOSITORY_PATHS.iter().any(|path| rest.starts_with(path)) {
        return false;
    }
    let before = text[..offset].chars().next_back();
    let longer = |c: char| c.is_alphanumeric() || "._-~}$".contains(c);
    !place.starts_with('/') || !before.is_some_and(longer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        check_words("a.md", text, &mut findings);
        findings.errors().collect()
    }

    #[test]
    fn unfinished_words_are_found_whole() {
        let word = concat!("TO", "DO");
        assert_eq!(words(&format!("a\n// {word}: b")).len(), 1);
        assert!(words(&format!("a\n// {word}: b"))[0].starts_with("a.md:2: "));
        assert!(words(concat!("mktemp -t a.XX", "XXXX")).is_empty());
        let mut findings = Findings::default();
        check_words("fuzz/corpus/token/1", word, &mut findings);
        assert_eq!(findings.errors().count(), 0);
    }

    #[test]
    fn paths_of_one_machine_are_found_where_they_begin() {
        assert_eq!(words(concat!("see /ho", "me/ann/x")).len(), 1);
        assert_eq!(words(concat!("cd /wo", "rk/main")).len(), 1);
        assert!(words(concat!("https://example.com/wo", "rk/1")).is_empty());
        assert!(words(concat!("$DIR/ro", "ot/1")).is_empty());
        assert!(words(concat!("/ho", "me/users/a")).is_empty());
        assert!(words("/var/lib/signet").is_empty());
    }

    #[test]
    fn only_code_counts_as_code() {
        let errors = |text: &str| {
            let mut findings = Findings::default();
            check_code(&RustFile::new("a.rs", text), &mut findings);
            findings.errors().count()
        };
        assert_eq!(errors("fn a() { todo!() }\n#[ignore = \"slow\"]\n"), 2);
        assert_eq!(errors("// todo!()\nlet a = \"#[ignore]\"; my_todo!()"), 0);
    }
}
