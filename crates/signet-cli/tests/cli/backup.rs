//! A whole installation put away and put back.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use signet_server::DataDirectory;

use crate::bundles::{card, path};
use crate::scratch::Scratch;
use crate::serving::Running;

/// An installation, somebody else who keeps its backups, and the file of one.
struct Story {
    here: Scratch,
    keeper: Scratch,
    file: String,
}

impl Story {
    fn new() -> Self {
        let (here, keeper) = (Scratch::new(), Scratch::new());
        here.add("alice");
        let file = path(&here, "backup");
        Self { here, keeper, file }
    }

    fn back_up(&self) -> Value {
        let receiver = card(&self.keeper);
        self.here.json(&["backup", &self.file, "--for", &receiver])
    }

    /// The words of a restore with the key of the keeper, who vouches for the maker.
    fn restore(&self, more: &[&str]) -> crate::scratch::Said {
        let key = self.key();
        let maker = self.maker();
        let words = ["restore", &self.file, "--identity", &key, "--from", &maker];
        self.here.run(&[&words, more].concat())
    }

    fn key(&self) -> String {
        let key = self.keeper.data().join("node/age.key");
        key.to_str().unwrap().to_owned()
    }

    /// Who made the backup, as the backup says.
    fn maker(&self) -> String {
        let checked = self
            .here
            .json(&["backup", &self.file, "--check", "--identity", &self.key()]);
        checked["node"]["id"].as_str().unwrap().to_owned()
    }

    fn lose_everything(&self) {
        fs::remove_dir_all(self.here.data()).unwrap();
    }
}

/// Logs out as a browser does: the page asks, and the form is sent.
fn log_out(running: &Running, token: &str) {
    let cookie = format!("login-token={token}");
    let page = send(
        running,
        &format!(
            "GET /logout HTTP/1.1\r\nHost: localhost:8080\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        ),
    );
    let (_, rest) = page
        .split_once("name=\"csrf\" value=\"")
        .unwrap_or_else(|| panic!("{page}"));
    let body = format!("csrf={}", rest.split('"').next().unwrap());
    let answer = send(
        running,
        &format!(
            "POST /logout HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8080\r\nCookie: {cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ),
    );
    assert!(
        answer.starts_with("HTTP/1.1 303") || answer.starts_with("HTTP/1.1 200"),
        "{answer}"
    );
    assert_eq!(running.whoami(token), 401, "{answer}");
}

fn send(running: &Running, request: &str) -> String {
    let mut stream = TcpStream::connect(running.public()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

// S6
#[test]
fn a_session_that_was_ended_after_the_backup_stays_ended() {
    let story = Story::new();
    let running = Running::start(&story.here);
    let ended = story.here.mint(&["alice"]);
    let lasting = story.here.mint(&["alice"]);
    assert_eq!(
        (running.whoami(&ended), running.whoami(&lasting)),
        (200, 200)
    );
    let made = story.back_up();
    assert_eq!(
        (made["sealed"].as_str(), made["keys"].as_u64()),
        (Some("receivers"), Some(2))
    );
    log_out(&running, &ended);

    story
        .restore(&["--replace"])
        .failed("an instance is running on")
        .hints("stop the instance");
    running.terminate();
    story
        .restore(&[])
        .failed("there is an installation in")
        .hints("--replace");
    let restored = story.restore(&["--replace"]).done();
    assert!(
        restored.stdout.contains("Not taken back: 1 ended session."),
        "{restored:?}"
    );
    assert!(
        restored.stdout.contains("data.before-restore-"),
        "{restored:?}"
    );

    let running = Running::start(&story.here);
    assert_eq!(
        (running.whoami(&ended), running.whoami(&lasting)),
        (401, 200)
    );
    running.terminate();

    // The disk is lost: nobody knows which sessions ended.
    story.lose_everything();
    let restored = story.restore(&[]).done();
    assert!(
        restored
            .stdout
            .contains("Everybody has to log in again (1 user)"),
        "{restored:?}"
    );
    assert!(restored.stdout.contains("--new-identity"), "{restored:?}");
    let running = Running::start(&story.here);
    assert_eq!(
        (running.whoami(&ended), running.whoami(&lasting)),
        (401, 401)
    );
    assert_eq!(running.whoami(&story.here.mint(&["alice"])), 200);
    running.terminate();

    // Whoever says so keeps the sessions, with what that means.
    story.lose_everything();
    let restored = story.restore(&["--keep-sessions"]).done();
    assert!(!restored.stdout.contains("log in again"), "{restored:?}");
    let running = Running::start(&story.here);
    assert_eq!(
        (running.whoami(&ended), running.whoami(&lasting)),
        (200, 200)
    );
    running.terminate();
}

// S6
#[test]
fn an_instance_that_began_anew_revives_no_session() {
    let story = Story::new();
    let running = Running::start(&story.here);
    let token = story.here.mint(&["alice"]);
    story.back_up();
    // What proves whose backup it is, while nothing is there to say so.
    let copied_keys = story.here.path().join("keys");
    copy(&story.here.data().join("keys"), &copied_keys);
    story.here.run(&["user", "end-sessions", "alice"]).done();
    assert_eq!(running.whoami(&token), 401);
    running.terminate();
    let is_alive = || {
        let running = Running::start(&story.here);
        let status = running.whoami(&token);
        running.terminate();
        status == 200
    };

    // The disk is lost, and an instance starts once that knows none of these sessions, with copied keys or without any.
    for role in ["standalone", "publish"] {
        story.lose_everything();
        let config = format!("role = \"{role}\"\n");
        DataDirectory::open_or_create(&story.here.data(), &config).unwrap();
        if role == "standalone" {
            copy(&copied_keys, &story.here.data().join("keys"));
        }
        Running::start(&story.here).terminate();
        let restored = story.restore(&["--replace"]).done();
        assert!(
            restored.stdout.contains(
                "Everybody has to log in again (1 user): what was there does not go on from this backup"
            ),
            "{restored:?}"
        );
        assert!(
            !restored.stdout.contains("Nothing had happened"),
            "{restored:?}"
        );
        assert!(!is_alive(), "{role}");
        // It is what was restored, and goes on from there.
        let again = story.restore(&["--replace", "--json"]).done().json();
        assert_eq!(again["kept"]["repository"]["continues_backup"], true);
        assert!(again["logged_out"].is_null() && !is_alive(), "{again:#}");
    }

    story.lose_everything();
    DataDirectory::open_or_create(&story.here.data(), "role = \"publish\"\n").unwrap();
    Running::start(&story.here).terminate();
    let restored = story.restore(&["--replace", "--keep-sessions"]).done();
    assert!(
        restored.stderr.contains("live again until their time"),
        "{restored:?}"
    );
    assert!(is_alive(), "as it was asked for");
}

/// Copies a directory with all that is in it, as `cp -a` does.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.unwrap().success());
}

// S6, K5
#[test]
fn what_was_revoked_removed_or_changed_since_stays_so() {
    let story = Story::new();
    for name in ["gone", "shut"] {
        story.here.add(name);
    }
    let key = |at: usize| {
        story.here.json(&["keys", "list"])["keys"][at]["kid"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let stolen = key(0);
    story.back_up();
    story.here.run(&["keys", "rotate"]).done();
    story.here.run(&["keys", "revoke", &stolen, "--yes"]).done();
    story.here.run(&["user", "remove", "gone", "--yes"]).done();
    story.here.run(&["user", "disable", "shut"]).done();
    story.here.add("late");
    let token = story.here.mint(&["late"]);

    let restored = story.restore(&["--replace", "--json"]).done().json();
    let kept = &restored["kept"];
    assert_eq!(
        (kept["keys"].as_u64(), kept["revoked_keys"].as_u64()),
        (Some(1), Some(1))
    );
    let repository = &kept["repository"];
    for (name, count) in [
        ("removed_users", 1),
        ("disabled_users", 1),
        ("new_users", 1),
    ] {
        assert_eq!(
            repository[name].as_u64(),
            Some(count),
            "{name}: {restored:#}"
        );
    }
    let list = story.here.json(&["keys", "list"]);
    let states: Vec<_> = list["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (key["kid"].clone(), key["state"].clone()))
        .collect();
    assert!(
        states.contains(&(stolen.into(), "revoked".into())),
        "{states:?}"
    );
    assert_eq!(states.len(), 3);
    let gone = story.here.run(&["user", "show", "gone"]).done();
    assert!(gone.stdout.contains("removed"), "{gone:?}");
    let shut = story.here.run(&["user", "show", "shut"]).done();
    assert!(shut.stdout.contains("disabled"), "{shut:?}");

    // A user of the same name who is made anew is another one to old tokens.
    story.here.add("late");
    assert_eq!(story.here.run_with(&["token", "verify"], &token).status, 1);

    let audit = story.here.run(&["audit", "show", "--json"]).done().stdout;
    assert!(
        audit.contains("\"backup.make\"") && audit.contains("\"backup.restore\""),
        "{audit}"
    );
    assert!(
        audit.contains("\"key.revoke\""),
        "the log goes on from the one that was there: {audit}"
    );
    story.here.run(&["audit", "verify"]).done();
}

#[test]
fn a_backup_without_one_of_the_keys_is_no_success() {
    let story = Story::new();
    let stray = story.here.data().join("keys/hmac/copy of a key.jwk");
    fs::write(&stray, "?").unwrap();
    let receiver = card(&story.keeper);
    let words = ["backup", &story.file, "--for", &receiver];
    let said = story.here.run(&words);
    assert_eq!(said.status, 1, "{said:?}");
    for text in ["copy of a key.jwk is not in the backup", "signet doctor"] {
        assert!(said.stderr.contains(text), "{text}: {said:?}");
    }
    // What could be put away is there.
    fs::remove_file(stray).unwrap();
    story.lose_everything();
    assert_eq!(story.restore(&[]).status, 0);
}

#[test]
fn a_passphrase_seals_and_opens() {
    let here = Scratch::new();
    let passphrase = here.file("passphrase", "correct horse battery staple\n");
    let wrong = here.file("wrong", "correct horse battery\n");
    let file = path(&here, "backup");
    let said = here
        .run(&["backup", &file, "--passphrase-file", &passphrase])
        .done();
    assert!(said.stdout.starts_with("Backed up "), "{said:?}");
    assert!(said.stdout.contains("2 keys in files and "), "{said:?}");
    assert!(
        said.stdout.contains("Keep the passphrase elsewhere"),
        "{said:?}"
    );
    here.run(&["backup", &file, "--check", "--passphrase-file", &wrong])
        .failed("the passphrase does not open it")
        .hints("again");
    here.run(&["restore", &file])
        .failed("there is no terminal to ask at")
        .hints("--passphrase-file");
    fs::remove_dir_all(here.data()).unwrap();
    let said = here
        .run(&["restore", &file, "--passphrase-file", &passphrase])
        .done();
    assert!(said.stdout.contains("It is the instance "), "{said:?}");
    here.run(&["keys", "list"]).done();
}

#[test]
fn what_makes_no_backup_is_named() {
    let story = Story::new();
    let here = &story.here;
    here.run(&["backup", &story.file])
        .failed("there is no terminal to ask for a passphrase at")
        .hints("--for");
    let short = here.file("short", "secret\n");
    here.run(&["backup", &story.file, "--passphrase-file", &short])
        .failed("less than 12 characters");
    let private = story.key();
    card(&story.keeper);
    here.run(&["backup", &story.file, "--for", &private])
        .failed("names no receiver")
        .hints("age-keygen -y");
    let inside = here.data().join("backup");
    let receiver = card(&story.keeper);
    here.run(&["backup", inside.to_str().unwrap(), "--for", &receiver])
        .failed("no backup was made")
        .hints("another disk");
    assert!(!fs::exists(&story.file).unwrap());

    story.back_up();
    let before = fs::read(&story.file).unwrap();
    here.run(&["backup", &story.file, "--for", &receiver])
        .failed("no backup was made")
        .hints("another file");
    assert_eq!(fs::read(&story.file).unwrap(), before);
    let own = card(here);
    let other = path(here, "own");
    let said = here.run(&["backup", &other, "--for", &own]).done();
    assert!(
        said.stderr.contains("only this instance can open"),
        "{said:?}"
    );
    fs::write(here.data().join("notes.txt"), "").unwrap();
    let other = path(here, "third");
    let said = here
        .run(&["backup", &other, "--for", &own, &receiver])
        .done();
    assert!(said.stderr.contains("notes.txt"), "{said:?}");
    assert!(!said.stderr.contains("only this instance"), "{said:?}");
}

#[test]
fn what_restores_nothing_is_named() {
    let story = Story::new();
    story.back_up();
    let here = &story.here;
    let before = here.json(&["keys", "list"]);
    let key = story.key();

    // Who has a receiver's card can seal anything for it.
    let elsewhere = Scratch::empty();
    let said = elsewhere.run(&["restore", &story.file, "--identity", &key]);
    let maker = story.maker();
    said.failed("which nobody has vouched for here")
        .hints(&maker);
    let other = Scratch::new();
    let stranger = card(&other);
    elsewhere
        .run(&[
            "restore",
            &story.file,
            "--identity",
            &key,
            "--from",
            &stranger,
        ])
        .failed("nothing was restored")
        .hints("--from");
    assert!(!elsewhere.data().exists());
    here.run(&["restore", &story.file, "--replace"])
        .failed("cannot be used")
        .hints("--identity");

    let good = fs::read(&story.file).unwrap();
    for (edit, words) in [
        ("cut", "it ends in the middle"),
        ("altered", "altered, damaged or cut off"),
        ("html", "it is not a backup of Signet"),
    ] {
        let mut bytes = good.clone();
        match edit {
            "cut" => bytes.truncate(good.len() - 100),
            "altered" => bytes[good.len() / 2] ^= 1,
            _ => bytes = b"<!DOCTYPE html>".to_vec(),
        }
        let file = path(here, edit);
        fs::write(&file, bytes).unwrap();
        let words_of_it = [
            "restore",
            &file,
            "--replace",
            "--identity",
            &key,
            "--from",
            &maker,
        ];
        let said = here.run(&words_of_it);
        assert!(said.stderr.contains(words), "{edit}: {said:?}");
        said.failed("").hints("");
    }
    assert_eq!(here.json(&["keys", "list"]), before);
    let names: Vec<_> = fs::read_dir(here.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(
        !names
            .iter()
            .any(|name| name.to_string_lossy().contains("restor")),
        "{names:?}"
    );
    // Its own backup needs no word from anybody.
    here.run(&["restore", &story.file, "--replace", "--identity", &key])
        .done();
}

#[test]
fn a_second_instance_gets_an_identity_of_its_own() {
    let story = Story::new();
    story.back_up();
    let before = card(&story.here);
    let before = fs::read_to_string(before).unwrap();
    story.lose_everything();
    story.restore(&["--new-identity"]).done();
    let after = story.here.run(&["node", "show"]).done().stdout;
    assert_ne!(before, after);
    story.here.run(&["user", "show", "alice"]).done();
}
