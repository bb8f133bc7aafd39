//! A change whose line was not written yet when the command was killed: the log says so.

use serde_json::Value;
use signet_core::{KeyState, RingName};

use crate::installation::{Installation, run, scratch, signet};
use crate::shim::Watched;
use crate::step::How;
use crate::trial::Stake as _;

const LOG: &str = "data/audit.log";

/// Action and object of each line.
fn lines(watched: &Watched) -> Vec<(String, String)> {
    let shown = run(&watched.root(), &["audit", "show", "--json"], "").unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let entries = shown.as_array().unwrap().iter();
    entries
        .map(|entry| (text(&entry["action"]), text(&entry["object"])))
        .collect()
}

/// Those of a copy on which a command was killed, when the next one has come.
fn told(watched: &Watched, words: &[&str], before: usize) -> Vec<(String, String)> {
    // It may find that all is done, or refuse because it is.
    let _ = run(&watched.root(), words, "");
    run(&watched.root(), &["audit", "verify"], "").unwrap();
    lines(watched).split_off(before)
}

fn copy(installation: &Installation, scratch: &tempfile::TempDir) -> Watched {
    let watched = Watched::new(scratch.path());
    installation.copy_to(&watched.root());
    watched
}

#[test]
fn a_change_whose_line_was_not_written_is_told_by_the_next_line() {
    let installation = Installation::new();
    let pending = installation
        .key(RingName::Hmac, KeyState::Pending)
        .to_string();
    for (words, command) in [
        (
            &["keys", "relocate", "--to", "repository", "--yes"][..],
            "keys relocate",
        ),
        (&["keys", "rotate"], "keys rotate"),
        (&["keys", "activate", &pending], "keys activate"),
        (&["secret", "reseal"], "secret reseal"),
        (&["user", "add", "bob", "--no-password"], "user add"),
        (&["user", "end-sessions", "alice"], "user end-sessions"),
    ] {
        let unharmed = scratch();
        let watched = copy(&installation, &unharmed);
        let before = lines(&watched).len();
        let whole = watched.run(signet(&watched.root(), words));
        assert!(whole.output.status.success(), "{words:?}: {whole:?}");
        let after = lines(&watched).split_off(before);
        assert_eq!(after.len(), 1, "{words:?}: {after:?}");
        let mut writes = whole.steps.iter();
        let line = writes
            .rfind(|step| (step.call.as_str(), step.path.as_str()) == ("write", LOG))
            .unwrap();

        for how in [How::Before, How::Torn, How::Lost] {
            let harmed = scratch();
            let watched = copy(&installation, &harmed);
            let killed = watched.kill(signet(&watched.root(), words), line.number, how);
            assert!(killed.was_killed(), "{words:?}: {killed:?}");
            assert_eq!(lines(&watched).len(), before);
            let told = told(&watched, words, before);
            let interrupted = ("change.interrupted".to_owned(), command.to_owned());
            assert_eq!(
                told.iter().filter(|line| **line == interrupted).count(),
                1,
                "{words:?} {how:?}: {told:?}"
            );
        }
    }
}

// The log is prepared with the rest, so what tells of the change gets into its place together with the change.
#[test]
fn a_restore_whose_line_was_not_written_is_told_by_whatever_comes_next() {
    let mut installation = Installation::new();
    let card = installation.does(&["node", "show"]);
    std::fs::write(installation.root().join("card"), card).unwrap();
    installation.does(&["backup", "backup.age", "--for", "card"]);
    installation.does(&["user", "add", "bob", "--no-password"]);
    let restore = ["restore", "backup.age", "--replace"];
    let unharmed = scratch();
    let watched = copy(&installation, &unharmed);
    let before = lines(&watched).len();
    let whole = watched.run(signet(&watched.root(), &restore));
    assert!(whole.output.status.success(), "{whole:?}");
    let actions = |lines: Vec<(String, String)>| -> Vec<String> {
        lines.into_iter().map(|(action, _)| action).collect()
    };
    assert_eq!(
        actions(lines(&watched).split_off(before)),
        ["backup.restore"]
    );
    let last = |call: &str, path: &str| {
        let mut steps = whole.steps.iter();
        let found = steps.rfind(|step| (step.call.as_str(), step.path.as_str()) == (call, path));
        found.unwrap().number
    };
    // As soon as it is in its place, and when all is tidy.
    let placed = last("unlink", ".data.restoring/plan");
    let line = last("write", LOG);
    for (at, how) in [
        (placed, How::Before),
        (line, How::Before),
        (line, How::Lost),
    ] {
        let harmed = scratch();
        let watched = copy(&installation, &harmed);
        let killed = watched.kill(signet(&watched.root(), &restore), at, how);
        assert!(killed.was_killed(), "{killed:?}");
        let next = ["user", "add", "carol", "--no-password"];
        assert_eq!(
            actions(told(&watched, &next, before)),
            ["change.interrupted", "user.add"],
            "{at} {how:?}"
        );
    }
}
