use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::log::tests::Scratch;
use crate::{Note, Reason};

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

fn archive(scratch: &Scratch, name: &str) -> Result<Archived, AuditError> {
    let by = Undertaking {
        who: Actor::signet(),
        from: Origin::Instance,
        command: "audit archive".to_owned(),
        instance: "a".to_owned(),
    };
    scratch.log.archive(&scratch.path().join(name), &by, NOW)
}

#[test]
fn a_log_goes_on_after_its_lines_were_put_away() {
    let scratch = Scratch::with(3);
    let before = scratch.bytes();
    let last = scratch.log.head().unwrap().unwrap();
    let archived = archive(&scratch, "2025").unwrap();
    assert_eq!((archived.first, archived.last), (1, last));
    let old = scratch.path().join("2025");
    assert_eq!(fs::read(&old).unwrap(), before);
    assert_eq!(
        fs::metadata(&old).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let line = scratch.log.entries().unwrap().next().unwrap().unwrap();
    assert_eq!(
        (line.seq, line.action, line.object.as_str()),
        (4, ARCHIVED, "2025")
    );
    let digest = Digest::of(&[&before]).to_string();
    let detail = json!({ "first": 1, "last": 3, "bytes": before.len(), "sha256": digest });
    assert_eq!(line.detail, detail);

    // The new file is in order by itself, and says what it goes on from.
    let note = |last, file: &str| Note::Continues {
        last,
        file: file.to_owned(),
    };
    scratch.add("5");
    assert_eq!(scratch.problems(), []);
    assert_eq!(scratch.verify().notes, [note(3, "2025")]);
    let found = scratch
        .log
        .verify(std::slice::from_ref(&old), &[last])
        .unwrap();
    assert!(found.holds() && found.notes.is_empty(), "{found:?}");
    assert_eq!(found.entries, 5);

    // Once more: the files in their order, all of them or the later ones.
    let archived = archive(&scratch, "2026").unwrap();
    assert_eq!((archived.first, archived.last.seq), (4, 5));
    let new = scratch.path().join("2026");
    assert_eq!(scratch.verify().notes, [note(5, "2026")]);
    let found = scratch.log.verify(std::slice::from_ref(&new), &[]).unwrap();
    assert_eq!((found.holds(), found.notes), (true, vec![note(3, "2025")]));
    let found = scratch.log.verify(&[old, new], &[]).unwrap();
    assert_eq!((found.holds(), found.notes), (true, vec![]));
}

#[test]
fn what_was_put_away_is_not_said_to_be_checked() {
    let scratch = Scratch::with(2);
    let early = scratch.log.head().unwrap().unwrap();
    scratch.add("3");
    let last = scratch.log.head().unwrap().unwrap();
    archive(&scratch, "2025").unwrap();
    let reasons = |known: &[Head]| {
        let found = scratch.log.verify(&[], known).unwrap();
        let problems = found.problems.into_iter();
        problems.map(|problem| problem.reason).collect::<Vec<_>>()
    };
    // The first line names the hash of the last one that was put away; of others it says nothing.
    assert_eq!(reasons(&[last]), []);
    assert_eq!(reasons(&[early]), [Reason::Unchecked { seq: 2 }]);
    let other = Head {
        seq: 3,
        hash: early.hash,
    };
    assert_eq!(reasons(&[other]), [Reason::Other { seq: 3 }]);
}

#[test]
fn a_line_that_only_says_so_is_no_beginning() {
    let scratch = Scratch::with(3);
    archive(&scratch, "2025").unwrap();
    scratch.add("5");
    let lines = scratch.lines();
    scratch.replace(&[
        lines[0].replace("\"last\":3", "\"last\":2"),
        lines[1].clone(),
    ]);
    let missing = Reason::Missing { first: 1, last: 3 };
    let altered = Reason::Altered { seq: 4 };
    assert_eq!(scratch.problems(), [(1, altered), (1, missing)]);
    // Without that line, the next one is none.
    scratch.replace(&lines[1..]);
    assert_eq!(
        scratch.problems(),
        [(1, Reason::Missing { first: 1, last: 4 })]
    );
    // Nor is it in the middle.
    let earlier = scratch.path().join("earlier");
    fs::rename(scratch.path().join("2025"), &earlier).unwrap();
    let first = fs::read_to_string(&earlier).unwrap();
    let first: Vec<String> = first.lines().take(2).map(ToOwned::to_owned).collect();
    scratch.replace(&[first, lines].concat());
    assert_eq!(
        scratch.problems(),
        [(3, Reason::Missing { first: 3, last: 3 })]
    );
}

// Until the log begins anew, all lines are where they were; what is left of a copy is no hindrance.
#[test]
fn a_copy_that_a_crash_left_is_finished() {
    let scratch = Scratch::with(3);
    let old = scratch.path().join("2025");
    let bytes = scratch.bytes();
    fs::write(scratch.path().join("2025.part"), "half").unwrap();
    for length in [bytes.len(), bytes.len() / 2] {
        let scratch = Scratch::with(3);
        let old = scratch.path().join("2025");
        fs::write(&old, &scratch.bytes()[..length]).unwrap();
        archive(&scratch, "2025").unwrap();
        assert_eq!(fs::read(&old).unwrap(), bytes);
    }
    archive(&scratch, "2025").unwrap();
    assert_eq!(fs::read(&old).unwrap(), bytes);
    assert!(!scratch.path().join("2025.part").exists());
}

#[test]
fn nothing_else_is_overwritten() {
    let scratch = Scratch::with(2);
    let before = scratch.bytes();
    let foreign = scratch.path().join("foreign");
    fs::write(&foreign, "precious").unwrap();
    symlink(&foreign, scratch.path().join("link")).unwrap();
    fs::create_dir(scratch.path().join("directory")).unwrap();
    for name in [
        "foreign",
        "link",
        "directory",
        "audit.log",
        "audit.lock",
        "audit.head",
    ] {
        let error = archive(&scratch, name).unwrap_err();
        assert!(
            matches!(error, AuditError::Exists { .. }),
            "{name}: {error:?}"
        );
    }
    let error = archive(&scratch, "nowhere/2025").unwrap_err();
    assert!(matches!(error, AuditError::Write { .. }), "{error:?}");
    assert_eq!(fs::read(foreign).unwrap(), b"precious");
    assert_eq!(scratch.bytes(), before);
    assert_eq!(scratch.problems(), []);

    let empty = Scratch::new();
    let error = archive(&empty, "2025").unwrap_err();
    assert!(matches!(error, AuditError::Empty { .. }), "{error:?}");
    assert!(!empty.path().join("2025").exists());
}

#[test]
fn what_must_be_noted_is_noted_before() {
    let scratch = Scratch::with(2);
    let mut torn = scratch.bytes();
    torn.extend_from_slice(b"{\"v\":1,\"se");
    fs::write(scratch.log.path(), torn).unwrap();
    archive(&scratch, "2025").unwrap();
    let old = scratch.path().join("2025");
    assert!(fs::read_to_string(&old).unwrap().contains("log.mend"));
    let found = scratch.log.verify(&[old], &[]).unwrap();
    assert!(found.holds(), "{found:?}");
    assert_eq!(found.notes, [Note::Torn { line: 3, bytes: 11 }]);
}
