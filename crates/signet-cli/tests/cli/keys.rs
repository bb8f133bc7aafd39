//! The life of a key.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::scratch::Scratch;
use crate::serving::Running;
use crate::terminal::Terminal;

fn hmac(scratch: &Scratch) -> Vec<(String, String)> {
    let list = scratch.json(&["keys", "list"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let keys = list["keys"].as_array().unwrap().iter();
    keys.filter(|key| key["ring"] == "hmac")
        .map(|key| (text(&key["kid"]), text(&key["state"])))
        .collect()
}

#[test]
fn a_key_is_made_used_and_retired() {
    let scratch = Scratch::new();
    let first = hmac(&scratch)[0].0.clone();
    let made = scratch.json(&["keys", "rotate", "--pending"]);
    let second = made["kid"].as_str().unwrap();
    assert_eq!(made["instance"]["state"], "not-running");
    assert_eq!(hmac(&scratch)[0], (first.clone(), "active".to_owned()));

    scratch.run(&["keys", "activate", &second[..6]]).done();
    let states = hmac(&scratch);
    assert_eq!(states[0], (second.to_owned(), "active".to_owned()));
    assert_eq!(states[1], (first.clone(), "verify-only".to_owned()));
    let shown = scratch.run(&["keys", "list"]).done().stdout;
    assert!(
        shown.contains("makes tokens") && shown.contains("seals secrets"),
        "{shown}"
    );

    scratch
        .run(&["keys", "retire", &first])
        .failed("may still be needed until 20")
        .hints("--force");
    scratch.run(&["keys", "retire", &first, "--force"]).done();
    assert_eq!(hmac(&scratch).len(), 1);

    let master = scratch.json(&["keys", "rotate", "--ring", "master"]);
    assert_eq!(master["ring"], "master");
    assert_eq!(hmac(&scratch).len(), 1);
}

#[test]
fn a_revoked_key_stays_revoked() {
    let scratch = Scratch::new();
    let first = hmac(&scratch)[0].0.clone();
    scratch
        .run(&["keys", "revoke", &first, "--yes"])
        .failed("only active key");
    scratch.run(&["keys", "rotate"]).done();
    scratch
        .run(&["keys", "revoke", &first])
        .failed("cannot be taken back")
        .hints("--yes");
    scratch.run(&["keys", "revoke", &first, "--yes"]).done();
    scratch.run(&["keys", "retire", &first]).done();
    let list = scratch.json(&["keys", "list"]);
    assert_eq!(list["revoked_without_file"][0]["kid"], first.as_str());
}

// K8
#[test]
fn whoever_is_asked_before_a_key_is_revoked_knows_what_it_costs() {
    const COST: &str = "About 1 session was seen with this key within the last 30m to 1h.";
    const QUESTION: &str = "for ever? Everybody whose token it made is logged out";
    let scratch = Scratch::new();
    scratch.add("alice");
    let key = hmac(&scratch)[0].0.clone();
    let running = Running::start(&scratch);
    let token = scratch.mint(&["alice"]);
    assert_eq!(running.whoami(&token), 200);
    scratch.run(&["keys", "rotate"]).done();
    let asked = |options: &[&str]| {
        let mut command = scratch.command();
        command.args(["keys", "revoke", &key]).args(options);
        let mut terminal = Terminal::start(command);
        let shown = terminal.until(QUESTION);
        let (before, _) = shown.split_once(QUESTION).unwrap();
        assert!(before.contains(COST), "{shown}");
        terminal
    };
    let lines = || scratch.run(&["audit", "show"]).done().stdout;
    let before = (hmac(&scratch), lines());

    // Neither no nor an answer that is none, nor whoever leaves without one.
    for keys in ["n", "\r", "\u{3}"] {
        let mut terminal = asked(&[]);
        terminal.press(keys);
        let (status, shown) = terminal.end();
        assert_ne!(status, 0, "{keys:?}: {shown}");
        assert_eq!((hmac(&scratch), lines()), before, "{keys:?}: {shown}");
        assert_eq!(running.whoami(&token), 200);
    }
    // Whoever wants a document is told, too.
    let mut terminal = asked(&["--json"]);
    terminal.press("n");
    let (status, shown) = terminal.end();
    assert_eq!(status, 1);
    assert!(shown.contains("nothing was changed"), "{shown}");

    let mut terminal = asked(&[]);
    terminal.press("y");
    let (status, shown) = terminal.end();
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("is revoked for ever"), "{shown}");
    assert_eq!(hmac(&scratch)[1], (key, "revoked".to_owned()));
    assert_eq!(running.whoami(&token), 401);
}

#[test]
fn a_key_is_named_by_enough_digits() {
    let scratch = Scratch::new();
    let first = hmac(&scratch)[0].0.clone();
    assert_eq!(scratch.run(&["keys", "activate", &first[..5]]).status, 2);
    assert_eq!(scratch.run(&["keys", "activate", "../../keys"]).status, 2);
    scratch
        .run(&["keys", "activate", &"0".repeat(32)])
        .failed("there is no key 000");
    let other = if first.starts_with('f') {
        "ffffff0"
    } else {
        "fffffff"
    };
    scratch
        .run(&["keys", "activate", other])
        .failed("no key begins with")
        .hints("signet keys list");
}

#[test]
fn a_bad_key_file_is_shown_with_what_to_do() {
    let scratch = Scratch::new();
    let first = hmac(&scratch)[0].0.clone();
    let file = scratch
        .data()
        .join("keys/hmac")
        .join(format!("{first}.jwk"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = scratch.run(&["keys", "list"]).done();
    assert!(said.stderr.contains("its mode is 0644"), "{said:?}");
    assert!(said.stderr.contains("chmod 600"), "{said:?}");
    let list = scratch.json(&["keys", "list"]);
    assert!(!list["problems"].as_array().unwrap().is_empty());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();

    let refreshed = scratch.run(&["keys", "refresh"]).done();
    assert!(
        refreshed.stdout.contains("No instance is running"),
        "{refreshed:?}"
    );
}
