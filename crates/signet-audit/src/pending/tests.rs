use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use super::leftover::INTERRUPTED;
use super::*;
use crate::log::tests::{Scratch, event};
use crate::{AuditError, Note};

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

fn undertaking(command: &str) -> Undertaking {
    Undertaking {
        who: Actor::System {
            user: Some("alice".to_owned()),
            uid: 1_000,
            sudo_user: None,
        },
        from: Origin::Command { terminal: true },
        command: command.to_owned(),
        instance: "standalone-8080".to_owned(),
    }
}

fn directory(scratch: &Scratch) -> PathBuf {
    scratch.path().join("audit.pending")
}

fn begin(scratch: &Scratch, command: &str) -> Pending {
    scratch.log.begin(&undertaking(command), NOW).unwrap()
}

/// As if the process had been killed: its lock is gone, its file is not.
fn die(pending: Pending) {
    pending.leave();
    drop(pending);
}

/// What the lines say that tell of an interruption: who, of what, and the rest.
fn told(scratch: &Scratch) -> Vec<(String, String, Value)> {
    let entries = scratch.log.entries().unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.action == INTERRUPTED)
        .map(|entry| (entry.who.to_string(), entry.object, entry.detail))
        .collect()
}

#[test]
fn what_has_ended_leaves_nothing() {
    let scratch = Scratch::new();
    let pending = begin(&scratch, "keys rotate");
    let files: Vec<_> = fs::read_dir(directory(&scratch)).unwrap().collect();
    assert_eq!(files.len(), 1);
    let file = files[0].as_ref().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file.path()), 0o600);
    assert_eq!(mode(&directory(&scratch)), 0o700);
    assert_eq!(
        fs::read_to_string(file.path()).unwrap(),
        concat!(
            r#"{"v":1,"time":1767225600,"who":{"user":"alice","uid":1000},"#,
            r#""from":{"by":"command","terminal":true},"command":"keys rotate","#,
            r#""instance":"standalone-8080"}"#,
            "\n"
        )
    );
    // Whoever is alive is not told of, by whomever.
    scratch.add("1");
    drop(begin(&scratch, "user add"));
    assert_eq!(scratch.verify().notes, []);
    drop(pending);
    assert!(!directory(&scratch).exists());
    scratch.add("2");
    assert_eq!(told(&scratch), []);
}

#[test]
fn what_was_interrupted_is_told_once_by_whoever_comes_next() {
    let scratch = Scratch::with(1);
    type Next = fn(&Scratch);
    let nexts: [Next; 2] = [
        |scratch| scratch.add("2"),
        |scratch| {
            drop(begin(scratch, "user add"));
        },
    ];
    for (count, next) in (1..).zip(nexts) {
        die(begin(&scratch, "keys relocate"));
        let note = Note::Interrupted {
            command: Some("keys relocate".to_owned()),
            from: Some(Origin::Command { terminal: true }),
        };
        assert_eq!(scratch.verify().notes, [note]);
        next(&scratch);
        next(&scratch);
        let expected = (
            "alice".to_owned(),
            "keys relocate".to_owned(),
            serde_json::json!({ "began": 1_767_225_600 }),
        );
        assert_eq!(told(&scratch), vec![expected; count]);
        assert!(!directory(&scratch).exists());
        assert!(scratch.verify().holds() && scratch.verify().notes.is_empty());
    }
}

// Who may be gone without a word says so beforehand.
#[test]
fn what_is_left_is_told_unless_it_has_ended() {
    let scratch = Scratch::with(1);
    let pending = begin(&scratch, "user passwd");
    pending.leave();
    pending.end();
    assert!(!directory(&scratch).exists());
    scratch.add("2");
    assert_eq!(told(&scratch), []);

    let pending = begin(&scratch, "user passwd");
    pending.leave();
    scratch.add("3");
    assert_eq!(told(&scratch), []);
    drop(pending);
    scratch.add("4");
    assert_eq!(told(&scratch).len(), 1);
}

#[test]
fn what_was_left_is_told_before_the_log_goes_elsewhere() {
    let scratch = Scratch::with(1);
    scratch.log.settle("standalone-8080", NOW).unwrap();
    assert_eq!(told(&scratch), []);
    die(begin(&scratch, "keys relocate"));
    for _ in 0..2 {
        scratch.log.settle("standalone-8080", NOW).unwrap();
        assert_eq!(told(&scratch).len(), 1);
    }
    assert!(!directory(&scratch).exists());
    assert_eq!(scratch.problems(), []);
}

// A restore begins where it prepares, and ends where that was moved to.
#[test]
fn what_has_begun_moves_with_the_log() {
    let before = Scratch::new();
    let after = Scratch::new();
    let mut pending = begin(&before, "restore");
    let name = "audit.pending";
    fs::rename(before.path().join(name), after.path().join(name)).unwrap();
    pending.moved_to(&after.log);
    after.add("1");
    assert_eq!(told(&after), []);
    drop(pending);
    assert!(!directory(&after).exists());

    let pending = begin(&before, "restore");
    fs::rename(before.path().join(name), after.path().join(name)).unwrap();
    die(pending);
    after.add("2");
    assert_eq!(told(&after)[0].1, "restore");
}

#[test]
fn what_was_recorded_before_is_named() {
    let scratch = Scratch::with(2);
    let pending = begin(&scratch, "keys import");
    let head = scratch.log.append(&event("3"), NOW).unwrap();
    pending.recorded(head);
    die(pending);
    scratch.add("4");
    let detail = serde_json::json!({ "began": 1_767_225_600, "recorded": [3] });
    assert_eq!(told(&scratch)[0].2, detail);
}

// Between the line and the removal of the file: the line may come twice, and is never lost.
#[test]
fn a_crash_while_it_is_told_loses_nothing() {
    let scratch = Scratch::new();
    die(begin(&scratch, "keys relocate"));
    let file = fs::read_dir(directory(&scratch)).unwrap().next().unwrap();
    let (path, bytes) = (
        file.as_ref().unwrap().path(),
        fs::read(file.unwrap().path()),
    );
    let before = scratch.bytes();
    scratch.add("1");
    // As it was before the line, and as it was after it.
    fs::create_dir(directory(&scratch)).unwrap();
    fs::write(&path, bytes.unwrap()).unwrap();
    let after = scratch.bytes();
    scratch.add("2");
    assert_eq!(told(&scratch).len(), 2);
    assert!(before.is_empty() && scratch.bytes().starts_with(&after));
    assert_eq!(scratch.problems(), []);
}

#[test]
fn however_many_there_are_all_are_told() {
    let scratch = Scratch::new();
    let many: Vec<_> = (0..9).map(|_| begin(&scratch, "user add")).collect();
    many.into_iter().for_each(die);
    for (line, expected) in [(1, 4), (2, 8), (3, 9), (4, 9)] {
        scratch.add(&line.to_string());
        assert_eq!(told(&scratch).len(), expected);
    }
}

#[test]
fn what_says_nothing_is_noted_and_removed() {
    let scratch = Scratch::with(1);
    let elsewhere = scratch.path().join("elsewhere");
    fs::write(&elsewhere, "precious").unwrap();
    let whole = {
        let pending = begin(&scratch, "keys rotate");
        fs::read(&pending.path).unwrap()
    };
    let make: [&dyn Fn(&Path); 8] = [
        &|path| fs::write(path, "").unwrap(),
        &|path| fs::write(path, &whole[..whole.len() - 1]).unwrap(),
        &|path| fs::write(path, "something else\n").unwrap(),
        &|path| File::create(path).unwrap().set_len(1 << 40).unwrap(),
        &|path| {
            let text = String::from_utf8(whole.clone()).unwrap();
            fs::write(path, text.replace("keys rotate", "keys\\u001b[2J")).unwrap();
        },
        &|path| symlink(&elsewhere, path).unwrap(),
        &|path| fs::create_dir(path).unwrap(),
        &|path| {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).unwrap();
        },
    ];
    for (count, make) in (1..).zip(make) {
        let _ = fs::create_dir(directory(&scratch));
        make(&directory(&scratch).join("0123456789abcdef"));
        scratch.add("x");
        let told = told(&scratch);
        assert_eq!(told.len(), count);
        assert_eq!(told.last().unwrap().1, "unknown");
        let left = fs::read_dir(directory(&scratch)).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{count}");
    }
    assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");

    // What cannot be removed is not told again and again.
    let full = directory(&scratch).join("directory/with");
    fs::create_dir_all(full).unwrap();
    scratch.add("x");
    assert_eq!(told(&scratch).len(), 8);
    assert_eq!(scratch.problems(), []);
}

#[test]
fn nothing_begins_where_it_cannot_be_noted() {
    let scratch = Scratch::new();
    symlink(scratch.path(), directory(&scratch)).unwrap();
    let error = scratch.log.begin(&undertaking("keys rotate"), NOW);
    let error = error.unwrap_err();
    assert!(matches!(error, AuditError::Begin { .. }), "{error:?}");
    assert!(error.hint().contains("move it away"), "{}", error.hint());
    // What others write does not depend on it.
    scratch.add("1");
    fs::remove_file(directory(&scratch)).unwrap();

    for command in ["", "keys  rotate", "keys rotate --data=x", "Keys", "a\nb"] {
        assert!(scratch.log.begin(&undertaking(command), NOW).is_err());
    }
    assert!(told(&scratch).is_empty());
    scratch.add("2");
    assert!(told(&scratch).is_empty());
}
