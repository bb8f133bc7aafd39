//! Moving the keys.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use crate::scratch::{Said, Scratch};
use crate::serving::Running;

const TO_FILE: [&str; 4] = ["keys", "relocate", "--to", "file"];
const TO_REPOSITORY: [&str; 4] = ["keys", "relocate", "--to", "repository"];
const UNDO: [&str; 3] = ["keys", "relocate", "--undo"];

/// All files with what they hold, as numbers; but for the log of changes, and what opening a repository leaves.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, u64> {
    let mut files = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let passing = [".lock", "-wal", "-shm"];
            if path.is_dir() {
                directories.push(path);
            } else if !passing.iter().any(|end| name.ends_with(end)) && !name.starts_with("audit.")
            {
                let mut hasher = DefaultHasher::new();
                fs::read(&path).unwrap().hash(&mut hasher);
                files.insert(path, hasher.finish());
            }
        }
    }
    files
}

fn storage(scratch: &Scratch) -> Vec<u8> {
    fs::read(scratch.data().join("keys/storage")).unwrap()
}

/// The ids of the keys in use, and the places that they are in.
fn keys(scratch: &Scratch) -> Vec<(String, String)> {
    let list = scratch.json(&["keys", "list"]);
    assert_eq!(list["problems"].as_array().unwrap().len(), 0, "{list}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let keys = list["keys"].as_array().unwrap().iter();
    let mut keys: Vec<_> = keys
        .map(|key| (text(&key["kid"]), text(&key["provider"])))
        .collect();
    keys.sort();
    keys
}

fn ids(scratch: &Scratch) -> Vec<String> {
    keys(scratch).into_iter().map(|(id, _)| id).collect()
}

/// The numbered lines.
fn steps(said: &Said) -> Vec<usize> {
    let lines = said.stdout.lines();
    lines
        .filter_map(|line| line.get(..2)?.trim().parse().ok())
        .collect()
}

/// The bits of all keys that are in files, raw and as text.
fn bits(scratch: &Scratch) -> Vec<Vec<u8>> {
    let mut bits = Vec::new();
    for ring in ["hmac", "master"] {
        for entry in fs::read_dir(scratch.data().join("keys").join(ring)).unwrap() {
            let jwk = fs::read(entry.unwrap().path()).unwrap();
            let jwk: Value = serde_json::from_slice(&jwk).unwrap();
            let text = jwk["k"].as_str().unwrap().as_bytes();
            bits.push(BASE64URL_NOPAD.decode(text).unwrap());
            bits.push(text.to_vec());
        }
    }
    assert!(!bits.is_empty());
    bits
}

fn is_in_repository(scratch: &Scratch, bits: &[Vec<u8>]) -> bool {
    ["", "-wal", "-shm", "-journal"].iter().any(|suffix| {
        let file = scratch.data().join(format!("repository.db{suffix}"));
        let bytes = fs::read(file).unwrap_or_default();
        let has = |needle: &Vec<u8>| bytes.windows(needle.len()).any(|part| part == needle);
        bits.iter().any(has)
    })
}

// O6
#[test]
fn no_byte_of_a_retired_key_is_left_in_the_repository() {
    let scratch = Scratch::new();
    let bits = bits(&scratch);
    scratch.run(&TO_REPOSITORY).done();
    let running = Running::start(&scratch);
    let list = scratch.json(&["keys", "list"]);
    let of = |ring: &str| {
        let keys = list["keys"].as_array().unwrap();
        let key = keys.iter().find(|key| key["ring"] == ring).unwrap();
        key["kid"].as_str().unwrap().to_owned()
    };
    for ring in ["hmac", "master"] {
        scratch.run(&["keys", "rotate", "--ring", ring]).done();
    }
    assert!(is_in_repository(&scratch, &bits));
    for ring in ["hmac", "master"] {
        let kid = of(ring);
        let said = scratch.run(&["keys", "retire", &kid, "--force"]).done();
        let words =
            format!("Key {kid} is removed from the repository, and no byte of it is left there.");
        assert!(said.stdout.starts_with(&words), "{said:?}");
    }
    assert!(!is_in_repository(&scratch, &bits));
    assert_eq!(running.whoami("no token"), 401, "it still answers");
    running.terminate();
}

#[test]
fn the_keys_move_there_and_back() {
    let scratch = Scratch::new();
    let before = ids(&scratch);
    let bits = bits(&scratch);
    let moved = scratch.run(&TO_REPOSITORY).done();
    assert_eq!(steps(&moved), (1..=15).collect::<Vec<_>>());
    assert!(
        moved
            .stdout
            .contains("Done: all 2 keys are in the repository"),
        "{moved:?}"
    );
    assert_eq!(storage(&scratch), b"repository");
    assert!(
        keys(&scratch)
            .iter()
            .all(|(_, place)| place == "repository")
    );
    assert!(is_in_repository(&scratch, &bits));

    let back = scratch.json(&TO_FILE);
    assert_eq!(
        (back["outcome"].as_str(), back["to"].as_str()),
        (Some("moved"), Some("file"))
    );
    assert_eq!(back["instance"]["state"], "not-running");
    let numbers: Vec<_> = back["steps"].as_array().unwrap().iter().collect();
    assert_eq!(numbers.len(), 15);
    assert!(numbers.iter().all(|step| step["done"] == true));
    assert_eq!(storage(&scratch), b"file");
    assert_eq!(ids(&scratch), before);
    // O6
    assert!(!is_in_repository(&scratch, &bits));

    let backup = PathBuf::from(back["backup"].as_str().unwrap());
    assert_eq!(
        fs::metadata(&backup).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        fs::read(&backup)
            .unwrap()
            .starts_with(b"age-encryption.org/v1")
    );
    let again = scratch.run(&TO_FILE).done();
    assert!(
        again
            .stdout
            .contains("There is nothing to do: all 2 keys are in files"),
        "{again:?}"
    );
    assert_eq!(scratch.json(&TO_FILE)["outcome"], "nothing-to-do");
    let log = scratch.run(&["audit", "show"]).done().stdout;
    assert_eq!(log.matches("key.relocate").count(), 2, "{log}");
}

#[test]
fn showing_and_rehearsing_change_nothing() {
    let scratch = Scratch::new();
    scratch
        .run_with(
            &["secret", "protect", "client/ims/secret", "--store"],
            "s3cret",
        )
        .done();
    scratch.run(&TO_REPOSITORY).done();
    let before = snapshot(scratch.path());
    let shown = scratch.run(&[&TO_FILE[..], &["--dry-run"]].concat()).done();
    assert_eq!(steps(&shown), (1..=15).collect::<Vec<_>>());
    assert!(
        shown
            .stdout
            .ends_with("without --dry-run these steps are taken.\n"),
        "{shown:?}"
    );
    let rehearsed = scratch
        .run(&[&TO_FILE[..], &["--rehearse"]].concat())
        .done();
    assert_eq!(steps(&rehearsed), (1..=15).collect::<Vec<_>>());
    assert!(
        rehearsed.stdout.contains("1 of 1 sealed values open"),
        "{rehearsed:?}"
    );
    assert!(
        rehearsed
            .stdout
            .ends_with("Going back with --undo goes well, too.\n"),
        "{rehearsed:?}"
    );
    let rehearsed = scratch.json(&[&TO_FILE[..], &["--rehearse"]].concat());
    assert_eq!(rehearsed["outcome"], "rehearsed");
    assert_eq!(rehearsed["backup"], Value::Null);
    let rehearsed = scratch.json(&[&UNDO[..], &["--rehearse"]].concat());
    assert_eq!(rehearsed["to"], "file");
    assert_eq!(snapshot(scratch.path()), before);
}

// The whole story: an upgrade that looks for the keys where they are not.
#[test]
fn an_upgrade_done_wrongly_is_named_and_mended() {
    let scratch = Scratch::new();
    scratch.add("alice");
    scratch
        .run_with(
            &["secret", "protect", "client/ims/secret", "--store"],
            "s3cret",
        )
        .done();
    scratch.run(&TO_REPOSITORY).done();
    let token = scratch.mint(&["alice"]);
    let before = ids(&scratch);
    fs::write(scratch.data().join("keys/storage"), "file\n").unwrap();

    let list = scratch.run(&["keys", "list"]).done();
    assert_eq!(list.stdout, "No key is in use.\n");
    let problem = "it says \"file\", but the keys of hmac and master are in the repository";
    assert!(list.stderr.contains(problem), "{list:?}");
    assert!(
        list.stderr.contains("signet keys relocate --to file"),
        "{list:?}"
    );
    for ring in ["hmac", "master"] {
        scratch
            .run(&["keys", "rotate", "--ring", ring])
            .failed("no other is made")
            .hints("signet keys relocate --to file");
    }
    assert_eq!(scratch.run(&["secret", "check"]).status, 1);

    let moved = scratch.run(&TO_FILE).done();
    assert!(
        moved.stdout.contains("1 of 1 sealed values open"),
        "{moved:?}"
    );
    assert_eq!(storage(&scratch), b"file");
    assert_eq!(ids(&scratch), before);
    scratch.run(&["secret", "check"]).done();
    let verified = scratch.run_with(&["token", "verify"], &token);
    assert_eq!(verified.status, 0, "{verified:?}");
}

// Whatever `storage` says, even if no other command can read it.
#[test]
fn nonsense_in_storage_is_mended() {
    let scratch = Scratch::new();
    fs::write(scratch.data().join("keys/storage"), "Bundle").unwrap();
    scratch
        .run(&["keys", "list"])
        .failed("must say \"file\" or \"repository\"")
        .hints("signet keys relocate --to file");
    scratch.run(&TO_FILE).done();
    assert_eq!(storage(&scratch), b"file");
    assert_eq!(keys(&scratch).len(), 2);
}

#[test]
fn a_damaged_key_stops_everything() {
    let scratch = Scratch::new();
    let id = ids(&scratch)[0].clone();
    let file = ["hmac", "master"]
        .map(|ring| scratch.data().join(format!("keys/{ring}/{id}.jwk")))
        .into_iter()
        .find(|path| path.exists())
        .unwrap();
    let good = fs::read(&file).unwrap();
    fs::write(&file, &good[..100]).unwrap();
    let before = snapshot(scratch.path());
    let said = scratch
        .run(&TO_REPOSITORY)
        .failed("step 2 of 15 failed; nothing was changed")
        .hints("copy");
    assert!(said.stderr.contains("it is cut off"), "{said:?}");
    assert!(said.stderr.contains(&id), "{said:?}");
    assert_eq!(snapshot(scratch.path()), before);
    fs::write(&file, &good).unwrap();
    scratch.run(&TO_REPOSITORY).done();
}

#[test]
fn going_back_needs_a_backup_and_takes_back_no_revocation() {
    let scratch = Scratch::new();
    scratch.run(&UNDO).failed("there is no backup in");
    scratch.run(&TO_REPOSITORY).done();
    let old = ids(&scratch);
    scratch.run(&["keys", "rotate"]).done();
    let list = scratch.json(&["keys", "list"]);
    let revoked = list["keys"].as_array().unwrap().iter();
    let revoked = revoked.filter(|key| key["state"] == "verify-only");
    let revoked = revoked
        .map(|key| key["kid"].as_str().unwrap())
        .next()
        .unwrap();
    scratch.run(&["keys", "revoke", revoked, "--yes"]).done();
    scratch.run(&UNDO).done();
    assert_eq!(storage(&scratch), b"file");
    assert!(old.iter().all(|id| ids(&scratch).contains(id)));
    let list = scratch.json(&["keys", "list"]);
    let states = list["keys"].as_array().unwrap().iter();
    let states = states
        .filter(|key| key["kid"] == revoked)
        .map(|key| &key["state"]);
    assert_eq!(states.collect::<Vec<_>>(), ["revoked"]);
    let again = scratch.run(&UNDO).done();
    assert!(again.stdout.contains("There is nothing to do"), "{again:?}");
}

#[test]
fn a_mounted_secret_is_not_moved() {
    let scratch = Scratch::new();
    let config = scratch.data().join("signet.toml");
    fs::write(config, "[keys]\ncustody = \"mounted\"\n").unwrap();
    let before = snapshot(scratch.path());
    scratch
        .run(&TO_REPOSITORY)
        .failed("mounted secret")
        .hints("keys.custody");
    assert_eq!(snapshot(scratch.path()), before);
}

#[test]
fn it_is_said_where_to() {
    let scratch = Scratch::new();
    assert_eq!(scratch.run(&["keys", "relocate"]).status, 2);
    assert_eq!(
        scratch.run(&["keys", "relocate", "--to", "Bundle"]).status,
        2
    );
    assert_eq!(scratch.run(&[&TO_FILE[..], &["--undo"]].concat()).status, 2);
    assert_eq!(
        scratch
            .run(&[&TO_FILE[..], &["--dry-run", "--rehearse"]].concat())
            .status,
        2
    );
}

// K6
#[test]
fn two_commands_at_once_move_the_keys_once() {
    let scratch = Scratch::new();
    let before = ids(&scratch);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let run = || {
            scratch.json(&TO_REPOSITORY)["outcome"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let moved = outcomes.iter().filter(|outcome| *outcome == "moved");
    assert_eq!(moved.count(), 1, "{outcomes:?}");
    assert_eq!(ids(&scratch), before);
}

/// While the keys go back and forth, a running instance refuses nobody, and hears of each move.
// Invariant 6
#[test]
fn a_running_instance_follows_and_refuses_nobody() {
    let scratch = Scratch::new();
    scratch.add("alice");
    let bits = bits(&scratch);
    let running = Running::start(&scratch);
    let token = scratch.mint(&["alice"]);
    let finished = AtomicBool::new(false);
    let asked = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut asked = 0;
            while !finished.load(Ordering::SeqCst) {
                assert_eq!(running.whoami(&token), 200, "after {asked}");
                asked += 1;
            }
            asked
        });
        for words in [&TO_REPOSITORY[..], &TO_FILE, &TO_REPOSITORY, &UNDO] {
            assert_eq!(scratch.json(words)["instance"]["state"], "applied");
        }
        finished.store(true, Ordering::SeqCst);
        asking.join().unwrap()
    });
    assert!(asked > 10, "{asked}");
    // O6
    assert!(!is_in_repository(&scratch, &bits));
    let newer = {
        scratch.run(&TO_REPOSITORY).done();
        scratch.run(&["keys", "rotate"]).done();
        scratch.mint(&["alice"])
    };
    assert_eq!((running.whoami(&token), running.whoami(&newer)), (200, 200));
    running.terminate();
    let log = fs::read_to_string(scratch.path().join("log")).unwrap();
    assert!(!log.contains("ERROR"), "{log}");
}
