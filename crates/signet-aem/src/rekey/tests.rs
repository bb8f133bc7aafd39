use std::os::unix::fs::PermissionsExt;

use signet_core::UnixSeconds;
use signet_secret::GraniteValue;
use zeroize::Zeroizing;

use super::journal::{Change, Journal, Stage};
use super::*;

fn key(byte: u8) -> GraniteKey {
    GraniteKey::new(Zeroizing::new([byte; 16]), UnixSeconds(0))
}

struct Content {
    scratch: tempfile::TempDir,
    old: GraniteKey,
    new: GraniteKey,
}

impl Content {
    fn new() -> Self {
        let content = Self {
            scratch: tempfile::tempdir().unwrap(),
            old: key(1),
            new: key(2),
        };
        fs::create_dir_all(content.root().join("apps/system/config")).unwrap();
        content
    }

    fn root(&self) -> PathBuf {
        self.scratch.path().join("content")
    }

    fn backup(&self) -> PathBuf {
        self.scratch.path().join("backup")
    }

    fn keys(&self) -> Keys<'_> {
        Keys {
            old: &self.old,
            new: &self.new,
        }
    }

    fn sealed(&self, text: &str) -> String {
        GraniteValue::protect(&self.old, text).unwrap().to_string()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// An installation's content: three files with values, one with look-alikes only.
    fn fill(&self) {
        let escaped = self.sealed("mail").replace('{', "\\{").replace('}', "\\}");
        self.write(
            "apps/system/config/mail.config",
            &format!(
                "smtp.host=\"localhost\"\nsmtp.password=\"{}\"\n",
                self.sealed("p\u{e4}ss")
            ),
        );
        self.write(
            "apps/.content.xml",
            &format!("<jcr:root a=\"{escaped}\" b=\"{escaped}\" c=\"{{String}}x\"/>"),
        );
        self.write(
            "apps/ims.cfg.json",
            &format!("{{\"secret\": \"{}\"}}", self.sealed(&"long ".repeat(30))),
        );
        self.write("apps/none.json", "{\"hash\": \"{SHA-256}00112233\"}");
        fs::set_permissions(
            self.root().join("apps/ims.cfg.json"),
            fs::Permissions::from_mode(0o640),
        )
        .unwrap();
    }

    fn plan(&self) -> Plan {
        Plan::make(&[self.root()], self.keys(), &mut |_| {}).unwrap()
    }

    fn apply(&self) -> Result<Rekeyed, RekeyError> {
        self.plan().apply(self.keys(), &self.backup(), &mut |_| {})
    }

    fn everything(&self) -> Vec<(PathBuf, String)> {
        let files = crate::content::files(&[self.root()]).unwrap();
        files
            .into_iter()
            .map(|(path, _)| (path.clone(), fs::read_to_string(path).unwrap()))
            .collect()
    }

    /// What is left beside the files that was not there before.
    fn leftovers(&self) -> usize {
        let mut waiting = vec![self.root()];
        let mut count = 0;
        while let Some(directory) = waiting.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    waiting.push(entry.path());
                }
                count += usize::from(entry.file_name().to_string_lossy().starts_with(".signet-"));
            }
        }
        count
    }
}

#[test]
fn values_are_sealed_anew_and_nothing_else_changes() {
    let content = Content::new();
    content.fill();
    let before = content.everything();
    let plan = content.plan();
    assert_eq!(
        (plan.read, plan.count(Fit::Old), plan.files.len()),
        (4, 4, 3)
    );
    let done = content.apply().unwrap();
    assert_eq!((done.files, done.values), (3, 4));

    let after = content.plan();
    assert_eq!((after.count(Fit::Old), after.count(Fit::New)), (0, 4));
    for ((path, was), (_, is)) in before.iter().zip(content.everything()) {
        assert_eq!(was.len(), is.len(), "{}", path.display());
        let digits = |text: &str| {
            text.chars()
                .filter(|c| !c.is_ascii_hexdigit())
                .collect::<String>()
        };
        assert_eq!(digits(was), digits(&is));
    }
    let mode = |name: &str| {
        fs::metadata(content.root().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("apps/ims.cfg.json"), 0o640);
    assert_eq!(content.leftovers(), 0);
    assert_eq!(
        fs::metadata(content.backup()).unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[test]
fn the_way_back_leads_to_the_same_bytes() {
    let content = Content::new();
    content.fill();
    let before = content.everything();
    content.apply().unwrap();
    assert_ne!(content.everything(), before);
    undo(&content.backup()).unwrap();
    assert_eq!(content.everything(), before);
    undo(&content.backup()).unwrap();
    assert_eq!(content.everything(), before);
    assert!(matches!(content.apply(), Err(RekeyError::Used(_))));
}

#[test]
fn values_of_others_are_told_and_left_alone() {
    let content = Content::new();
    content.fill();
    let foreign = GraniteValue::protect(&key(3), "foreign").unwrap();
    let path = content.write("apps/foreign.config", &format!("\na=\"{foreign}\"\n"));
    let plan = content.plan();
    let file = plan
        .files
        .iter()
        .find(|file| file.path.ends_with("apps/foreign.config"))
        .unwrap();
    assert_eq!(file.values[0].fit, Fit::Neither);
    assert_eq!(file.values[0].line, 2);
    content.apply().unwrap();
    assert!(
        fs::read_to_string(path)
            .unwrap()
            .contains(&foreign.to_string())
    );
}

#[test]
fn a_file_that_changes_meanwhile_stops_all() {
    let content = Content::new();
    content.fill();
    let plan = content.plan();
    content.write("apps/system/config/mail.config", "smtp.password=\"new\"\n");
    let before = content.everything();
    let refused = plan.apply(content.keys(), &content.backup(), &mut |_| {});
    assert!(
        matches!(refused, Err(RekeyError::Changed(_))),
        "{refused:?}"
    );
    assert_eq!(content.everything(), before);
    assert_eq!(content.leftovers(), 0);
    assert_eq!(left(&content.backup()).unwrap(), Left::Nothing);
    content.apply().unwrap();
}

#[test]
fn what_cannot_be_written_stops_all() {
    if rustix::process::geteuid().is_root() {
        // Permissions stop nobody here: a backup within a file does.
        let content = Content::new();
        content.fill();
        let before = content.everything();
        let blocked = content.write("apps/none.json", "{}").join("backup");
        let plan = content.plan();
        let refused = plan.apply(content.keys(), &blocked, &mut |_| {});
        assert!(
            matches!(
                refused,
                Err(RekeyError::Read { .. } | RekeyError::Write { .. })
            ),
            "{refused:?}"
        );
        assert_eq!(content.leftovers(), 0);
        assert_eq!(content.everything().len(), before.len());
    } else {
        let content = Content::new();
        content.fill();
        let directory = content.root().join("apps/system/config");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o500)).unwrap();
        let before = content.everything();
        let refused = content.apply();
        assert!(
            matches!(refused, Err(RekeyError::Write { .. })),
            "{refused:?}"
        );
        assert_eq!(content.everything(), before);
        assert_eq!(content.leftovers(), 0);
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
    }
}

/// An operation that stops after so many files were replaced.
fn stopped_after(content: &Content, replaced: usize) -> Vec<(PathBuf, String)> {
    let before = content.everything();
    let plan = content.plan();
    journal::make_directory(&content.backup()).unwrap();
    let journal = Journal {
        stage: Stage::Replacing,
        changes: plan.changes().unwrap(),
    };
    for (file, change) in plan.changing().zip(&journal.changes) {
        rewrite::prepare(file, change, content.keys(), &content.backup(), &mut |_| {}).unwrap();
    }
    journal.write(&content.backup()).unwrap();
    for change in journal.changes.iter().take(replaced) {
        rewrite::replace(change).unwrap();
    }
    before
}

#[test]
fn what_was_cut_short_is_completed_or_taken_back() {
    for replaced in 0..=3 {
        let content = Content::new();
        content.fill();
        stopped_after(&content, replaced);
        assert!(matches!(content.apply(), Err(RekeyError::Halfway(_))));
        assert_eq!(finish(&content.backup()).unwrap().values, 4);
        assert_eq!(content.plan().count(Fit::New), 4);
        assert_eq!(content.leftovers(), 0);
        assert!(matches!(
            finish(&content.backup()),
            Err(RekeyError::NothingToFinish(_))
        ));

        let content = Content::new();
        content.fill();
        let before = stopped_after(&content, replaced);
        undo(&content.backup()).unwrap();
        assert_eq!(content.everything(), before);
        assert_eq!(content.leftovers(), 0);
    }
}

#[test]
fn what_was_only_prepared_is_cleared_away() {
    let content = Content::new();
    content.fill();
    let before = stopped_after(&content, 0);
    let mut journal = Journal::read(&content.backup()).unwrap().unwrap();
    journal.stage = Stage::Preparing;
    journal.write(&content.backup()).unwrap();
    assert_eq!(content.leftovers(), 3);
    assert_eq!(content.everything(), before);
    content.apply().unwrap();
    assert_eq!(content.leftovers(), 0);
    assert_eq!(content.plan().count(Fit::New), 4);
}

#[test]
fn half_of_a_file_that_is_put_back_is_never_taken_for_a_new_one() {
    let content = Content::new();
    content.fill();
    let before = stopped_after(&content, 1);
    let mut journal = Journal::read(&content.backup()).unwrap().unwrap();
    journal.stage = Stage::PuttingBack;
    journal.write(&content.backup()).unwrap();
    let Change { fresh, .. } = &journal.changes[0];
    fs::write(fresh, "half").unwrap();
    finish(&content.backup()).unwrap();
    assert_eq!(content.everything(), before);
}

#[test]
fn another_directory_is_no_backup() {
    let content = Content::new();
    content.fill();
    fs::create_dir(content.backup()).unwrap();
    fs::write(content.backup().join("letters.txt"), "dear").unwrap();
    assert!(matches!(content.apply(), Err(RekeyError::Foreign(_))));
    assert!(matches!(
        undo(&content.backup()),
        Err(RekeyError::Foreign(_))
    ));
    let none = content.scratch.path().join("none");
    assert!(matches!(undo(&none), Err(RekeyError::NoBackup(_))));
    let keys = Keys {
        old: &content.old,
        new: &content.old,
    };
    let same = Plan::make(&[content.root()], keys, &mut |_| {});
    assert!(matches!(same, Err(RekeyError::SameKey)));
}
