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
        let files = crate::content::Files::below(&[self.root()]).unwrap();
        files
            .map(Result::unwrap)
            .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
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
            matches!(refused, Err(RekeyError::Custody { .. })),
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
    let mut journal = Journal {
        stage: Stage::Preparing,
        changes: plan.changes().unwrap(),
    };
    plan.prepare(&mut journal, content.keys(), &content.backup(), &mut |_| {})
        .unwrap();
    for change in journal.changes.iter().take(replaced) {
        rewrite::replace(change, &content.backup()).unwrap();
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
    fs::set_permissions(content.backup(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(content.apply(), Err(RekeyError::Custody { .. })));
    fs::set_permissions(content.backup(), fs::Permissions::from_mode(0o700)).unwrap();
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

#[test]
fn what_somebody_edited_meanwhile_is_never_overwritten() {
    // While the successors were written.
    let content = Content::new();
    content.fill();
    let plan = content.plan();
    let mut edited = false;
    let refused = plan.apply(content.keys(), &content.backup(), &mut |_| {
        // The first file is prepared by then.
        if !std::mem::replace(&mut edited, true) {
            return;
        }
        content.write("apps/.content.xml", "edited");
    });
    assert!(
        matches!(refused, Err(RekeyError::Changed(_))),
        "{refused:?}"
    );
    assert_eq!(
        fs::read_to_string(content.root().join("apps/.content.xml")).unwrap(),
        "edited"
    );
    assert_eq!(
        (content.leftovers(), content.plan().count(Fit::New)),
        (0, 0)
    );

    // Between a crash and what completes it, or takes it back.
    for complete in [finish, undo] {
        let content = Content::new();
        content.fill();
        stopped_after(&content, 1);
        let path = content.write("apps/system/config/mail.config", "edited");
        let done = complete(&content.backup()).unwrap();
        assert_eq!(done.left_alone, [path.canonicalize().unwrap()]);
        assert_eq!(done.files, 2);
        assert_eq!(fs::read_to_string(path).unwrap(), "edited");
        assert_eq!(content.leftovers(), 0);
    }
}

#[test]
fn the_way_back_keeps_edits_and_brings_removed_files_back() {
    let content = Content::new();
    content.fill();
    let before = content.everything();
    content.apply().unwrap();
    let edited = content.write("apps/.content.xml", "edited");
    let removed = content.root().join("apps/ims.cfg.json");
    fs::remove_file(&removed).unwrap();
    for _ in 0..2 {
        let done = undo(&content.backup()).unwrap();
        assert_eq!(done.left_alone, [edited.canonicalize().unwrap()]);
        assert_eq!(fs::read_to_string(&edited).unwrap(), "edited");
    }
    let ims = before
        .iter()
        .find(|(path, _)| path.ends_with("ims.cfg.json"))
        .unwrap();
    assert_eq!(fs::read_to_string(&removed).unwrap(), ims.1);
    assert_eq!(
        fs::metadata(&removed).unwrap().permissions().mode() & 0o777,
        0o640
    );
    let again = content.write("apps/ims.cfg.json", "edited later");
    assert_eq!(undo(&content.backup()).unwrap().left_alone.len(), 2);
    assert_eq!(fs::read_to_string(again).unwrap(), "edited later");
}

#[test]
fn a_journal_that_others_could_have_written_is_not_believed() {
    let content = Content::new();
    content.fill();
    let victim = content.scratch.path().join("victim");
    fs::write(&victim, "mine").unwrap();
    let plant = |mode: u32, change: &str| {
        let _ = fs::remove_dir_all(content.backup());
        fs::create_dir(content.backup()).unwrap();
        let journal = content.backup().join("journal.json");
        fs::write(&journal, change).unwrap();
        fs::set_permissions(&journal, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(content.backup(), fs::Permissions::from_mode(mode)).unwrap();
    };
    let target = victim.display();
    let stamp = r#"{"device":1,"inode":1,"length":1,"modified":[0,0]}"#;
    let dress = r#"{"owner":0,"group":0,"mode":420}"#;
    for (path, fresh, kept) in [
        ("/x", victim.to_str().unwrap(), "000000"),
        ("/x", "/.signet-rekey-0123456789abcdef", "../../victim"),
        ("/a/../x", "/a/../.signet-rekey-0123456789abcdef", "000000"),
    ] {
        let change = format!(
            r#"{{"stage":"preparing","changes":[{{"path":"{path}","fresh":"{fresh}","kept":"{kept}","values":1,"old":{stamp},"new":null,"dress":{dress}}}]}}"#
        );
        plant(0o700, &change);
        assert!(
            matches!(content.apply(), Err(RekeyError::Journal(_))),
            "{fresh}"
        );
        plant(0o777, &change);
        assert!(
            matches!(content.apply(), Err(RekeyError::Custody { .. })),
            "{target}"
        );
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
}
