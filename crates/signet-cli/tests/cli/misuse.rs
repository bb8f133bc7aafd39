//! Command lines that are wrong: exit status 2, and a word about what was expected.

use crate::scratch::Scratch;

#[test]
fn misuse_is_status_two() {
    let scratch = Scratch::empty();
    for words in [
        &[][..],
        &["sing"],
        &["user"],
        &["user", "add"],
        &["user", "list", "--page", "3"],
        &["keys", "rotate", "--ring", "third"],
        &["token", "mint", "alice", "--life", "soon"],
        &["serve", "--role", "boss"],
        &["serve", "--listen", "nowhere"],
        &["lab", "--token", "jwt"],
        &["lab", "--prove", "--port", "80"],
        &["completions", "nosh"],
    ] {
        let said = scratch.run(words);
        assert_eq!(
            (said.status, said.stdout.as_str()),
            (2, ""),
            "{words:?}: {said:?}"
        );
        assert!(!said.stderr.is_empty());
    }
}

#[test]
fn help_and_version_are_no_misuse() {
    let scratch = Scratch::empty();
    for words in [
        &["--help"][..],
        &["help", "user", "import"],
        &["keys", "rotate", "-h"],
    ] {
        assert!(scratch.run(words).done().stdout.contains("Usage:"));
    }
    let version = scratch.run(&["--version"]).done().stdout;
    assert_eq!(version, format!("signet {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn errors_are_documents_where_documents_are_wanted() {
    let scratch = Scratch::empty();
    let said = scratch.run(&["user", "list", "--json"]);
    assert_eq!((said.status, said.stdout.as_str()), (1, ""));
    let document: serde_json::Value = serde_json::from_str(&said.stderr).unwrap();
    assert!(
        document["error"]
            .as_str()
            .unwrap()
            .contains("no data directory")
    );
    assert!(document["hint"].as_str().unwrap().contains("signet serve"));
}
