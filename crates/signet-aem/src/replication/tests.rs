use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::atomic::{AtomicUsize, Ordering};

use signet_core::UnixSeconds;
use signet_keys::granite::GraniteKey;
use signet_secret::GraniteValue;
use zeroize::Zeroizing;

use super::journal::{Journal, Stage};
use super::*;
use crate::disk::{Disk, Os};
use crate::dress::Dress;
use crate::felix::CRYPTO_FILE;
use crate::inspection::tests::{Installation, RAW_HMAC, RAW_MASTER};
use crate::{KeyName, KeyReadError};

/// Bytes that are no text.
fn bits<const N: usize>(seed: u8) -> [u8; N] {
    core::array::from_fn(|place| seed.wrapping_add(u8::try_from(place * 7).unwrap()) | 0x80)
}

/// An installation with keys of its own, under other numbers of bundles than the source.
fn publish(seed: u8) -> Installation {
    let installation = Installation::empty();
    installation.bundle(31, crate::felix::CRYPTO, "3.0.22");
    installation.bundle(37, CRYPTO_FILE, "0.0.16");
    installation.write("bundle31/data/storage", b"Bundle");
    installation.write("bundle37/data/hmac", &bits::<32>(seed));
    installation.write("bundle37/data/master", &bits::<16>(seed));
    installation
}

fn source(installation: &Installation) -> Source {
    Source::installation(&installation.root(), Choice::Both).unwrap()
}

fn plan(source: &Source, targets: &[&Installation]) -> Result<Plan, ReplicationError> {
    let folders: Vec<_> = targets.iter().map(|target| target.root()).collect();
    Plan::make(source, &folders, &[], &mut |_| {})
}

fn apply(source: &Source, target: &Installation) -> Result<Replicated, ReplicationError> {
    plan(source, &[target])?.targets[0].apply(source, Ground::Stopped)
}

fn key(target: &Installation, name: &str) -> Vec<u8> {
    fs::read(target.felix().join("bundle37/data").join(name)).unwrap()
}

/// What is in the data folder of the keys, by name.
fn names(target: &Installation) -> Vec<String> {
    let entries = fs::read_dir(target.felix().join("bundle37/data")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn backup(target: &Installation) -> PathBuf {
    target.root().join("signet-replication")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn has_source_keys(target: &Installation) -> bool {
    key(target, "hmac") == RAW_HMAC && key(target, "master") == RAW_MASTER
}

fn has_own_keys(target: &Installation, seed: u8) -> bool {
    key(target, "hmac") == bits::<32>(seed) && key(target, "master") == bits::<16>(seed)
}

#[test]
fn a_backup_is_found_whichever_folder_of_the_installation_is_named() {
    let (author, target) = (Installation::fresh(), publish(3));
    let above = target.root().parent().unwrap().to_owned();
    let plan = Plan::make(&source(&author), &[above], &[], &mut |_| {}).unwrap();
    plan.targets[0]
        .apply(&source(&author), Ground::Stopped)
        .unwrap();
    let undo = Undo::find(&target.root()).unwrap();
    assert_eq!(undo.keys, KeyName::ALL);
    undo.apply(Ground::Stopped).unwrap();
    assert!(has_own_keys(&target, 3));
}

#[test]
fn both_keys_arrive_with_a_backup_and_the_modes_of_before() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    let hmac = target.felix().join("bundle37/data/hmac");
    fs::set_permissions(&hmac, fs::Permissions::from_mode(0o640)).unwrap();
    let plan = plan(&source, &[&target]).unwrap();
    assert!(!plan.is_done() && !plan.is_harmless());
    assert!(plan.targets[0].replaces_master());
    let done = plan.targets[0].apply(&source, Ground::Stopped).unwrap();
    assert_eq!(done.keys, [KeyName::Hmac, KeyName::Master]);
    assert!(has_source_keys(&target) && !done.storage);
    assert_eq!(mode(&hmac), 0o640);
    assert_eq!(mode(&target.felix().join("bundle37/data/master")), 0o600);
    assert_eq!(names(&target), ["hmac", "master"]);

    let kept = done.backup.unwrap();
    assert_eq!(kept, backup(&target).canonicalize().unwrap());
    assert_eq!(mode(&kept), 0o700);
    assert_eq!(fs::read(kept.join("hmac")).unwrap(), bits::<32>(1));
    assert_eq!(mode(&kept.join("hmac")), 0o600);
    assert_eq!(mode(&kept.join("journal.json")), 0o600);
    // The source is as it was.
    assert_eq!(author.inspect().findings, []);
}

#[test]
fn who_has_the_keys_already_is_left_alone() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    apply(&source, &target).unwrap();
    let file = target.felix().join("bundle37/data/hmac");
    let before = fs::metadata(&file).unwrap().ino();
    let plan = plan(&source, &[&target]).unwrap();
    assert!(plan.is_done() && plan.is_harmless());
    let done = plan.targets[0].apply(&source, Ground::Stopped).unwrap();
    assert_eq!((done.keys.len(), done.backup), (0, None));
    assert_eq!(fs::metadata(&file).unwrap().ino(), before);
}

#[test]
fn hmac_alone_breaks_nothing() {
    let author = Installation::fresh();
    let target = publish(1);
    let source = Source::installation(&author.root(), Choice::Only(KeyName::Hmac)).unwrap();
    let plan = plan(&source, &[&target]).unwrap();
    assert!(plan.is_harmless());
    plan.targets[0].apply(&source, Ground::Stopped).unwrap();
    assert_eq!(key(&target, "hmac"), RAW_HMAC);
    assert_eq!(key(&target, "master"), bits::<16>(1));
}

#[test]
fn all_are_checked_before_the_first_is_changed() {
    let author = Installation::fresh();
    let source = source(&author);
    let (good, jcr) = (publish(1), Installation::upgraded());
    let refused = plan(&source, &[&good, &jcr]).unwrap_err();
    assert!(matches!(&refused, ReplicationError::InRepository { folder } if *folder == jcr.root()));
    assert!(refused.hint().contains("signet aem relocate"));
    assert!(has_own_keys(&good, 1) && !backup(&good).exists());

    for targets in [[&good, &good], [&good, &author]] {
        let refused = plan(&source, &targets).unwrap_err();
        assert!(
            matches!(refused, ReplicationError::Same { .. }),
            "{refused:?}"
        );
    }
    // The same one by another name.
    let above = good.root().parent().unwrap().to_owned();
    let refused = Plan::make(&source, &[good.root(), above], &[], &mut |_| {}).unwrap_err();
    assert!(matches!(refused, ReplicationError::Same { .. }));
}

#[test]
fn a_source_without_keys_gives_none() {
    let from = |installation: &Installation| {
        Source::installation(&installation.root(), Choice::Both).unwrap_err()
    };
    assert!(matches!(
        from(&Installation::upgraded()),
        ReplicationError::InRepository { .. }
    ));
    let installation = Installation::fresh();
    for (content, words) in [
        (&b"<html>"[..], "text of 6 bytes"),
        (b"", "is empty"),
        (&[0xa5; 17], "17 bytes"),
    ] {
        installation.write("bundle25/data/master", content);
        let ReplicationError::Key { source, path } = from(&installation) else {
            panic!("{words}");
        };
        assert!(path.ends_with("bundle25/data/master"));
        assert!(source.to_string().contains(words), "{source}");
    }
    fs::remove_file(installation.felix().join("bundle25/data/master")).unwrap();
    symlink("hmac", installation.felix().join("bundle25/data/master")).unwrap();
    assert!(matches!(
        from(&installation),
        ReplicationError::Key {
            source: KeyReadError::Unreadable(_),
            ..
        }
    ));
    fs::remove_file(installation.felix().join("bundle25/data/master")).unwrap();
    assert!(matches!(
        from(&installation),
        ReplicationError::Key {
            source: KeyReadError::Absent,
            ..
        }
    ));
    installation.write("bundle20/data/storage", b"Bundel");
    assert!(matches!(
        from(&installation),
        ReplicationError::Place { .. }
    ));
}

#[test]
fn a_place_that_is_not_in_order_is_refused() {
    let author = Installation::fresh();
    let source = source(&author);
    let refused = |target: &Installation| plan(&source, &[target]).unwrap_err();

    let target = publish(1);
    for storage in [&b"Bundle\n"[..], b"bundle", b""] {
        target.write("bundle31/data/storage", storage);
        let error = refused(&target);
        let ReplicationError::Place { fault, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(matches!(fault, PlaceFault::Storage(_)), "{fault:?}");
        assert!(error.hint().contains("signet aem inspect"));
    }

    let target = publish(1);
    fs::remove_dir_all(target.felix().join("bundle37")).unwrap();
    assert!(
        refused(&target)
            .to_string()
            .contains("com.adobe.granite.crypto.file")
    );

    let target = publish(1);
    let data = target.felix().join("bundle37/data");
    fs::remove_dir_all(&data).unwrap();
    symlink(target.root(), &data).unwrap();
    assert!(refused(&target).to_string().contains("is a symbolic link"));

    let target = publish(1);
    let hmac = target.felix().join("bundle37/data/hmac");
    fs::remove_file(&hmac).unwrap();
    symlink("/etc/hostname", &hmac).unwrap();
    assert!(matches!(refused(&target), ReplicationError::Read { .. }));
    assert!(hmac.is_symlink());
}

#[test]
fn keys_go_where_the_property_says() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    let place = target.root().join("keys");
    let named = format!("com.adobe.granite.crypto.keys.path={}\n", place.display());
    target.write("../../conf/sling.properties", named.as_bytes());
    let error = plan(&source, &[&target]).unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    apply(&source, &target).unwrap();
    assert_eq!(fs::read(place.join("hmac")).unwrap(), RAW_HMAC);
    assert_eq!(mode(&place.join("hmac")), 0o640);
    assert!(has_own_keys(&target, 1));
    // And they come from there, too.
    let third = publish(3);
    apply(
        &super::Source::installation(&target.root(), Choice::Both).unwrap(),
        &third,
    )
    .unwrap();
    assert!(has_source_keys(&third));
}

#[test]
fn an_installation_that_never_started_gets_storage_too_and_last() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    fs::remove_dir_all(target.felix().join("bundle31/data")).unwrap();
    fs::remove_dir_all(target.felix().join("bundle37/data")).unwrap();
    let plan = plan(&source, &[&target]).unwrap();
    // No key was there, so nothing can have been sealed with another.
    assert!(plan.is_harmless() && plan.targets[0].writes_storage);
    let done = plan.targets[0].apply(&source, Ground::Stopped).unwrap();
    assert!(has_source_keys(&target) && done.storage);
    let storage = target.felix().join("bundle31/data/storage");
    assert_eq!(fs::read(&storage).unwrap(), b"Bundle");
    assert_eq!(mode(storage.parent().unwrap()) & 0o007, 0);
    assert_eq!(fs::read_dir(storage.parent().unwrap()).unwrap().count(), 1);

    // The way back takes both away again.
    let undone = Undo::find(&target.root()).unwrap();
    undone.apply(Ground::Stopped).unwrap();
    assert!(!storage.exists());
    assert_eq!(names(&target), [""; 0]);
}

#[test]
fn aem_must_not_run_unless_that_is_meant() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    target.write("cache.lock", b"");
    let file = fs::File::options()
        .write(true)
        .open(target.felix().join("cache.lock"))
        .unwrap();
    rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let plan = plan(&source, &[&target]).unwrap();
    let refused = plan.targets[0].apply(&source, Ground::Stopped).unwrap_err();
    let process = std::process::id();
    assert!(
        matches!(refused, ReplicationError::Running { process: found, .. } if found == process)
    );
    assert!(has_own_keys(&target, 1) && !backup(&target).exists());
    plan.targets[0].apply(&source, Ground::Running).unwrap();
    assert!(has_source_keys(&target));
    let undo = Undo::find(&target.root()).unwrap();
    assert!(matches!(
        undo.apply(Ground::Stopped),
        Err(ReplicationError::Running { .. })
    ));
}

#[test]
fn one_command_at_a_time() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    let held = backup::hold(&target.felix().join("bundle37/data")).unwrap();
    assert!(matches!(
        apply(&source, &target),
        Err(ReplicationError::Busy(_))
    ));
    drop(held);
    apply(&source, &target).unwrap();
}

#[test]
fn a_key_that_changes_meanwhile_is_not_overwritten() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    let plan = plan(&source, &[&target]).unwrap();
    target.write("bundle37/data/master", &bits::<16>(9));
    let refused = plan.targets[0].apply(&source, Ground::Stopped).unwrap_err();
    assert!(
        matches!(&refused, ReplicationError::Changed(path) if path.ends_with("master")),
        "{refused:?}"
    );
    assert_eq!(key(&target, "hmac"), bits::<32>(1));
    assert_eq!(key(&target, "master"), bits::<16>(9));
    assert_eq!(names(&target), ["hmac", "master"]);
}

/// A run that was cut short after so many keys had taken their places.
fn cut_short(source: &Source, target: &Installation, replaced: usize) {
    apply(source, target).unwrap();
    let backup = backup(target);
    let mut journal = Journal::read(&backup).unwrap().unwrap();
    journal.advance(&Os, Stage::Replacing, &backup).unwrap();
    for (place, change) in journal.changes.iter().enumerate() {
        if place >= replaced {
            let data = target.felix().join("bundle37/data");
            let path = change.path(&data);
            fs::rename(&path, data.join(&change.fresh)).unwrap();
            fs::copy(backup.join(change.name.as_str()), &path).unwrap();
        }
    }
}

#[test]
fn what_was_cut_short_is_completed_by_the_same_command() {
    for replaced in 0..=2 {
        let author = Installation::fresh();
        let source = source(&author);
        let target = publish(1);
        cut_short(&source, &target, replaced);
        let before = plan(&source, &[&target]).unwrap();
        assert!(before.targets[0].unfinished && !before.is_done());
        // Somebody tidied up the successors.
        for name in names(&target)
            .iter()
            .filter(|name| name.starts_with('.'))
            .take(1)
        {
            fs::remove_file(target.felix().join("bundle37/data").join(name)).unwrap();
        }
        apply(&source, &target).unwrap();
        assert!(has_source_keys(&target));
        assert_eq!(names(&target), ["hmac", "master"]);
        assert!(plan(&source, &[&target]).unwrap().is_done());
        // The backup is that of the first run.
        assert_eq!(
            fs::read(backup(&target).join("hmac")).unwrap(),
            bits::<32>(1)
        );
        assert!(!target.root().join("signet-replication-1").exists());
    }
}

#[test]
fn what_was_cut_short_is_found_by_another_name_of_the_folder() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    cut_short(&source, &target, 1);
    let above = target.root().parent().unwrap().to_owned();
    for folder in [above, target.felix()] {
        let plan = Plan::make(&source, &[folder], &[], &mut |_| {}).unwrap();
        assert!(plan.targets[0].unfinished);
        assert_eq!(
            plan.targets[0].backup,
            backup(&target).canonicalize().unwrap()
        );
    }
}

#[test]
fn what_was_left_is_found_by_an_inspection() {
    let author = Installation::fresh();
    let target = publish(1);
    assert_eq!(target.codes(), [""; 0]);
    cut_short(&source(&author), &target, 1);
    assert_eq!(target.codes(), ["REPLICATION_UNFINISHED"]);
    let remedy = target.inspect().findings.remove(0).remedy;
    assert!(remedy.contains("--undo"), "{remedy}");
    apply(&source(&author), &target).unwrap();
    assert_eq!(target.codes(), ["BACKUP_WITH_KEYS"]);
    fs::write(backup(&target).join("journal.json"), "{}").unwrap();
    assert_eq!(target.codes(), ["BACKUP_UNKNOWN"]);
    // An empty one is nothing, as after a disk that was full.
    super::backup::make(&Os, &backup(&author)).unwrap();
    assert_eq!(author.codes(), [""; 0]);
}

#[test]
fn other_keys_do_not_complete_it() {
    let author = Installation::fresh();
    let target = publish(1);
    cut_short(&source(&author), &target, 1);
    let other = publish(5);
    let refused = plan(&source(&other), &[&target]).unwrap_err();
    assert!(
        matches!(refused, ReplicationError::Halfway { .. }),
        "{refused:?}"
    );
    assert!(refused.hint().contains("--undo"));
    // One of the two keys alone would leave the other behind.
    let only = Source::installation(&author.root(), Choice::Only(KeyName::Hmac)).unwrap();
    assert!(matches!(
        plan(&only, &[&target]),
        Err(ReplicationError::Halfway { .. })
    ));
}

#[test]
fn more_keys_complete_it_and_go_on() {
    let author = Installation::fresh();
    let target = publish(1);
    let only = Source::installation(&author.root(), Choice::Only(KeyName::Hmac)).unwrap();
    cut_short(&only, &target, 0);
    apply(&source(&author), &target).unwrap();
    assert!(has_source_keys(&target));
    // Both old keys are kept: that of the run that was cut short, and that of this one.
    let first = target.root().join("signet-replication-1");
    assert_eq!(fs::read(first.join("hmac")).unwrap(), bits::<32>(1));
    assert_eq!(
        fs::read(backup(&target).join("master")).unwrap(),
        bits::<16>(1)
    );
}

#[test]
fn what_was_only_prepared_is_cleared_away() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    cut_short(&source, &target, 0);
    let mut journal = Journal::read(&backup(&target)).unwrap().unwrap();
    journal
        .advance(&Os, Stage::Preparing, &backup(&target))
        .unwrap();
    assert_eq!(names(&target).len(), 4);
    apply(&source, &target).unwrap();
    assert!(has_source_keys(&target));
    assert_eq!(names(&target), ["hmac", "master"]);
}

#[test]
fn the_way_back_leads_to_the_same_keys() {
    for replaced in 0..=2 {
        let author = Installation::fresh();
        let target = publish(1);
        cut_short(&source(&author), &target, replaced);
        let undone = Undo::find(&target.root()).unwrap();
        let done = undone.apply(Ground::Stopped).unwrap();
        assert_eq!(done.keys, [KeyName::Hmac, KeyName::Master]);
        assert!(has_own_keys(&target, 1), "{replaced}");
        assert_eq!(names(&target), ["hmac", "master"]);
        // Once more does no harm, by the name of the backup itself either.
        Undo::find(&backup(&target))
            .unwrap()
            .apply(Ground::Stopped)
            .unwrap();
        assert!(has_own_keys(&target, 1));
        // And then it can be done again; the first backup keeps a number.
        apply(&source(&author), &target).unwrap();
        assert!(has_source_keys(&target));
        assert!(
            target
                .root()
                .join("signet-replication-1/journal.json")
                .exists()
        );
    }
}

#[test]
fn a_way_back_that_was_cut_short_is_completed_by_itself_only() {
    let author = Installation::fresh();
    let target = publish(1);
    cut_short(&source(&author), &target, 2);
    let mut journal = Journal::read(&backup(&target)).unwrap().unwrap();
    journal
        .advance(&Os, Stage::PuttingBack, &backup(&target))
        .unwrap();
    target.write("bundle37/data/hmac", &bits::<32>(1));
    let refused = plan(&source(&author), &[&target]).unwrap_err();
    assert!(matches!(refused, ReplicationError::HalfwayBack { .. }));
    Undo::find(&target.root())
        .unwrap()
        .apply(Ground::Stopped)
        .unwrap();
    assert!(has_own_keys(&target, 1));
}

#[test]
fn keys_that_changed_since_are_not_put_back() {
    let author = Installation::fresh();
    let target = publish(1);
    apply(&source(&author), &target).unwrap();
    target.write("bundle37/data/master", &bits::<16>(9));
    let done = Undo::find(&target.root())
        .unwrap()
        .apply(Ground::Stopped)
        .unwrap();
    assert_eq!(done.keys, [KeyName::Hmac]);
    assert!(done.left_alone[0].ends_with("master"));
    assert_eq!(key(&target, "master"), bits::<16>(9));

    // A damaged copy stops all of it.
    let target = publish(1);
    apply(&source(&author), &target).unwrap();
    let kept = backup(&target).join("master");
    fs::write(&kept, bits::<16>(9)).unwrap();
    let refused = Undo::find(&target.root())
        .unwrap()
        .apply(Ground::Stopped)
        .unwrap_err();
    assert!(matches!(refused, ReplicationError::DamagedBackup(_)));
    assert!(has_source_keys(&target));
    let nothing = Undo::find(&author.root()).unwrap_err();
    assert!(matches!(nothing, ReplicationError::NoBackup(_)));
}

#[test]
fn a_journal_that_others_could_have_written_is_not_believed() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    cut_short(&source, &target, 1);
    let backup = backup(&target);
    let path = backup.join("journal.json");
    let good = fs::read_to_string(&path).unwrap();
    let victim = target.root().join("victim");
    fs::write(&victim, "mine").unwrap();

    for (from, to) in [
        (".signet-replication-", "../../../../victim"),
        ("\"version\": 1", "\"version\": 2"),
        ("\"hmac\"", "\"../hmac\""),
        ("\"hmac\"", "\"master\""),
        ("\"old\": \"", "\"old\": \"x"),
        ("\"stage\"", "\"other\""),
        (
            &*target.felix().canonicalize().unwrap().display().to_string(),
            "/tmp/elsewhere",
        ),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        fs::write(&path, bad).unwrap();
        for error in [
            plan(&source, &[&target]).unwrap_err(),
            Undo::find(&target.root()).unwrap_err(),
        ] {
            assert!(
                matches!(error, ReplicationError::Journal(_)),
                "{from}: {error:?}"
            );
        }
    }
    fs::write(&path, &good).unwrap();
    for (path, mode) in [(&backup, 0o755), (&path, 0o644)] {
        let before = super::tests::mode(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let error = plan(&source, &[&target]).unwrap_err();
        assert!(
            matches!(error, ReplicationError::Custody { .. }),
            "{error:?}"
        );
        fs::set_permissions(path, fs::Permissions::from_mode(before)).unwrap();
    }
    // One of another installation, copied along with its folder.
    let moved = publish(1);
    fs::create_dir(super::tests::backup(&moved)).unwrap();
    fs::set_permissions(
        super::tests::backup(&moved),
        fs::Permissions::from_mode(0o700),
    )
    .unwrap();
    let copied = super::tests::backup(&moved).join("journal.json");
    fs::copy(&path, &copied).unwrap();
    let error = plan(&source, &[&moved]).unwrap_err();
    assert!(matches!(error, ReplicationError::Journal(_)), "{error:?}");
    assert!(has_own_keys(&moved, 1));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");

    fs::remove_file(&copied).unwrap();
    fs::write(super::tests::backup(&moved).join("letter.txt"), "dear").unwrap();
    let error = plan(&source, &[&moved]).unwrap_err();
    assert!(matches!(error, ReplicationError::Foreign(_)), "{error:?}");
}

fn granite(bits: [u8; 16]) -> GraniteKey {
    GraniteKey::new(Zeroizing::new(bits), UnixSeconds(0))
}

/// A value as it stands in a `.config` file.
fn sealed(key: [u8; 16], text: &str) -> String {
    let value = GraniteValue::protect(&granite(key), text).unwrap();
    value.to_string().replace('{', "\\{").replace('}', "\\}")
}

fn damage(source: &Source, target: &Installation, content: &[PathBuf]) -> Option<Damage> {
    let plan = Plan::make(source, &[target.root()], content, &mut |_| {}).unwrap();
    plan.targets.into_iter().next().unwrap().damage
}

#[test]
fn values_that_the_new_master_does_not_open_are_counted() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    let config = "bundle9/data/config/com/day/mail.config";
    let own = sealed(bits(1), "smtp");
    let [new, foreign] = [sealed(RAW_MASTER, "new"), sealed(bits(77), "foreign")];
    target.write(
        config,
        format!("a=\"{own}\"\nb=\"{new}\"\n\nc=\"{own}\"\nd=\"{foreign}\"\n").as_bytes(),
    );
    target.write(
        "../../install/ims.cfg.json",
        own.replace('\\', "").as_bytes(),
    );
    target.write("../config/x.config", own.as_bytes());
    target.write("../../repository/other.config", own.as_bytes());
    let content = target.root().join("content.xml");
    fs::write(&content, &own).unwrap();

    let found = damage(&source, &target, &[]).unwrap();
    assert_eq!(found.trial, Trial::Tried);
    assert_eq!((found.values, found.foreign, found.read), (4, 1, 3));
    let mail = found
        .files
        .iter()
        .find(|file| file.path.ends_with("mail.config"));
    assert_eq!(mail.unwrap().lines, [1, 4]);
    let found = damage(&source, &target, std::slice::from_ref(&content)).unwrap();
    assert_eq!((found.values, found.read), (5, 4));
    // Nothing was changed by looking.
    assert!(has_own_keys(&target, 1));
}

#[test]
fn with_an_obfuscated_master_every_value_counts() {
    let author = Installation::fresh();
    let target = publish(1);
    let new = sealed(RAW_MASTER, "new");
    let own = sealed(bits(1), "own");
    target.write(
        "bundle9/data/config/a.config",
        format!("{new}\n{own}\n").as_bytes(),
    );
    target.write("bundle37/data/master", &bits::<32>(1));
    let found = damage(&source(&author), &target, &[]).unwrap();
    assert_eq!((found.trial, found.values), (Trial::NewOnly, 1));
    author.write("bundle25/data/master", &bits::<32>(9));
    let found = damage(&source(&author), &target, &[]).unwrap();
    assert_eq!((found.trial, found.values), (Trial::NotTried, 2));
    // Obfuscated or not: the same bytes break nothing.
    target.write("bundle37/data/master", &bits::<32>(9));
    assert_eq!(damage(&source(&author), &target, &[]), None);
}

#[test]
fn a_bundle_is_a_source_like_an_installation() {
    let author = Installation::fresh();
    let packed = source(&author).packed(UnixSeconds(7)).unwrap();
    assert_eq!(packed.created, UnixSeconds(7));
    let target = publish(1);
    apply(&Source::bundle(&packed, Choice::Both).unwrap(), &target).unwrap();
    assert!(has_source_keys(&target));

    let only = Source::installation(&author.root(), Choice::Only(KeyName::Hmac)).unwrap();
    let packed = only.packed(UnixSeconds(7)).unwrap();
    assert_eq!(
        Source::bundle(&packed, Choice::Both).unwrap().keys().len(),
        1
    );
    assert!(matches!(
        Source::bundle(&packed, Choice::Only(KeyName::Master)),
        Err(ReplicationError::NotCarried {
            name: KeyName::Master
        })
    ));
    // Signed and sealed as it may be: what is no key is none.
    let page = Zeroizing::new(b"<!DOCTYPE html>".repeat(10));
    let packed = signet_bundle::AemKeys::new(Some(page), None, UnixSeconds(7)).unwrap();
    assert!(matches!(
        Source::bundle(&packed, Choice::Both),
        Err(ReplicationError::NoKeys(_))
    ));
}

/// A disk that is full from one step on.
#[derive(Debug)]
struct Full {
    steps: AtomicUsize,
    good: usize,
}

impl Full {
    fn after(good: usize) -> &'static Self {
        Box::leak(Box::new(Self {
            steps: AtomicUsize::new(0),
            good,
        }))
    }

    fn step(&self, step: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match self.steps.fetch_add(1, Ordering::Relaxed) < self.good {
            true => step(),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// Whether it was asked for more than it could do.
    fn has_failed(&self) -> bool {
        self.steps.load(Ordering::Relaxed) > self.good
    }
}

impl Disk for Full {
    fn make_directory(&self, path: &Path, dress: Dress) -> io::Result<()> {
        self.step(|| Os.make_directory(path, dress))
    }

    fn write_new(&self, path: &Path, bytes: &[u8], dress: Dress) -> io::Result<()> {
        self.step(|| Os.write_new(path, bytes, dress))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|| Os.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(|| Os.remove(path))
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.step(|| Os.remove_directory(path))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.step(|| Os.sync_directory(path))
    }
}

/// Each key is the old or the new one, whole, and the old ones are somewhere.
fn assert_nothing_lost(target: &Installation, step: usize) {
    for (name, old, new) in [
        ("hmac", bits::<32>(1).to_vec(), RAW_HMAC.to_vec()),
        ("master", bits::<16>(1).to_vec(), RAW_MASTER.to_vec()),
    ] {
        let now = key(target, name);
        assert!(now == old || now == new, "{name} at step {step}");
        let kept = fs::read(backup(target).join(name));
        assert!(now == old || kept.unwrap() == old, "{name} at step {step}");
    }
}

#[test]
fn a_disk_that_is_full_at_any_step_loses_nothing() {
    let author = Installation::fresh();
    let source = source(&author);
    let mut steps = 0;
    loop {
        let target = publish(1);
        let disk = Full::after(steps);
        let mut plan = plan(&source, &[&target]).unwrap();
        plan.targets[0].disk = disk;
        let done = plan.targets[0].apply(&source, Ground::Stopped);
        assert_nothing_lost(&target, steps);
        if !disk.has_failed() {
            done.unwrap();
            break;
        }
        let error = done.unwrap_err();
        assert!(error.hint().contains("full"), "step {steps}: {error:?}");
        // The same command completes it, and nothing is left beside the keys.
        apply(&source, &target).unwrap();
        assert!(has_source_keys(&target), "step {steps}");
        assert_eq!(names(&target), ["hmac", "master"], "step {steps}");
        steps += 1;
    }
    assert!(steps > 20, "{steps}");
}

#[test]
fn a_way_back_on_a_full_disk_loses_nothing() {
    let author = Installation::fresh();
    let source = source(&author);
    let mut steps = 0;
    loop {
        let target = publish(1);
        apply(&source, &target).unwrap();
        let disk = Full::after(steps);
        let mut undo = Undo::find(&target.root()).unwrap();
        undo.disk = disk;
        let done = undo.apply(Ground::Stopped);
        assert_nothing_lost(&target, steps);
        if !disk.has_failed() {
            done.unwrap();
            break;
        }
        done.unwrap_err();
        let again = Undo::find(&target.root()).unwrap();
        again.apply(Ground::Stopped).unwrap();
        assert_eq!(key(&target, "hmac"), bits::<32>(1), "step {steps}");
        assert_eq!(key(&target, "master"), bits::<16>(1), "step {steps}");
        assert_eq!(names(&target), ["hmac", "master"], "step {steps}");
        steps += 1;
    }
    assert!(steps > 8, "{steps}");
}
