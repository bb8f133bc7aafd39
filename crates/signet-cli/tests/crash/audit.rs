//! A change whose line was not written yet when the command was killed: the log says so.

use serde_json::Value;
use signet_core::{KeyState, RingName};

use crate::installation::{Installation, run, scratch, signet};
use crate::shim::Watched;
use crate::step::How;

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
            // It may find that all is done, or refuse because it is.
            let _ = run(&watched.root(), words, "");
            let told = lines(&watched).split_off(before);
            let interrupted = ("change.interrupted".to_owned(), command.to_owned());
            assert_eq!(
                told.iter().filter(|line| **line == interrupted).count(),
                1,
                "{words:?} {how:?}: {told:?}"
            );
            run(&watched.root(), &["audit", "verify"], "").unwrap();
        }
    }
}
