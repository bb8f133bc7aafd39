//! The life of a user.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::scratch::Scratch;

#[test]
fn a_user_lives_and_is_removed() {
    let scratch = Scratch::new();
    let words = [
        "user",
        "add",
        "alice",
        "--name",
        "Alice Ä",
        "--mail",
        "a@example.com",
    ];
    let added = scratch
        .run_with(
            &[&words[..], &["--group", "staff", "--group", "editors"]].concat(),
            "correct horse\n",
        )
        .done();
    assert_eq!(added.stdout, "Added alice.\n");
    assert!(added.stderr.contains("No instance is running"), "{added:?}");

    let alice = scratch.json(&["user", "show", "alice"]);
    assert_eq!(alice["name"], "Alice Ä");
    assert_eq!(alice["groups"], serde_json::json!(["editors", "staff"]));
    assert_eq!(
        (&alice["state"], &alice["password"]),
        (&"enabled".into(), &"set".into())
    );
    assert_eq!(alice["generation"], 1);

    scratch.run(&["user", "disable", "alice"]).done();
    assert_eq!(
        scratch.json(&["user", "show", "alice"])["state"],
        "disabled"
    );
    scratch.run(&["user", "enable", "alice"]).done();
    scratch.run(&["user", "end-sessions", "alice"]).done();
    scratch
        .run_with(&["user", "passwd", "alice"], "another good one\n")
        .done();
    assert_eq!(scratch.json(&["user", "show", "alice"])["generation"], 4);

    scratch
        .run(&["user", "group", "add", "alice", "x", "y"])
        .done();
    scratch
        .run(&["user", "group", "remove", "alice", "staff", "x"])
        .done();
    let groups = scratch.json(&["user", "group", "list", "alice"]);
    assert_eq!(groups, serde_json::json!(["editors", "y"]));
    let all = scratch.json(&["user", "group", "list"]);
    assert_eq!(all.as_array().unwrap().len(), 4);

    // Without a terminal nobody is asked.
    scratch.run(&["user", "remove", "alice"]).done();
    assert_eq!(scratch.json(&["user", "list"]), serde_json::json!([]));
    let removed = scratch.json(&["user", "list", "--removed"]);
    assert_eq!(removed[0]["state"], "removed");
    scratch
        .run(&["user", "disable", "alice"])
        .failed("there is no user alice");
}

#[test]
fn ids_and_passwords_are_checked() {
    let scratch = Scratch::new();
    scratch.add("alice");
    let add = |user: &str, input: &str| scratch.run_with(&["user", "add", user], input);
    add("alice", "a good password\n").failed("there is a user alice already");
    add("ALICE", "a good password\n")
        .failed("looks like")
        .hints("choose an id");
    add("bob", "short\n")
        .failed("at least 8 characters")
        .hints("login.password_least");
    add("bob", "").failed("no password on standard input");
    assert_eq!(add("a b", "a good password\n").status, 2);
    assert_eq!(scratch.json(&["user", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_password_comes_from_where_it_was_said_to_be() {
    let scratch = Scratch::new();
    let file = scratch.file("password", "from a file\n");
    scratch
        .run(&["user", "add", "a", "--password-file", &file])
        .done();
    scratch.run(&["user", "add", "b", "--no-password"]).done();
    let made = scratch.json(&["user", "add", "c", "--one-time"]);
    assert_eq!(made["one_time_password"].as_str().unwrap().len(), 23);
    let states: Vec<_> = ["a", "b", "c"]
        .map(|user| scratch.json(&["user", "show", user])["password"].clone())
        .to_vec();
    assert_eq!(states, ["set", "none", "one-time"]);
    let twice = scratch.run(&["user", "passwd", "a", "--one-time", "--no-password"]);
    assert_eq!(twice.status, 2, "{twice:?}");

    let two_lines = scratch.file("two", "one line\nand another\n");
    scratch
        .run(&["user", "passwd", "a", "--password-file", &two_lines])
        .failed("in one line, and nothing else");
    scratch
        .run(&["user", "passwd", "a", "--password-file", "/nowhere"])
        .failed("could not be read from /nowhere");
}

#[test]
fn a_reader_who_has_enough_is_no_error() {
    let scratch = Scratch::new();
    let ids: String = (0..5_000)
        .map(|number| format!("user-{number:04}\n"))
        .collect();
    let csv = scratch.file("users.csv", &format!("id\n{ids}"));
    scratch.run(&["user", "import", &csv]).done();
    let all = scratch.json(&["user", "list"]);
    assert_eq!(all.as_array().unwrap().len(), 5_000);
    let some = scratch
        .run(&["user", "list", "--prefix", "user-499"])
        .done();
    assert_eq!(some.stdout.lines().count(), 1 + 10);

    let mut child = scratch
        .command()
        .args(["user", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut stdout = BufReader::with_capacity(64, child.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn what_a_name_hides_is_shown() {
    let scratch = Scratch::new();
    let name = "\u{1b}[2Jgone";
    scratch
        .run(&["user", "add", "eve", "--no-password", "--name", name])
        .done();
    for words in [&["user", "list"][..], &["user", "show", "eve"]] {
        let shown = scratch.run(words).done().stdout;
        assert!(
            shown.contains("\\u{1b}[2Jgone") && !shown.contains('\u{1b}'),
            "{shown}"
        );
    }
    assert_eq!(scratch.json(&["user", "show", "eve"])["name"], name);
}
