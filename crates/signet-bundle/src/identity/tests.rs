use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;

use tempfile::TempDir;

use super::*;

fn scratch() -> (TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("node");
    (scratch, directory)
}

fn card(identity: &NodeIdentity) -> NodeCard {
    identity.card(&"name".parse().unwrap())
}

#[test]
fn an_identity_is_made_once_and_found_again() {
    let (_scratch, directory) = scratch();
    assert!(NodeIdentity::open(&directory).unwrap().is_none());
    let made = NodeIdentity::open_or_create(&directory).unwrap();
    let found = NodeIdentity::open_or_create(&directory).unwrap();
    assert_eq!(card(&made), card(&found));
    assert_eq!(made.id(), card(&found).id());
    let sealed = made.seal_for_self(b"secret").unwrap();
    assert_eq!(&**found.open_own(&sealed).unwrap(), b"secret");
    let stranger = NodeIdentity::generate().unwrap();
    assert!(matches!(
        stranger.open_own(&sealed),
        Err(UnsealError::NotForUs)
    ));
}

// K2
#[test]
fn its_files_are_for_one_user_alone() {
    let (_scratch, directory) = scratch();
    NodeIdentity::open_or_create(&directory).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&directory), 0o700);
    for name in ["signing.key", "age.key"] {
        let path = directory.join(name);
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = NodeIdentity::open_or_create(&directory).unwrap_err();
        assert!(error.hint().contains("chmod 600"), "{error:?}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o750)).unwrap();
    let error = NodeIdentity::open_or_create(&directory).unwrap_err();
    assert!(error.hint().contains("chmod 700"), "{error:?}");
}

// K2
#[test]
fn none_is_made_in_a_git_work_tree() {
    let (scratch, directory) = scratch();
    fs::create_dir(scratch.path().join(".git")).unwrap();
    let error = NodeIdentity::open_or_create(&directory).unwrap_err();
    assert!(matches!(
        error,
        NodeError::Place(signet_keys::KeyError::InGitWorkTree { .. })
    ));
    assert!(!directory.exists());
}

#[test]
fn what_is_damaged_is_never_replaced() {
    let (_scratch, directory) = scratch();
    NodeIdentity::open_or_create(&directory).unwrap();
    for name in ["signing.key", "age.key"] {
        let path = directory.join(name);
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() - 1 {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            let error = NodeIdentity::open_or_create(&directory).unwrap_err();
            assert!(
                matches!(&error, NodeError::Damaged { path: named, .. } if *named == path),
                "{name}, byte {at}: {error:?}"
            );
            assert_eq!(fs::read(&path).unwrap(), bad);
        }
        for (bad, what) in [
            (&b""[..], "is empty"),
            (b"\n", "is empty"),
            (b"<html>", "is a web page"),
            (b"\xff\xff", "is not text"),
            (&good[..good.len() / 2], "hold"),
        ] {
            fs::write(&path, bad).unwrap();
            let error = NodeIdentity::open(&directory).unwrap_err().to_string();
            assert!(error.contains(what) || error.contains("PEM"), "{error}");
        }
        fs::write(&path, [b"\xef\xbb\xbf", &good[..], b"\r\n\n"].concat()).unwrap();
        NodeIdentity::open(&directory).unwrap().unwrap();
        fs::write(&path, good).unwrap();
    }
}

#[test]
fn half_an_identity_is_a_lost_one() {
    for name in ["signing.key", "age.key"] {
        let (_scratch, directory) = scratch();
        NodeIdentity::open_or_create(&directory).unwrap();
        fs::remove_file(directory.join(name)).unwrap();
        let error = NodeIdentity::open_or_create(&directory).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        assert!(error.hint().contains("backup"));
    }
}

#[test]
fn a_start_that_was_cut_short_begins_anew() {
    // In the order in which they are written.
    let steps = ["new", "age.key", "signing.key"];
    for left in 0..=steps.len() {
        let (_scratch, directory) = scratch();
        let first = NodeIdentity::open_or_create(&directory).unwrap();
        fs::write(directory.join("new"), "").unwrap();
        for missing in &steps[left..] {
            fs::remove_file(directory.join(missing)).unwrap();
        }
        assert!(NodeIdentity::open(&directory).unwrap().is_none());
        let second = NodeIdentity::open_or_create(&directory).unwrap();
        assert_ne!(first.id(), second.id());
        let found = NodeIdentity::open(&directory).unwrap().unwrap();
        assert_eq!(card(&found), card(&second));
    }
}

#[test]
fn two_that_make_it_at_once_make_one() {
    let (_scratch, directory) = scratch();
    let make = || NodeIdentity::open_or_create(&directory).unwrap().id();
    let ids: Vec<_> = thread::scope(|scope| {
        let makers: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        makers.into_iter().map(|m| m.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
    let found = NodeIdentity::open(&directory).unwrap().unwrap();
    assert_eq!(found.id(), ids[0]);
}

// K9
#[test]
fn an_identity_prints_its_id_only() {
    let identity = NodeIdentity::generate().unwrap();
    assert_eq!(
        format!("{identity:?}"),
        format!("NodeIdentity({})", identity.id())
    );
}

#[test]
fn what_it_seals_before_keys_move_only_it_can_open() {
    use signet_keys::BackupSealer;
    let (one, other) = (
        NodeIdentity::generate().unwrap(),
        NodeIdentity::generate().unwrap(),
    );
    let sealed = BackupSealer::seal(&one, b"keys").unwrap();
    assert_eq!(&**BackupSealer::open(&one, &sealed).unwrap(), b"keys");
    let error = BackupSealer::open(&other, &sealed).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
}
