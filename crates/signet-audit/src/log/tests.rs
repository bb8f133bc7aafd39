use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;
use crate::{Note, Reason};

pub(crate) struct Scratch {
    directory: TempDir,
    pub(crate) log: AuditLog,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = AuditLog::at(&directory.path().join("audit.log"));
        Self { directory, log }
    }

    /// With as many lines about the objects 1, 2 and so on.
    pub(crate) fn with(lines: u64) -> Self {
        let scratch = Self::new();
        (1..=lines).for_each(|number| scratch.add(&number.to_string()));
        scratch
    }

    pub(crate) fn add(&self, object: &str) {
        let now = UnixSeconds(1_767_225_600);
        self.log.append(&event(object), now).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.log.path()).unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.bytes()).unwrap();
        text.lines().map(ToOwned::to_owned).collect()
    }

    pub(crate) fn replace(&self, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.log.path(), text).unwrap();
    }

    pub(crate) fn objects(&self) -> Vec<String> {
        let entries = self.log.entries().unwrap();
        entries
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.action != MEND)
            .map(|entry| entry.object)
            .collect()
    }

    pub(crate) fn verify(&self) -> Verification {
        self.log.verify(&[], &[]).unwrap()
    }

    /// The lines at which something is wrong, and what.
    pub(crate) fn problems(&self) -> Vec<(u64, Reason)> {
        let found = self.verify();
        assert_eq!(found.problem_count, found.problems.len() as u64);
        let problems = found.problems.into_iter();
        problems
            .map(|problem| (problem.line, problem.reason))
            .collect()
    }
}

pub(crate) fn event(object: &str) -> Event {
    Event {
        who: Actor::System {
            user: Some("root".to_owned()),
            uid: 0,
            sudo_user: None,
        },
        from: Origin::Command { terminal: false },
        action: "key.rotate".parse().unwrap(),
        object: object.to_owned(),
        detail: json!({ "ring": "hmac" }),
        instance: "standalone-8080".to_owned(),
    }
}

#[test]
fn what_was_told_is_found_again() {
    let scratch = Scratch::new();
    assert_eq!(scratch.log.head().unwrap(), None);
    assert_eq!(scratch.log.entries().unwrap().count(), 0);
    assert!(scratch.verify().holds());
    let names = fs::read_dir(scratch.path()).unwrap();
    assert_eq!(names.count(), 0, "looking leaves nothing behind");
    scratch.log.ready().unwrap();
    scratch.add("a");
    scratch.add("b");
    assert_eq!(scratch.objects(), ["a", "b"]);
    let head = scratch.log.head().unwrap().unwrap();
    assert_eq!(head.seq, 2);
    let found = scratch.log.verify(&[], &[head]).unwrap();
    assert!(found.holds() && found.notes.is_empty(), "{found:?}");
    assert_eq!((found.entries, found.head), (2, Some(head)));
    for name in ["audit.log", "audit.head", "audit.lock"] {
        let mode = fs::metadata(scratch.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn the_end_can_be_read_alone() {
    let scratch = Scratch::with(50);
    let length = scratch.lines()[0].len() as u64;
    let recent: Vec<_> = scratch.log.recent(3 * length).unwrap().collect();
    assert!((1..=3).contains(&recent.len()));
    assert_eq!(recent.last().unwrap().as_ref().unwrap().object, "50");
    assert_eq!(scratch.log.recent(1 << 20).unwrap().count(), 50);
}

#[test]
fn many_writers_make_one_chain() {
    let scratch = Scratch::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let scratch = &scratch;
            scope.spawn(move || {
                for number in 0..20 {
                    scratch.log.ready().unwrap();
                    scratch.add(&format!("{writer}/{number}"));
                }
            });
        }
    });
    let found = scratch.verify();
    assert!(found.holds() && found.notes.is_empty(), "{found:?}");
    assert_eq!(found.entries, 80);
}

// Whatever a crash leaves of the last write, the lines before it stay, and the log goes on and says what happened.
#[test]
fn a_crash_at_any_byte_loses_no_line_and_breaks_no_chain() {
    let scratch = Scratch::with(2);
    let before = scratch.bytes();
    let head = fs::read(scratch.path().join("audit.head")).unwrap();
    scratch.add("3");
    let after = scratch.bytes();
    for length in before.len()..=after.len() {
        fs::write(scratch.log.path(), &after[..length]).unwrap();
        fs::write(scratch.path().join("audit.head"), &head).unwrap();
        assert!(scratch.verify().holds(), "at {length}, before it goes on");
        scratch.log.ready().unwrap();
        scratch.add("4");

        let left = length - before.len();
        let line = after.len() - before.len();
        let objects = scratch.objects();
        let notes = scratch.verify().notes;
        if left == 0 {
            assert_eq!(objects, ["1", "2", "4"]);
            assert_eq!(notes, []);
        } else if left < line - 1 {
            assert_eq!(objects, ["1", "2", "4"]);
            let bytes = left as u64 + 1;
            assert_eq!(notes, [Note::Torn { line: 3, bytes }]);
            // Nothing is dropped.
            assert!(scratch.bytes().starts_with(&after[..length]));
        } else {
            // Of a line that is there but for its end, nothing is lost.
            assert_eq!(objects, ["1", "2", "3", "4"], "at {left}");
            assert_eq!(notes, []);
        }
        assert_eq!(scratch.problems(), [], "at {length}");
    }
}

// The note about a torn line may be torn itself.
#[test]
fn a_crash_while_a_crash_is_noted_is_noted() {
    let scratch = Scratch::with(2);
    let whole = scratch.bytes();
    let second = scratch.lines()[0].len() + 1;
    let torn = &whole[..second + 40];
    let head = Line1::head(&scratch);
    let set = |bytes: &[u8]| {
        fs::write(scratch.log.path(), bytes).unwrap();
        head.write(&scratch.path().join("audit.head")).unwrap();
    };
    set(torn);
    scratch.add("3");
    let mended = scratch.bytes();
    for length in torn.len()..mended.len() {
        set(&mended[..length]);
        assert!(scratch.verify().holds(), "at {length}");
        scratch.add("4");
        assert_eq!(scratch.problems(), [], "at {length}");
        assert_eq!(scratch.objects().last().unwrap(), "4");
        assert!(scratch.bytes().starts_with(&mended[..length]));
    }
}

/// The head after the first line.
struct Line1;

impl Line1 {
    fn head(scratch: &Scratch) -> Head {
        let first = &scratch.lines()[0];
        crate::line::Line::read(first.as_bytes()).unwrap().head()
    }
}

// A crash of the machine may leave a stretch of zeros.
#[test]
fn zeros_at_the_end_are_noted() {
    let scratch = Scratch::with(2);
    let mut bytes = scratch.bytes();
    bytes.extend([0; 4_096]);
    fs::write(scratch.log.path(), bytes).unwrap();
    scratch.add("3");
    assert_eq!(scratch.objects(), ["1", "2", "3"]);
    let notes = scratch.verify().notes;
    assert_eq!(
        notes,
        [Note::Torn {
            line: 3,
            bytes: 4_097
        }]
    );
    assert_eq!(scratch.problems(), []);
}

#[test]
fn what_is_no_log_is_left_alone() {
    let scratch = Scratch::new();
    let foreign = "something else\n".repeat(400_000);
    fs::write(scratch.log.path(), &foreign).unwrap();
    let error = scratch.log.ready().unwrap_err();
    assert!(matches!(error, AuditError::NoLog { .. }), "{error:?}");
    assert!(error.hint().contains("audit.log.damaged"));
    assert!(scratch.log.append(&event("x"), UnixSeconds(1)).is_err());
    assert_eq!(scratch.bytes(), foreign.as_bytes());
}

#[test]
fn a_log_that_cannot_be_written_says_so_beforehand() {
    let scratch = Scratch::new();
    let elsewhere = scratch.path().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    symlink(&elsewhere, scratch.log.path()).unwrap();
    let error = scratch.log.ready().unwrap_err();
    assert!(error.hint().contains("symbolic link"), "{}", error.hint());
    assert_eq!(fs::read(&elsewhere).unwrap(), b"");
    fs::remove_file(scratch.log.path()).unwrap();

    fs::create_dir(scratch.log.path()).unwrap();
    assert!(matches!(scratch.log.ready(), Err(AuditError::Open { .. })));
    fs::remove_dir(scratch.log.path()).unwrap();

    let nowhere = AuditLog::at(&scratch.path().join("nowhere/audit.log"));
    assert!(nowhere.ready().is_err());
}

// With `chattr +a`, or with anybody who only adds: no byte that was written is ever written again.
#[test]
fn the_file_only_grows() {
    let scratch = Scratch::new();
    let mut before = Vec::new();
    for number in 0..5 {
        scratch.add(&number.to_string());
        let bytes = scratch.bytes();
        assert!(bytes.starts_with(&before));
        before = bytes;
    }
}

#[test]
fn a_file_that_was_put_away_is_continued() {
    let scratch = Scratch::with(3);
    let old = scratch.path().join("audit.log.1");
    fs::rename(scratch.log.path(), &old).unwrap();
    scratch.add("4");
    assert_eq!(scratch.objects(), ["4"]);
    let found = scratch.log.verify(&[old], &[]).unwrap();
    assert!(found.holds(), "{found:?}");
    assert_eq!(
        found.entries, 5,
        "four changes, and the note that lines are elsewhere"
    );
    assert_eq!(
        scratch.problems(),
        [(1, Reason::Missing { first: 1, last: 3 })]
    );
}

// A pipe that nobody writes to, or reads from, would be waited for without end.
#[test]
fn a_pipe_is_not_waited_for() {
    let pipe = |path: &Path| {
        let _ = fs::remove_file(path);
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).unwrap();
    };
    let scratch = Scratch::with(2);
    let old = scratch.path().join("old");
    pipe(&old);
    let error = scratch.log.verify(&[old], &[]).unwrap_err();
    assert!(error.hint().contains("move it away"), "{error:?}");
    pipe(&scratch.path().join("audit.head"));
    assert_eq!(scratch.problems(), [(3, Reason::NoHead)]);
    scratch.add("3");
    assert_eq!(scratch.problems(), []);

    pipe(scratch.log.path());
    let log = &scratch.log;
    for error in [
        log.ready(),
        log.append(&event("x"), UnixSeconds(1)).map(drop),
        log.entries().map(drop),
        log.head().map(drop),
        log.recent(100).map(drop),
        log.verify(&[], &[]).map(drop),
    ] {
        let error = error.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "it is no regular file", "{error:?}");
    }
}
