//! Backups that somebody else made, or changed.

use super::*;

fn plant(installation: &Installation, mode: u32, text: &str) -> PathBuf {
    let backup = installation.root().join(BACKUP);
    let _ = fs::remove_dir_all(&backup);
    fs::create_dir(&backup).unwrap();
    let journal = backup.join("journal.json");
    fs::write(&journal, text).unwrap();
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&backup, fs::Permissions::from_mode(mode)).unwrap();
    backup
}

/// The journal of an operation that has kept everything.
fn genuine(installation: &Installation) -> String {
    open(installation)
        .keep(&fetched(), &mut Listener::default())
        .unwrap();
    fs::read_to_string(installation.root().join(BACKUP).join("journal.json")).unwrap()
}

#[test]
fn a_journal_that_others_could_have_written_is_not_believed() {
    let installation = Installation::upgraded();
    let text = genuine(&installation);
    for mode in [0o755, 0o770, 0o702] {
        plant(&installation, mode, &text);
        let refused = Relocation::open(&installation.root(), None);
        assert!(
            matches!(refused, Err(RelocationError::Custody { .. })),
            "{mode:o}: {refused:?}"
        );
    }
    let backup = plant(&installation, 0o700, &text);
    let journal = backup.join("journal.json");
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o620)).unwrap();
    assert!(Relocation::open(&installation.root(), None).is_err());
    fs::rename(&journal, installation.root().join("elsewhere")).unwrap();
    symlink(installation.root().join("elsewhere"), &journal).unwrap();
    assert!(Relocation::open(&installation.root(), None).is_err());
    fs::remove_dir_all(&backup).unwrap();
    symlink("/tmp", &backup).unwrap();
    assert!(Relocation::open(&installation.root(), None).is_err());
}

#[test]
fn a_journal_that_is_none_is_named() {
    let installation = Installation::upgraded();
    let text = genuine(&installation);
    for bad in [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        text[..text.len() / 2].to_owned(),
        text.replace("\"version\": 1", "\"version\": 2"),
        text.replace("\"kept\"", "\"stolen\""),
        text.replacen('{', "{\"more\": 1,", 1),
    ] {
        plant(&installation, 0o700, &bad);
        let refused = Relocation::open(&installation.root(), None);
        assert!(
            matches!(refused, Err(RelocationError::Journal(_))),
            "{bad}: {refused:?}"
        );
    }
}

#[test]
fn a_journal_of_another_installation_is_refused() {
    let (one, other) = (Installation::upgraded(), Installation::upgraded());
    let text = genuine(&one);
    plant(&other, 0o700, &text);
    let refused = Relocation::open(&other.root(), None);
    assert!(
        matches!(refused, Err(RelocationError::AnotherBackup { .. })),
        "{refused:?}"
    );
    // The bundle was installed anew meanwhile: its data folder is another one.
    let from = one.felix().join("bundle25");
    fs::rename(from, one.felix().join("bundle99")).unwrap();
    let info = "99\nlaunchpad:resources/install/0/com.adobe.granite.crypto.file-0.0.16.jar\n32\n20\n1767225600000\n0\n";
    one.write("bundle99/bundle.info", info.as_bytes());
    let refused = Relocation::open(&one.root(), None).unwrap_err().to_string();
    assert!(
        refused.contains("bundle 25 then, and is bundle 99 now"),
        "{refused}"
    );
}

#[test]
fn a_backup_that_was_changed_writes_nothing() {
    for (name, content) in [
        ("hmac", &[0xa5; 32][..]),
        ("master", &[0xa5; 16]),
        ("storage.before", b"Bundle"),
    ] {
        let installation = Installation::upgraded();
        genuine(&installation);
        let before = files(&installation);
        let path = installation.root().join(BACKUP).join(name);
        fs::write(&path, content).unwrap();
        let refused = open(&installation).switch(&mut Listener::default());
        assert!(
            matches!(&refused, Err(RelocationError::BackupDamaged(damaged)) if damaged.ends_with(name)),
            "{refused:?}"
        );
        fs::remove_file(&path).unwrap();
        let refused = open(&installation).switch(&mut Listener::default());
        assert!(matches!(refused, Err(RelocationError::BackupDamaged(_))));
        symlink(installation.felix().join("bundle20/bundle.info"), &path).unwrap();
        let refused = open(&installation).switch(&mut Listener::default());
        assert!(matches!(refused, Err(RelocationError::Custody { .. })));
        assert_eq!(files(&installation), before);
    }
}

#[test]
fn another_directory_is_no_backup() {
    let installation = Installation::upgraded();
    let backup = plant(&installation, 0o700, "");
    fs::remove_file(backup.join("journal.json")).unwrap();
    fs::write(backup.join("letters.txt"), "dear").unwrap();
    let refused = open(&installation).keep(&fetched(), &mut Listener::default());
    assert!(
        matches!(refused, Err(RelocationError::Foreign(_))),
        "{refused:?}"
    );
    assert_eq!(fs::read_dir(&backup).unwrap().count(), 1);
}

#[test]
fn what_stands_in_the_way_of_a_successor_is_not_followed() {
    let installation = Installation::upgraded();
    let victim = installation.root().join("victim");
    fs::write(&victim, "mine").unwrap();
    for name in [
        "bundle25/data/.signet-relocation-hmac",
        "bundle20/data/.signet-relocation-storage",
    ] {
        symlink(&victim, installation.felix().join(name)).unwrap();
    }
    relocate(&installation);
    assert_eq!(fs::read(&victim).unwrap(), b"mine");
    assert_eq!(files(&installation), moved());
}

// K2
#[test]
fn no_backup_is_made_in_a_git_work_tree() {
    let installation = Installation::upgraded();
    fs::create_dir(installation.root().join(".git")).unwrap();
    let refused = open(&installation).keep(&fetched(), &mut Listener::default());
    assert!(
        matches!(refused, Err(RelocationError::Place(_))),
        "{refused:?}"
    );
    assert!(!installation.root().join(BACKUP).exists());
}
