//! Every kind of bad file in a ring: what is said about it, and that the others are loaded all the same.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use signet_core::KeyState;

use super::*;
use crate::testing::{Farm, NOW, key, reasons};

const STEM: &str = "0123456789abcdef0123456789abcdef";

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn one_problem(make: impl FnOnce(&Farm, &Path)) -> String {
    let farm = Farm::started();
    let path = farm.keys().join("hmac").join(format!("{STEM}.jwk"));
    make(&farm, &path);
    let loaded = farm.load();
    assert_eq!(loaded.keys.len(), 2, "the good keys are loaded");
    assert!(loaded.maker(RingName::Hmac).is_some());
    let [problem] = loaded.problems.as_slice() else {
        panic!("{:?}", reasons(&loaded));
    };
    assert_eq!(problem.path.parent(), path.parent());
    assert!(!problem.hint().is_empty());
    problem.reason()
}

// K1, K2
#[test]
fn every_bad_file_is_reported_and_changes_nothing_for_the_others() {
    type Make = fn(&Farm, &Path);
    let cases: [(Make, &str); 13] = [
        (|f, p| f.put_bytes(p, b""), "it is empty"),
        (
            |f, p| f.put_bytes(p, b"<html>"),
            "it is a web page, not a key (a saved login page?)",
        ),
        (
            |f, p| f.put_bytes(p, b"{\"kty\":\"oct\",\"k"),
            "it is cut off: it ends in the middle",
        ),
        (
            |f, p| f.put_bytes(p, b"hello"),
            "it is not JSON: line 1, column 1",
        ),
        (
            |f, p| f.put_bytes(p, &vec![b' '; 16 * 1024 + 1]),
            "it is larger than 16384 bytes",
        ),
        (
            |f, p| {
                let path = f.put(&key(RingName::Hmac, 1, KeyState::Pending, 1));
                fs::rename(path, p).unwrap();
            },
            "it is misnamed: the file is not named after its \"kid\"",
        ),
        (
            |f, p| {
                f.put_bytes(p, b"{}");
                chmod(p, 0o640);
            },
            "its mode is 0640, so others than its owner can reach it; at most 0600 is accepted",
        ),
        (
            |f, p| {
                f.put_bytes(p, b"{}");
                chmod(p, 0o604);
            },
            "its mode is 0604, so others than its owner can reach it; at most 0600 is accepted",
        ),
        (
            |f, p| {
                let key = key(RingName::Hmac, 1, KeyState::Pending, 1);
                let target = f.root.path().join("elsewhere");
                fs::rename(f.put(&key), &target).unwrap();
                symlink(target, p.with_file_name(format!("{}.jwk", key.id))).unwrap();
            },
            "it is a symbolic link",
        ),
        (
            |_, p| fs::create_dir(p).unwrap(),
            "it is a directory, not a file",
        ),
        (
            |_, p| {
                rustix::fs::mkfifoat(rustix::fs::CWD, p, 0o600.into()).unwrap();
            },
            "it is neither a file nor a directory",
        ),
        (
            |f, p| f.put_bytes(&p.with_file_name("my key.jwk"), b"{}"),
            "its name is not 32 lower-case hexadecimal digits and .jwk",
        ),
        (
            |f, p| {
                f.put_bytes(
                    &p.with_file_name(format!("{}.jwk", STEM.to_uppercase())),
                    b"{}",
                );
            },
            "its name is not 32 lower-case hexadecimal digits and .jwk",
        ),
    ];
    for (make, reason) in cases {
        assert_eq!(one_problem(make), reason);
    }
}

#[test]
fn a_socket_is_reported() {
    let farm = Farm::started();
    // The path of a socket must be short.
    let path = farm.keys().join("hmac").join(format!("{STEM}.jwk"));
    let near = farm.root.path().join("s");
    let _listener = UnixListener::bind(&near).unwrap();
    fs::rename(near, path).unwrap();
    assert_eq!(
        reasons(&farm.load()),
        ["it is neither a file nor a directory [unused]"]
    );
}

// K2
#[test]
fn a_key_of_another_user_is_refused() {
    let farm = Farm::started();
    let mut guard = Guard::new(Custody::Private);
    let owner = guard.user;
    guard.user += 1;
    let provider = FileProvider::on(&farm.keys(), guard, Arc::new(Os));
    let problem = provider.scan(RingName::Hmac).unwrap_err();
    assert_eq!(
        problem.reason(),
        format!(
            "it belongs to user {owner}, but this runs as user {}",
            owner + 1
        )
    );
    let Found::Unreadable { problem, .. } = provider.read(
        RingName::Hmac,
        &farm.put(&key(RingName::Hmac, 1, KeyState::Active, 1)),
        Some(STEM),
    ) else {
        panic!("the key of another user was read");
    };
    assert_eq!(
        problem.hint(),
        format!(
            "run this as user {owner}, or: chown {} {}",
            owner + 1,
            problem.path.display()
        )
    );
}

// K2
#[test]
fn a_ring_that_others_can_reach_is_refused() {
    let farm = Farm::started();
    chmod(&farm.keys().join("hmac"), 0o750);
    let loaded = farm.load();
    assert_eq!(loaded.of(RingName::Hmac).count(), 0);
    assert_eq!(loaded.of(RingName::Master).count(), 1);
    assert_eq!(
        reasons(&loaded),
        [
            "its mode is 0750, so others than its owner can reach it; at most 0700 is accepted [unused]",
        ]
    );
}

#[test]
fn what_is_named_otherwise_is_ignored() {
    let farm = Farm::started();
    let ring = farm.keys().join("hmac");
    for name in [
        ".tmp-0123456789abcdef",
        ".a.jwk.swp",
        "a.jwk~",
        "a.JWK",
        "README",
        "jwk",
    ] {
        fs::write(ring.join(name), "rubbish").unwrap();
    }
    fs::create_dir(ring.join("..2026_01_01")).unwrap();
    assert!(farm.load().problems.is_empty());
}

// K9
#[test]
fn a_key_file_is_written_for_its_owner_only() {
    let farm = Farm::started();
    let store = farm.store();
    store
        .rotate(RingName::Hmac, crate::RotateMode::Activate, NOW)
        .unwrap();
    let loaded = farm.load();
    for key in &loaded.keys {
        let mode = fs::metadata(farm.path(key.ring, key.id))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600);
    }
    for name in ["", "hmac", "master"] {
        let mode = fs::metadata(farm.keys().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o700);
    }
}

/// Lays keys out as Kubernetes mounts a secret: `<kid>.jwk` links to `..data/<kid>.jwk`, `..data` to a dated directory.
pub(crate) fn mount(ring: &Path, keys: &[Key], dated: &str) {
    let data = ring.join(dated);
    fs::create_dir_all(&data).unwrap();
    for key in keys {
        let name = format!("{}.jwk", key.id);
        fs::write(data.join(&name), jwk::encode_key_file(key).as_bytes()).unwrap();
        chmod(&data.join(&name), 0o444);
        let link = ring.join(&name);
        if fs::symlink_metadata(&link).is_err() {
            symlink(Path::new("..data").join(&name), link).unwrap();
        }
    }
    let fresh = ring.join("..data_tmp");
    symlink(dated, &fresh).unwrap();
    fs::rename(fresh, ring.join("..data")).unwrap();
    chmod(ring, 0o777);
}

// K2
#[test]
fn a_mounted_secret_is_read_only_where_custody_says_so() {
    let farm = Farm::empty();
    for (ring, seed) in [(RingName::Hmac, 1), (RingName::Master, 2)] {
        let keys = [key(ring, seed, KeyState::Active, 1)];
        mount(&farm.keys().join(ring.as_str()), &keys, "..2026_01_01");
    }
    let store = farm.open(Custody::Mounted).unwrap();
    assert_eq!(store.create_if_missing(NOW).unwrap(), []);
    let loaded = store.load(None).unwrap();
    assert_eq!((loaded.keys.len(), loaded.problems.len()), (2, 0));

    let error = store
        .rotate(RingName::Hmac, crate::RotateMode::Pending, NOW)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} is a mounted secret and is not changed from here",
            farm.keys().display()
        )
    );
    let id = loaded.keys.first().unwrap().id;
    assert!(matches!(store.revoke(id), Err(KeyError::Mounted { .. })));
    assert!(matches!(
        store.activate(id, NOW),
        Err(KeyError::Mounted { .. })
    ));
    assert!(matches!(
        store.retire(id, crate::Retirement::Forced),
        Err(KeyError::Mounted { .. })
    ));
    assert!(matches!(
        store.insert(&loaded.keys[0]),
        Err(KeyError::Mounted { .. })
    ));
    assert!(
        !farm.keys().join(".lock").exists(),
        "not even a lock is made"
    );

    chmod(&farm.keys(), 0o755);
    let error = farm.open(Custody::Private).unwrap_err();
    assert!(error.to_string().starts_with("cannot use "), "{error}");
}

#[test]
fn a_mounted_key_that_others_can_change_is_refused() {
    let farm = Farm::empty();
    let ring = farm.keys().join("hmac");
    let key = key(RingName::Hmac, 1, KeyState::Active, 1);
    mount(&ring, std::slice::from_ref(&key), "..1");
    chmod(&ring.join("..1").join(format!("{}.jwk", key.id)), 0o664);
    let loaded = farm.open(Custody::Mounted).unwrap().load(None).unwrap();
    assert_eq!(
        reasons(&loaded)[0..2],
        [
            "no key of the hmac ring is active [unused]",
            "its mode is 0664, so others than its owner can change it [unused]",
        ]
    );
}
