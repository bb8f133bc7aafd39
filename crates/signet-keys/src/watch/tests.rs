use std::os::unix::fs::PermissionsExt;

use signet_core::{Key, KeyState};

use super::*;
use crate::file::tests::mount;
use crate::testing::{Farm, NOW, key};
use crate::{KeyStore, RotateMode};

const HMAC: RingName = RingName::Hmac;

fn watched() -> (Farm, KeyStore, KeyWatch) {
    let farm = Farm::started();
    let store = farm.store();
    let watch = store.watch();
    (farm, store, watch)
}

fn some_key(seed: u8) -> Key {
    key(HMAC, seed, KeyState::Pending, 1)
}

#[test]
fn nothing_changed_when_nothing_changed() {
    let (_farm, store, mut watch) = watched();
    assert!(!watch.poll());
    store.load(None).unwrap();
    assert!(!watch.poll(), "loading changes nothing");
}

#[test]
fn a_copied_and_a_removed_file_are_noticed() {
    let (farm, _, mut watch) = watched();
    let path = farm.put(&some_key(1));
    assert!(watch.poll());
    assert!(!watch.poll());
    fs::remove_file(path).unwrap();
    assert!(watch.poll());
    assert!(!watch.poll());
}

#[test]
fn every_change_of_the_store_is_noticed() {
    let (_farm, store, mut watch) = watched();
    let id = store.rotate(HMAC, RotateMode::Pending, NOW).unwrap();
    assert!(watch.poll());
    store.activate(id, NOW).unwrap();
    assert!(watch.poll());
    let old = store.load(None).unwrap().keys[1].id;
    store.revoke(old).unwrap();
    assert!(watch.poll());
}

#[test]
fn an_overwrite_of_the_same_length_in_the_same_second_is_noticed() {
    let (farm, _, mut watch) = watched();
    let path = farm.put(&some_key(1));
    assert!(watch.poll());
    let text = fs::read_to_string(&path).unwrap();
    let times = fs::metadata(&path).unwrap().modified().unwrap();
    farm.put_bytes(&path, text.replace("pending", "revoked").as_bytes());
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(times)
        .unwrap();
    assert!(watch.poll());
}

#[test]
fn a_change_that_leaves_the_times_alone_is_noticed_while_they_are_young() {
    let (farm, _, mut watch) = watched();
    let path = farm.put(&some_key(1));
    assert!(watch.poll());
    // As on a file system with coarse times: the content changed, the stamp did not.
    let sight = watch.seen.get_mut(&path).unwrap();
    sight.face.content = None;
    let start = sight.since;
    assert!(watch.poll_at(start + Duration::from_secs(2)));
    // Old enough: it is read a last time, and then no more.
    assert!(!watch.poll_at(start + GRAIN));
    let sight = watch.seen.get_mut(&path).unwrap();
    assert!(sight.settled);
    sight.face.content = None;
    assert!(!watch.poll_at(start + GRAIN), "it was not read");
    farm.put_bytes(&path, b"{}");
    assert!(watch.poll_at(start + GRAIN), "its stamp changed");
}

#[test]
fn a_file_that_was_merely_touched_did_not_change() {
    let (farm, _, mut watch) = watched();
    let path = farm.put(&some_key(1));
    watch.poll();
    let bytes = fs::read(&path).unwrap();
    farm.put_bytes(&path, &bytes);
    assert!(!watch.poll());
}

#[test]
fn a_swapped_mount_is_noticed() {
    let farm = Farm::empty();
    let ring = farm.keys().join("hmac");
    let pending = some_key(1);
    mount(&ring, std::slice::from_ref(&pending), "..1");
    let mut watch = KeyWatch::new(&farm.keys());
    assert!(!watch.poll());
    let mut active = pending;
    active.state = KeyState::Active;
    mount(&ring, std::slice::from_ref(&active), "..2");
    assert!(watch.poll());
    assert!(!watch.poll());
}

#[test]
fn modes_links_storage_and_the_directory_itself_matter() {
    let (farm, _, mut watch) = watched();
    let path = farm.put(&some_key(1));
    watch.poll();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(watch.poll());
    let elsewhere = farm.root.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert!(watch.poll());
    fs::remove_file(&elsewhere).unwrap();
    assert!(watch.poll(), "a link to nowhere");
    fs::write(farm.keys().join("storage"), "repository").unwrap();
    assert!(watch.poll());
    fs::rename(farm.keys(), farm.root.path().join("moved")).unwrap();
    assert!(watch.poll());
    assert!(!watch.poll());
    fs::rename(farm.root.path().join("moved"), farm.keys()).unwrap();
    assert!(watch.poll());
}
