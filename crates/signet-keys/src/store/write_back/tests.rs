use std::error::Error;
use std::fs;
use std::path::PathBuf;

use signet_core::{KeyId, KeyState, RingName};

use crate::testing::{Accident, Farm, Faulty, NOW, key, reasons};
use crate::{LoadedKeys, Retirement, RotateMode};

const HMAC: RingName = RingName::Hmac;

fn state(loaded: &LoadedKeys, id: KeyId) -> Option<KeyState> {
    loaded
        .keys
        .iter()
        .find(|key| key.id == id)
        .map(|key| key.state)
}

// K5
#[test]
fn a_file_that_comes_back_in_an_earlier_state_is_corrected() {
    let farm = Farm::started();
    let store = farm.store();
    let old = store.load(None).unwrap().maker(HMAC).unwrap().id;
    let backup = fs::read(farm.path(HMAC, old)).unwrap();
    store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    let loaded = store.load(None).unwrap();
    assert_eq!(state(&loaded, old), Some(KeyState::VerifyOnly));
    farm.put_bytes(&farm.path(HMAC, old), &backup);
    let second = store.load(Some(&loaded)).unwrap();
    assert_eq!(state(&second, old), Some(KeyState::VerifyOnly));
    assert!(second.problems.is_empty());
    assert_eq!(
        state(&farm.load(), old),
        Some(KeyState::VerifyOnly),
        "also on the disk"
    );
}

// K5
#[test]
fn a_state_that_cannot_be_corrected_holds_in_memory_and_is_reported() {
    let farm = Farm::started();
    let mut later = farm.load();
    let id = later.maker(HMAC).unwrap().id;
    farm.store()
        .rotate(HMAC, RotateMode::Activate, NOW)
        .unwrap();
    later.keys[0].state = KeyState::VerifyOnly;
    let earlier = key_on_disk_active(&farm, id);
    let store = farm.on(Faulty::new(Accident::Full, 0));
    let loaded = store.load(Some(&later)).unwrap();
    assert_eq!(state(&loaded, id), Some(KeyState::VerifyOnly));
    assert_eq!(
        reasons(&loaded),
        [format!(
            "key {id} is verify-only, which could not be written to it: cannot write {}: \
             making a temporary file beside it failed: No space left on device (os error 28) [noted]",
            earlier.display()
        )]
    );
}

fn key_on_disk_active(farm: &Farm, id: KeyId) -> PathBuf {
    let path = farm.path(HMAC, id);
    let text = fs::read_to_string(&path).unwrap();
    farm.put_bytes(&path, text.replace("verify-only", "active").as_bytes());
    path
}

// K5
#[test]
fn a_revoked_key_stays_revoked_though_its_file_comes_back() {
    let farm = Farm::started();
    let store = farm.store();
    let old = store.load(None).unwrap().maker(HMAC).unwrap().id;
    let backup = fs::read(farm.path(HMAC, old)).unwrap();
    store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    store.revoke(old).unwrap();
    fs::remove_file(farm.path(HMAC, old)).unwrap();
    farm.put_bytes(&farm.path(HMAC, old), &backup);
    // Another process, which remembers nothing.
    let loaded = farm.load();
    assert_eq!(state(&loaded, old), Some(KeyState::Revoked));
    assert!(loaded.ring().verifying().all(|id| id != old));
    let text = fs::read_to_string(farm.path(HMAC, old)).unwrap();
    assert!(text.contains("\"revoked\""), "the file is corrected");
}

// K5
#[test]
fn a_key_file_that_says_revoked_is_remembered_when_it_is_gone() {
    let farm = Farm::started();
    let revoked = key(HMAC, 3, KeyState::Revoked, 1);
    let path = farm.put(&revoked);
    let first = farm.load();
    assert!(first.revoked.contains(revoked.id));
    fs::remove_file(path).unwrap();
    let mut back = revoked.clone();
    back.state = KeyState::Active;
    farm.put(&back);
    assert_eq!(state(&farm.load(), revoked.id), Some(KeyState::Revoked));
}

// K5, invariant 3
#[test]
fn a_damaged_list_of_revoked_keys_opens_no_door() {
    let farm = Farm::started();
    let store = farm.store();
    let old = store.load(None).unwrap().maker(HMAC).unwrap().id;
    store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    store.revoke(old).unwrap();
    // From here on only the list, or who has read it, remembers.
    store.retire(old, Retirement::Forced).unwrap();
    let other = store.rotate(HMAC, RotateMode::Pending, NOW).unwrap();
    let first = store.load(None).unwrap();
    let path = farm.keys().join("revoked");
    fs::write(&path, "hmac 0123").unwrap();

    let error = store.load(None).unwrap_err();
    assert_eq!(
        error.source().unwrap().to_string(),
        "line 1 is not a ring and a key id"
    );
    let second = store.load(Some(&first)).unwrap();
    assert!(second.revoked.contains(old));
    assert_eq!(
        reasons(&second),
        ["line 1 is not a ring and a key id [noted]"]
    );
    assert!(store.revoke(other).is_err(), "and nothing writes over it");
    assert_eq!(fs::read(&path).unwrap(), b"hmac 0123");

    // One that was removed is written again by whoever remembers.
    fs::remove_file(&path).unwrap();
    assert!(store.load(Some(&second)).unwrap().problems.is_empty());
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("hmac {old}\n"));
}
