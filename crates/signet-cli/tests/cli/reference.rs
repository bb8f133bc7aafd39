//! The whole command line as one page, so that no change of it goes unnoticed.

use crate::scratch::Scratch;

#[test]
fn the_command_line_is_as_it_was() {
    let scratch = Scratch::empty();
    let page = scratch.run(&["reference", "cli"]).done().stdout;
    insta::assert_snapshot!("reference", page);
    // Neither the terminal nor the environment has a say.
    let mut narrow = scratch.command();
    narrow.args(["reference", "cli"]).env("COLUMNS", "20");
    assert_eq!(
        String::from_utf8(narrow.output().unwrap().stdout).unwrap(),
        page
    );
}

#[test]
fn the_other_pages_are_printed() {
    let scratch = Scratch::empty();
    for (page, title) in [
        ("config", "# Configuration"),
        ("metrics", "# Metrics"),
        ("http", "# HTTP"),
    ] {
        assert!(
            scratch
                .run(&["reference", page])
                .done()
                .stdout
                .starts_with(title)
        );
    }
}

#[test]
fn completions_and_manual_pages_are_made() {
    let scratch = Scratch::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = scratch.run(&["completions", shell]).done().stdout;
        assert!(script.contains("end-sessions"), "{shell}");
    }
    assert!(scratch.run(&["man"]).done().stdout.contains(".TH signet 1"));
    scratch.run(&["man", "--dir", "pages"]).done();
    for page in ["signet.1", "signet-user-import.1", "signet-keys-rotate.1"] {
        assert!(scratch.path().join("pages").join(page).is_file(), "{page}");
    }
    assert!(!scratch.path().join("pages/signet-reference.1").exists());
}
