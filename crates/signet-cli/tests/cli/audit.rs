//! Every change leaves a line, and the lines hold together.

use std::fs::File;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::scratch::{PROGRAM, Said, Scratch};
use crate::serving::Running;
use crate::terminal::Terminal;

fn shown(scratch: &Scratch, words: &[&str]) -> Vec<Value> {
    let shown = scratch.json(&[&["audit", "show"], words].concat());
    shown.as_array().unwrap().clone()
}

/// Action and object of each line.
fn lines(scratch: &Scratch, words: &[&str]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let shown = shown(scratch, words).into_iter();
    shown
        .map(|entry| (text(&entry["action"]), text(&entry["object"])))
        .collect()
}

fn active(scratch: &Scratch, ring: &str) -> Vec<String> {
    let list = scratch.json(&["keys", "list"]);
    let keys = list["keys"].as_array().unwrap().iter();
    keys.filter(|key| key["ring"] == ring && key["state"] == "active")
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

// Of every command that changes users or keys: one that is forgotten here is one that leaves no line.
#[test]
fn every_change_leaves_a_line() {
    let scratch = Scratch::new();
    let csv = scratch.file("users.csv", "id\nbob\ncarol\n");
    let password = "a good password\n";
    scratch
        .run_with(&["user", "add", "alice", "--group", "staff"], password)
        .done();
    for words in [
        &["user", "disable", "alice"][..],
        &["user", "enable", "alice"],
        &["user", "group", "add", "alice", "editors"],
        &["user", "group", "remove", "alice", "staff"],
        &["user", "end-sessions", "alice"],
        &["user", "passwd", "alice", "--one-time"],
        &["user", "import", &csv],
        &["user", "remove", "alice"],
    ] {
        scratch.run(words).done();
    }
    let user = |action: &str| (format!("user.{action}"), "alice".to_owned());
    assert_eq!(
        lines(&scratch, &["--action", "user"]),
        [
            user("add"),
            user("disable"),
            user("enable"),
            user("join-groups"),
            user("leave-groups"),
            user("end-sessions"),
            user("passwd"),
            ("user.import".to_owned(), csv),
            user("remove"),
        ]
    );

    let first = active(&scratch, "hmac").remove(0);
    let pending = scratch.json(&["keys", "rotate", "--pending"]);
    let second = pending["kid"].as_str().unwrap();
    scratch.run(&["keys", "activate", second]).done();
    scratch.run(&["keys", "revoke", &first, "--yes"]).done();
    scratch.run(&["keys", "retire", &first]).done();
    let third = scratch.json(&["keys", "rotate"]);
    let key = |action: &str, kid: &str| (format!("key.{action}"), kid.to_owned());
    assert_eq!(
        lines(&scratch, &["--action", "key"]),
        [
            key("rotate", second),
            key("activate", second),
            key("revoke", &first),
            key("retire", &first),
            key("rotate", third["kid"].as_str().unwrap()),
        ]
    );
    let verified = scratch.json(&["audit", "verify"]);
    assert_eq!(verified["holds"], true);
    assert_eq!(verified["entries"], 14);
}

#[test]
fn what_fails_leaves_none() {
    let scratch = Scratch::new();
    scratch
        .run(&["user", "disable", "nobody"])
        .failed("no user");
    let kid = active(&scratch, "hmac").remove(0);
    scratch
        .run(&["keys", "revoke", &kid, "--yes"])
        .failed("only active key");
    scratch.run(&["keys", "retire", &kid]).failed("active");
    assert!(shown(&scratch, &[]).is_empty());
}

#[test]
fn a_line_says_who_from_where_and_what() {
    let scratch = Scratch::new();
    let mut command = scratch.command();
    command
        .args(["user", "add", "alice", "--no-password", "--group", "staff"])
        .env("SUDO_USER", "operator\n\u{1b}[2J");
    Said::new(&command.stdin(Stdio::null()).output().unwrap()).done();
    let entry = shown(&scratch, &[]).remove(0);
    let uid = rustix_uid();
    assert_eq!(entry["who"]["uid"], uid);
    assert_eq!(entry["who"]["sudo_user"], "operator\n\u{1b}[2J");
    assert_eq!(entry["from"], json!({ "by": "command", "terminal": false }));
    assert_eq!(
        entry["detail"],
        json!({ "groups": ["staff"], "password": "none" })
    );
    assert_eq!(entry["instance"], "standalone-8080");
    // What somebody is called moves no cursor, in the file neither.
    let file = std::fs::read_to_string(scratch.data().join("audit.log")).unwrap();
    assert_eq!(file.lines().count(), 1);
    for text in [file, scratch.run(&["audit", "show"]).done().stdout] {
        assert!(
            !text.contains('\u{1b}') && text.contains("operator"),
            "{text}"
        );
    }
}

fn rustix_uid() -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid()
}

#[test]
fn lines_are_chosen() {
    let scratch = Scratch::new();
    for user in ["alice", "bob", "alan"] {
        scratch.run(&["user", "add", user, "--no-password"]).done();
    }
    scratch.run(&["user", "disable", "alice"]).done();
    let count = |words: &[&str]| lines(&scratch, words).len();
    assert_eq!(count(&[]), 4);
    assert_eq!(count(&["--object", "al"]), 3);
    assert_eq!(count(&["--object", "alice", "--action", "user.disable"]), 1);
    assert_eq!(count(&["--who", &rustix_uid().to_string()]), 4);
    assert_eq!(count(&["--who", "nobody-else"]), 0);
    assert_eq!(count(&["--since", "1h"]), 4);
    assert_eq!(count(&["--until", "1h"]), 0);
    assert_eq!(
        count(&["--since", "2020-01-01", "--until", "2020-01-02"]),
        0
    );
    assert_eq!(lines(&scratch, &["--last", "1"])[0].0, "user.disable");
    assert_eq!(count(&["--last", "0"]), 0);
    assert_eq!(scratch.run(&["audit", "show", "--since", "noon"]).status, 2);
    let none = scratch.run(&["audit", "show", "--who", "zoe"]).done();
    assert_eq!(
        (none.stdout.as_str(), none.stderr.trim()),
        ("", "There are no such changes.")
    );
    let table = scratch.run(&["audit", "show", "--last", "1"]).done().stdout;
    assert!(
        table.contains("user.disable") && table.contains("script"),
        "{table}"
    );
}

#[test]
fn a_broken_chain_is_shown_and_exits_with_1() {
    let scratch = Scratch::new();
    for user in ["alice", "bob", "carol"] {
        scratch.run(&["user", "add", user, "--no-password"]).done();
    }
    let holds = scratch.run(&["audit", "verify"]).done().stdout;
    assert!(
        holds.starts_with("The chain holds: 3 lines.\nHead to keep elsewhere: 3:"),
        "{holds}"
    );
    let head = holds.trim().rsplit(' ').next().unwrap().to_owned();

    let log = scratch.data().join("audit.log");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.replace("\"bob\"", "\"eve\"")).unwrap();
    let said = scratch.run(&["audit", "verify"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.stdout.contains("audit.log:2: number 2 was altered"),
        "{said:?}"
    );
    assert!(
        said.stdout.contains("The chain is broken in 1 place"),
        "{said:?}"
    );
    let document = scratch.run(&["audit", "verify", "--json"]).json();
    assert_eq!(document["problems"][0]["code"], "AUDIT_ALTERED");

    // Who cuts the end with its head is found out by whoever kept one.
    let first = text.lines().next().unwrap();
    std::fs::write(&log, format!("{first}\n")).unwrap();
    let hash = first.rsplit('"').nth(1).unwrap();
    std::fs::write(scratch.data().join("audit.head"), format!("1:{hash}\n")).unwrap();
    scratch.run(&["audit", "verify"]).done();
    let said = scratch.run(&["audit", "verify", "--head", &head]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.stdout
            .contains("numbers 2 to 3 were written and are gone"),
        "{said:?}"
    );
    assert_eq!(
        scratch.run(&["audit", "verify", "--head", "3:abc"]).status,
        2
    );
}

#[test]
fn a_log_that_was_put_away_is_verified_with_what_follows() {
    let scratch = Scratch::new();
    let add = |user: &str| {
        scratch.run(&["user", "add", user, "--no-password"]).done();
    };
    add("alice");
    add("bob");
    let head = scratch.json(&["audit", "verify"])["head"].clone();
    let old = scratch.path().join("audit-2025.log");
    let old = old.to_str().unwrap();
    let said = scratch.run(&["audit", "archive", old]).done();
    let expected = format!(
        "The numbers 1 to 2 are in {old} now; the log goes on from there.\nHead to keep with it: {}\n",
        head.as_str().unwrap()
    );
    assert_eq!(said.stdout, expected);
    add("carol");
    assert_eq!(
        lines(&scratch, &[]),
        [("log.archive", "audit-2025.log"), ("user.add", "carol")]
            .map(|(action, object)| (action.to_owned(), object.to_owned()))
    );

    // In order by itself, which says what it goes on from, and together.
    let said = scratch.run(&["audit", "verify"]).done();
    assert!(
        said.stdout.starts_with("The chain holds: 2 lines."),
        "{said:?}"
    );
    assert!(
        said.stderr.contains("the numbers up to 2 were put away"),
        "{said:?}"
    );
    let said = scratch.run(&["audit", "verify", old]).done();
    assert!(
        said.stdout.starts_with("The chain holds: 4 lines."),
        "{said:?}"
    );
    assert_eq!(said.stderr, "");
    let document = scratch.run(&["doctor", "--json"]).stdout;
    assert!(
        document.contains("\"findings\"") && !document.contains("AUDIT_"),
        "{document}"
    );
    // A head of a line that was put away needs the file.
    let first = format!("1:{}", "0".repeat(64));
    let said = scratch.run(&["audit", "verify", "--head", &first]);
    assert_eq!(said.status, 1);
    assert!(said.stderr.contains("signet audit verify FILE"), "{said:?}");

    let again = scratch.run(&["audit", "archive", old]);
    again.failed("exists already").hints("not there yet");
    std::fs::remove_file(scratch.data().join("audit.log")).unwrap();
    assert_eq!(scratch.run(&["audit", "verify"]).status, 1);
}

#[test]
fn a_log_that_was_moved_away_is_missed() {
    let scratch = Scratch::new();
    scratch
        .run(&["user", "add", "alice", "--no-password"])
        .done();
    let old = scratch.path().join("audit-2025.log");
    std::fs::rename(scratch.data().join("audit.log"), &old).unwrap();
    assert_eq!(scratch.run(&["audit", "verify"]).status, 1);
    scratch.run(&["user", "add", "bob", "--no-password"]).done();
    let said = scratch.run(&["audit", "verify"]);
    assert_eq!(said.status, 1);
    assert!(said.stderr.contains("signet audit verify FILE"), "{said:?}");
    scratch
        .run(&["audit", "verify", old.to_str().unwrap()])
        .done();
}

// Nobody writes to it, so reading it would never end.
#[test]
fn a_pipe_in_the_place_of_the_log_is_not_waited_for() {
    let scratch = Scratch::new();
    let log = scratch.data().join("audit.log");
    let made = std::process::Command::new("mkfifo").arg(&log).status();
    assert!(made.unwrap().success());
    for words in [
        &["audit", "show"][..],
        &["audit", "verify"],
        &["user", "add", "alice", "--no-password"],
    ] {
        let said = scratch.run(words).failed("audit log");
        assert!(said.stderr.contains("it is no regular file"), "{said:?}");
    }
}

/// A command that has begun and waits for another one that changes the keys.
fn held(scratch: &Scratch) -> Child {
    let lock = lock(scratch, "keys/.lock");
    let mut command = scratch.command();
    command.args(["keys", "rotate"]);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let pending = scratch.data().join("audit.pending");
    let is_there = || std::fs::read_dir(&pending).is_ok_and(|mut files| files.next().is_some());
    while !is_there() {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    }
    // For as long as the test runs.
    std::mem::forget(lock);
    child
}

fn lock(scratch: &Scratch, name: &str) -> File {
    let mut options = File::options();
    let lock = options.create(true).truncate(false).write(true);
    let lock = lock.open(scratch.data().join(name)).unwrap();
    lock.lock().unwrap();
    lock
}

#[test]
fn a_command_that_was_killed_is_told_by_the_next_one() {
    let scratch = Scratch::new();
    let pending = scratch.data().join("audit.pending");
    let mut child = held(&scratch);
    // It is alive.
    scratch.run(&["user", "add", "bob", "--no-password"]).done();
    assert_eq!(shown(&scratch, &[]).len(), 1);
    child.kill().unwrap();
    child.wait().unwrap();

    let said = scratch.run(&["audit", "verify"]).done();
    assert!(
        said.stderr
            .contains("note: `signet keys rotate` was interrupted"),
        "{said:?}"
    );
    let said = scratch.run(&["audit", "verify", "--json"]).done().json();
    assert_eq!(said["notes"].as_array().unwrap().len(), 1);
    scratch
        .run(&["user", "add", "carol", "--no-password"])
        .done();
    let told = lines(&scratch, &["--last", "2"]);
    assert_eq!(
        told,
        [("change.interrupted", "keys rotate"), ("user.add", "carol")]
            .map(|(action, object)| (action.to_owned(), object.to_owned()))
    );
    let line = shown(&scratch, &["--action", "change"]).remove(0);
    assert_eq!(line["who"]["uid"], rustix_uid());
    let table = scratch.run(&["audit", "show", "--action", "change"]).done();
    assert!(
        table
            .stdout
            .contains("; what it had changed, if anything, was not recorded"),
        "{table:?}"
    );
    assert!(!pending.exists());
    assert_eq!(scratch.run(&["audit", "verify"]).done().stderr, "");
}

// Nothing has begun while something is asked.
#[test]
fn who_gives_no_answer_has_interrupted_nothing() {
    let scratch = Scratch::new();
    scratch.add("alice");
    let key = active(&scratch, "hmac").remove(0);
    scratch.run(&["keys", "rotate"]).done();
    let kept = ["secret", "protect", "client/ims/secret", "--store"];
    scratch.run_with(&kept, "a secret").done();
    let sealing = active(&scratch, "master").remove(0);
    scratch.run(&["keys", "rotate", "--ring", "master"]).done();
    let generic = ["--token-endpoint", "https://id.example/token"];
    let client = ["client", "add", "ims", "--client-id", "1"];
    let client = [&client[..], &generic].concat();
    let before = shown(&scratch, &[]).len();
    for (words, question) in [
        (&["user", "add", "bob"][..], "New password of bob"),
        (&["user", "passwd", "alice"], "New password of alice"),
        (&["user", "remove", "alice"], "Remove alice"),
        (&["keys", "revoke", &key], "Revoke key"),
        (&["keys", "retire", &sealing, "--force"], "Give them up"),
        (&["keys", "relocate", "--to", "repository"], "Move the keys"),
        (&kept, "Replace the secret"),
        (&client, "Secret of the client ims"),
        (&["backup", "backup.age"], "New passphrase"),
    ] {
        let mut command = scratch.command();
        command.args(words);
        let mut terminal = Terminal::start(command);
        terminal.until(question);
        terminal.interrupt();
        let (status, shown_there) = terminal.end();
        assert_ne!(status, 0, "{words:?}: {shown_there}");
        assert!(!scratch.data().join("audit.pending").exists(), "{words:?}");
        let mut command = scratch.command();
        command.args(words);
        let mut terminal = Terminal::start(command);
        terminal.until(question);
        terminal.hang_up();
        assert!(!scratch.data().join("audit.pending").exists(), "{words:?}");
    }
    for words in [&["user", "add", "bob"][..], &["user", "passwd", "alice"]] {
        scratch.run(words).failed("no password on standard input");
    }
    scratch
        .run(&["user", "add", "carol", "--no-password"])
        .done();
    assert_eq!(shown(&scratch, &[]).len(), before + 1);
    assert_eq!(lines(&scratch, &["--action", "change"]), []);
}

// What was interrupted before is told by the log that comes back.
#[test]
fn a_restore_takes_along_what_the_log_had_not_told_yet() {
    let scratch = Scratch::new();
    let card = scratch.run(&["node", "show"]).done().stdout;
    let card = scratch.file("card", &card);
    let backup = scratch.path().join("backup.age");
    let backup = backup.to_str().unwrap();
    scratch.run(&["backup", backup, "--for", &card]).done();
    let mut child = held(&scratch);
    child.kill().unwrap();
    child.wait().unwrap();
    scratch.run(&["restore", backup, "--replace"]).done();
    assert_eq!(
        lines(&scratch, &["--last", "2"])
            .into_iter()
            .map(|(action, _)| action)
            .collect::<Vec<_>>(),
        ["change.interrupted", "backup.restore"]
    );
    assert!(!scratch.data().join("audit.pending").exists());
    scratch.run(&["audit", "verify"]).done();
}

// What is not worth a line leaves none, and nothing behind.
#[test]
fn a_command_that_fails_was_not_interrupted() {
    let scratch = Scratch::new();
    scratch
        .run(&["user", "disable", "nobody"])
        .failed("no user");
    scratch
        .run(&["user", "add", "alice", "--no-password"])
        .done();
    assert_eq!(lines(&scratch, &[]).len(), 1);
    assert!(!scratch.data().join("audit.pending").exists());
}

// What cannot be recorded is not done.
#[test]
fn nothing_is_changed_that_cannot_be_recorded() {
    let scratch = Scratch::new();
    scratch.add("alice");
    let log = scratch.data().join("audit.log");
    std::fs::rename(&log, scratch.path().join("aside")).unwrap();
    std::fs::create_dir(&log).unwrap();
    let before = active(&scratch, "hmac");
    let master = active(&scratch, "master").remove(0);
    let csv = scratch.file("users.csv", "id\nbob\n");
    for words in [
        &["keys", "rotate"][..],
        &["keys", "activate", &before[0]],
        &["keys", "retire", &before[0], "--force"],
        &["keys", "revoke", &master, "--rotate", "--yes"],
        &["user", "add", "bob", "--no-password"],
        &["user", "disable", "alice"],
        &["user", "remove", "alice"],
        &["user", "passwd", "alice", "--one-time"],
        &["user", "group", "add", "alice", "x"],
        &["user", "end-sessions", "alice"],
        &["user", "import", &csv],
    ] {
        scratch
            .run(words)
            .failed("nothing was changed, because it could not be recorded")
            .hints("audit.log");
    }
    assert_eq!(active(&scratch, "hmac"), before);
    let users = scratch.json(&["user", "list"]);
    assert_eq!(users.as_array().unwrap().len(), 1);
    assert_eq!(users[0]["state"], "enabled");
    assert_eq!(users[0]["generation"], 1);
}

#[test]
fn no_key_is_changed_when_the_log_may_not_grow() {
    let scratch = Scratch::new();
    scratch
        .run(&["user", "add", "alice", "--no-password"])
        .done();
    let before = active(&scratch, "hmac");
    let log = std::fs::read(scratch.data().join("audit.log")).unwrap();
    let mut command = std::process::Command::new("sh");
    // 64 KiB are enough for a key, and for the line, but not for what might have to be noted besides.
    command
        .args(["-c", "ulimit -f 128; exec \"$0\" keys rotate"])
        .arg(PROGRAM)
        .env("SIGNET_DATA", scratch.data());
    Said::new(&command.output().unwrap())
        .failed("nothing was changed, because it could not be recorded")
        .hints("ulimit -f");
    assert_eq!(active(&scratch, "hmac"), before);
    assert_eq!(
        std::fs::read(scratch.data().join("audit.log")).unwrap(),
        log
    );
}

// K6
#[test]
fn two_who_rotate_at_once_leave_one_active_key() {
    let scratch = Scratch::new();
    for _ in 0..5 {
        let rotating: Vec<_> = (0..2)
            .map(|_| {
                let mut command = scratch.command();
                command.args(["keys", "rotate", "--json"]);
                command.stdout(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let made: Vec<_> = rotating
            .into_iter()
            .map(|child| Said::new(&child.wait_with_output().unwrap()).done().json())
            .map(|made| made["kid"].as_str().unwrap().to_owned())
            .collect();
        let active = active(&scratch, "hmac");
        assert_eq!(active.len(), 1);
        assert!(made.contains(&active[0]), "{made:?} {active:?}");
    }
    assert_eq!(lines(&scratch, &["--action", "key.rotate"]).len(), 10);
    scratch.run(&["audit", "verify"]).done();
}

// K8
#[test]
fn the_only_active_key_is_replaced_and_revoked_at_once() {
    let scratch = Scratch::new();
    scratch
        .run(&["user", "add", "alice", "--no-password"])
        .done();
    scratch.run(&["user", "add", "bob", "--no-password"]).done();
    scratch.run(&["user", "disable", "bob"]).done();
    let token = scratch.mint(&["alice"]);
    let stolen = active(&scratch, "hmac").remove(0);
    scratch
        .run(&["keys", "revoke", &stolen, "--yes"])
        .failed("only active key of the hmac ring")
        .hints("--rotate");
    let said = scratch
        .run(&["keys", "revoke", &stolen, "--rotate", "--yes"])
        .done();
    assert!(
        said.stderr.contains("cannot be known, because no instance is running on this data: at most those of the 1 user who may log in here"),
        "{said:?}"
    );
    let new = active(&scratch, "hmac");
    assert_eq!(new.len(), 1);
    assert_ne!(new[0], stolen);
    assert!(
        said.stdout.contains(&new[0]) && said.stdout.contains("is revoked for ever"),
        "{said:?}"
    );
    let denied = scratch.run_with(&["token", "verify"], &token);
    assert_eq!(denied.status, 1, "{denied:?}");
    assert_eq!(
        lines(&scratch, &["--action", "key"]),
        [
            ("key.rotate".to_owned(), new[0].clone()),
            ("key.revoke".to_owned(), stolen),
        ]
    );

    let master = active(&scratch, "master").remove(0);
    scratch
        .run(&["keys", "revoke", &master, "--yes"])
        .failed("only active key of the master ring")
        .hints("signet secret reseal");
    let said = scratch
        .run(&["keys", "revoke", &master, "--rotate", "--yes"])
        .done();
    assert!(
        said.stderr.contains("No sealed value names this key."),
        "{said:?}"
    );
}

// K8
#[test]
fn who_revokes_is_told_how_many_sessions_end() {
    let scratch = Scratch::new();
    let running = Running::start(&scratch);
    let key = active(&scratch, "hmac").remove(0);
    for user in ["alice", "bob", "carol"] {
        scratch.run(&["user", "add", user, "--no-password"]).done();
        let token = scratch.mint(&[user]);
        // However often it is seen, it is one session.
        for _ in 0..3 {
            assert_eq!(running.whoami(&token), 200);
        }
    }
    let token = scratch.mint(&["alice"]);
    scratch.run(&["keys", "rotate"]).done();
    let metrics = running.metrics();
    assert!(
        metrics.contains(&format!("signet_sessions_seen{{kid=\"{key}\"}} 3\n")),
        "{metrics}"
    );
    let asked = scratch.run(&["keys", "revoke", &key]);
    assert_eq!(asked.status, 1, "{asked:?}");
    for words in [
        "About 3 sessions were seen with this key within the last 30m to 1h.",
        "hint: add --yes",
    ] {
        assert!(asked.stderr.contains(words), "{asked:?}");
    }
    assert_eq!(running.whoami(&token), 200);

    let revoked = scratch.json(&["keys", "revoke", &key, "--yes"]);
    // The question in between was one more session.
    assert_eq!(
        revoked["cost"],
        json!({ "sessions_estimate": 4, "window_seconds": 1_800 })
    );
    assert_eq!(running.whoami(&token), 401);
    let line = shown(&scratch, &["--action", "key.revoke"]).remove(0);
    assert_eq!(line["detail"]["cost"]["sessions_estimate"], 4);
    assert!(!running.metrics().contains(&key));
    running.terminate();
    // What commands did is not said to have come from elsewhere.
    assert_eq!(lines(&scratch, &["--action", "key.notice"]), []);
    scratch.run(&["audit", "verify"]).done();
}

#[test]
fn an_instance_tells_its_log_where_the_audit_log_ends() {
    let scratch = Scratch::new();
    Running::start(&scratch).terminate();
    let log = std::fs::read_to_string(scratch.path().join("log")).unwrap();
    let plain = log
        .replace("\u{1b}[3m", "")
        .replace("\u{1b}[2m", "")
        .replace("\u{1b}[0m", "");
    let head = plain.split("audit.head=").nth(1).unwrap();
    let head = head.split_whitespace().next().unwrap();
    scratch.run(&["audit", "verify", "--head", head]).done();
    let first = lines(&scratch, &["--action", "instance"]);
    assert_eq!(first[0].0, "instance.start");
}
