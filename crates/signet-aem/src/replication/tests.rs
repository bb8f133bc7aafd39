mod damage;
mod full_disk;
mod halfway;
mod refusals;
mod way_back;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use signet_core::UnixSeconds;
use zeroize::Zeroizing;

use super::journal::{Journal, Stage};
use super::*;
use crate::disk::Os;
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
