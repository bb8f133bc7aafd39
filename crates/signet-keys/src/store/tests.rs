use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::testing::{Accident, Farm, Faulty, NOW, key, reasons};
use crate::{KeyProblem, LoadedKeys, RotateMode, jwk};

const HMAC: RingName = RingName::Hmac;

fn state(loaded: &LoadedKeys, id: KeyId) -> Option<KeyState> {
    loaded
        .keys
        .iter()
        .find(|key| key.id == id)
        .map(|key| key.state)
}

#[test]
fn the_first_start_makes_one_active_key_in_each_ring() {
    let farm = Farm::empty();
    let made = farm.store().create_if_missing(NOW).unwrap();
    assert_eq!(made.len(), 2);
    assert_eq!(fs::read(farm.keys().join("storage")).unwrap(), b"file");
    let loaded = farm.load();
    assert!(loaded.problems.is_empty());
    for (ring, id) in made {
        let maker = loaded.maker(ring).unwrap();
        assert_eq!(
            (maker.id, maker.created, maker.activated),
            (id, NOW, Some(NOW))
        );
    }
    assert_eq!(loaded.ring().active(), loaded.maker(HMAC).map(|key| key.id));
    assert_eq!(farm.store().create_if_missing(NOW).unwrap(), []);
}

// K6
#[test]
fn several_first_starts_at_once_make_one_key_in_each_ring() {
    let farm = Farm::empty();
    let made: usize = std::thread::scope(|scope| {
        let start = || farm.store().create_if_missing(NOW).unwrap().len();
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(start)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!((made, farm.load().keys.len()), (2, 2));
}

#[test]
fn a_ring_with_a_damaged_key_gets_no_other() {
    let farm = Farm::started();
    let id = farm.load().maker(HMAC).unwrap().id;
    farm.put_bytes(&farm.path(HMAC, id), b"");
    assert_eq!(farm.store().create_if_missing(NOW).unwrap(), []);
    assert_eq!(
        reasons(&farm.load()),
        [
            "no key of the hmac ring is active [unused]",
            "it is empty [unused]"
        ]
    );
}

// Invariant 6
#[test]
fn a_first_start_that_crashed_anywhere_is_completed_by_the_next() {
    for accident in [Accident::Full, Accident::CrashBefore, Accident::CrashAfter] {
        for at in 0.. {
            let farm = Farm::empty();
            let disk = Faulty::new(accident, at);
            let result = farm.on(disk.clone()).create_if_missing(NOW);
            if !disk.happened() {
                result.unwrap();
                break;
            }
            assert!(result.is_err(), "{accident:?} at {at}");
            farm.store().create_if_missing(NOW).unwrap();
            let loaded = farm.load();
            assert_eq!((loaded.keys.len(), loaded.problems.len()), (2, 0));
            assert_eq!(farm.leftovers(), 0);
        }
    }
}

// K2
#[test]
fn a_git_work_tree_is_refused() {
    let farm = Farm::empty();
    fs::create_dir(farm.root.path().join(".git")).unwrap();
    let store = farm.open(Custody::Private);
    let error = store.unwrap_err();
    let tree = farm.root.path().canonicalize().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "{} is inside the git work tree {}: keys do not belong there",
            farm.keys().display(),
            tree.display()
        )
    );
    assert!(error.hint().starts_with("choose a data directory outside"));
    assert!(!farm.keys().exists());
}

#[test]
fn a_git_work_tree_that_appears_later_is_noticed() {
    let farm = Farm::started();
    let store = farm.store();
    // A work tree made by `git worktree` has a file of that name.
    fs::write(farm.root.path().join(".git"), "gitdir: elsewhere").unwrap();
    assert!(matches!(
        store.load(None),
        Err(KeyError::InGitWorkTree { .. })
    ));
    assert!(matches!(
        store.rotate(HMAC, RotateMode::Activate, NOW),
        Err(KeyError::InGitWorkTree { .. })
    ));
}

// K2
#[test]
fn a_directory_that_others_can_reach_is_refused() {
    let farm = Farm::started();
    fs::set_permissions(farm.keys(), fs::Permissions::from_mode(0o755)).unwrap();
    let error = farm.open(Custody::Private).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot use {}", farm.keys().display())
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "its mode is 0755, so others than its owner can reach it; at most 0700 is accepted"
    );
    assert!(error.hint().starts_with("chmod 700 "), "{}", error.hint());
}

#[test]
fn storage_is_read_tolerantly_or_refused_exactly() {
    let farm = Farm::started();
    let storage = farm.keys().join("storage");
    for good in [
        "file",
        "file\n",
        "file\r\n",
        "\u{feff}file",
        "\u{feff}file\n",
    ] {
        fs::write(&storage, good).unwrap();
        assert!(farm.open(Custody::Private).is_ok(), "{good:?}");
    }
    for bad in [
        "",
        "File",
        " file",
        "file\n\n",
        "file,repository",
        &"file".repeat(40),
    ] {
        fs::write(&storage, bad).unwrap();
        assert_eq!(
            farm.open(Custody::Private).unwrap_err().to_string(),
            format!(
                "{} must say \"file\" or \"repository\", and nothing else",
                storage.display()
            )
        );
    }
    fs::write(&storage, "repository\n").unwrap();
    assert_eq!(
        farm.open(Custody::Private).unwrap_err().to_string(),
        format!(
            "{} says \"repository\", and there is none here",
            storage.display()
        )
    );
    fs::remove_file(&storage).unwrap();
    assert!(farm.open(Custody::Private).is_ok());
}

#[test]
fn a_directory_that_is_not_there_is_an_error_when_loaded() {
    let farm = Farm::empty();
    let error = farm.store().load(None).unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "it does not exist");
}

// K1: a bad file changes nothing.
#[test]
fn a_key_whose_file_is_damaged_stays_in_use() {
    let farm = Farm::started();
    let store = farm.store();
    let first = store.load(None).unwrap();
    let id = first.maker(HMAC).unwrap().id;
    let path = farm.path(HMAC, id);
    let good = fs::read(&path).unwrap();
    farm.put_bytes(&path, &good[..100]);
    let second = store.load(Some(&first)).unwrap();
    assert_eq!(second.maker(HMAC).unwrap().id, id);
    assert_eq!(
        reasons(&second),
        ["it is cut off: it ends in the middle [kept]"]
    );
    assert_eq!(
        second.problems[0].to_string(),
        format!(
            "{}: it is cut off: it ends in the middle (the key in memory stays in use)",
            path.display()
        )
    );
    farm.put_bytes(&path, &good);
    assert!(store.load(Some(&second)).unwrap().problems.is_empty());
}

#[test]
fn a_ring_that_cannot_be_read_keeps_its_keys() {
    let farm = Farm::started();
    let store = farm.store();
    store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    let first = store.load(None).unwrap();
    fs::rename(farm.keys().join("hmac"), farm.root.path().join("gone")).unwrap();
    let second = store.load(Some(&first)).unwrap();
    assert_eq!(second.keys.len(), 3);
    assert_eq!(reasons(&second), ["it does not exist [kept]"]);
    // Nothing makes an empty ring there meanwhile, in which the keys would count as removed.
    store
        .rotate(RingName::Master, RotateMode::Activate, NOW)
        .unwrap();
    assert_eq!(store.load(Some(&second)).unwrap().of(HMAC).count(), 2);
}

#[test]
fn a_removed_key_goes_unless_it_was_the_last_active_one() {
    let farm = Farm::started();
    let store = farm.store();
    let old = store.load(None).unwrap().maker(HMAC).unwrap().id;
    let new = store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    let first = store.load(None).unwrap();
    fs::remove_file(farm.path(HMAC, old)).unwrap();
    let second = store.load(Some(&first)).unwrap();
    assert_eq!(state(&second, old), None);
    assert!(second.problems.is_empty());

    fs::remove_file(farm.path(HMAC, new)).unwrap();
    let third = store.load(Some(&second)).unwrap();
    let again = store.load(Some(&third)).unwrap();
    assert_eq!(
        reasons(&third),
        ["it is gone, and it held the last active key of the hmac ring [kept]"]
    );
    assert_eq!(again.maker(HMAC).unwrap().id, new);
    // Invariant 6: memory did not stay the last place where the key is, so the next one does not push it out.
    assert!(farm.path(HMAC, new).exists() && again.problems.is_empty());
    let newest = store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    let fourth = store.load(Some(&again)).unwrap();
    assert_eq!(fourth.maker(HMAC).unwrap().id, newest);
    assert_eq!(state(&fourth, new), Some(KeyState::VerifyOnly));
    assert!(fourth.problems.is_empty());
}

// Invariant 6
#[test]
fn leftovers_of_a_crash_are_removed_when_the_directory_is_opened() {
    let farm = Farm::started();
    let store = farm.on(Faulty::new(Accident::CrashBefore, 2));
    assert!(store.rotate(HMAC, RotateMode::Activate, NOW).is_err());
    assert_eq!(farm.leftovers(), 1);
    farm.store();
    assert_eq!(farm.leftovers(), 0);
}

#[test]
fn a_listing_tells_what_each_key_is() {
    let farm = Farm::started();
    let store = farm.store();
    let old = store.load(None).unwrap().maker(HMAC).unwrap().id;
    let later = UnixSeconds(NOW.0 + 1000);
    store.rotate(HMAC, RotateMode::Activate, later).unwrap();
    let loaded = store.load(None).unwrap();
    let entries = loaded.entries(signet_core::Seconds(1800), signet_core::Seconds(60));
    let made: Vec<_> = entries.iter().map(|entry| entry.makes_tokens).collect();
    assert_eq!(made, [true, false, true]);
    let entry = entries.iter().find(|entry| entry.kid == old).unwrap();
    assert_eq!(
        serde_json::to_value(entry).unwrap(),
        serde_json::json!({
            "kid": old.to_string(), "ring": "hmac", "state": "verify-only", "created": NOW.0,
            "activated": NOW.0, "makes_tokens": false, "provider": "file",
            "removable_at": NOW.0 + 1000 + 1860,
        })
    );
}

#[test]
fn a_problem_has_a_form_for_machines() {
    let farm = Farm::started();
    let path = farm.keys().join("hmac/x.jwk");
    farm.put_bytes(&path, b"");
    let loaded = farm.load();
    assert_eq!(
        serde_json::to_value(&loaded.problems[0]).unwrap(),
        serde_json::json!({
            "path": path, "effect": "unused",
            "reason": "its name is not 32 lower-case hexadecimal digits and .jwk",
            "hint": format!("name the file after the kid inside, or move {} away", path.display()),
        })
    );
}

// K9
#[test]
fn nothing_that_is_printed_holds_a_key() {
    let farm = Farm::started();
    let store = farm.store();
    let loaded = store.load(None).unwrap();
    let printed = format!("{loaded:?} {store:?} {:?}", store.watch());
    for key in &loaded.keys {
        let file = jwk::encode_key_file(key);
        let bits = file.split('"').nth(7).unwrap();
        assert_eq!(bits.len(), 43);
        assert!(!printed.contains(bits));
        assert!(!printed.contains(&format!("{:?}", key.material.expose())));
    }
}

/// Whoever loads while another rotates and activates never finds a ring without an active key.
// K6
#[test]
fn a_reader_always_finds_an_active_key() {
    let farm = Farm::started();
    let finished = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let store = farm.store();
            for _ in 0..10 {
                store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
                let pending = store.rotate(HMAC, RotateMode::Pending, NOW).unwrap();
                store.activate(pending, NOW).unwrap();
                let loaded = store.load(None).unwrap();
                let old = loaded
                    .of(HMAC)
                    .filter(|key| key.state == KeyState::VerifyOnly);
                for key in old {
                    store.retire(key.id, crate::Retirement::Forced).unwrap();
                }
            }
            finished.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        let store = farm.store();
        while !finished.load(std::sync::atomic::Ordering::SeqCst) {
            let loaded = store.load(None).unwrap();
            assert_eq!(reasons(&loaded), Vec::<String>::new());
        }
    });
}

/// Shows a ring as it looks to whoever reads its files while another key is activated: first the old key after the
/// change with the new one before it, then both after it.
#[derive(Debug)]
struct Moving(std::sync::atomic::AtomicUsize);

impl KeyProvider for Moving {
    fn name(&self) -> ProviderName {
        ProviderName::File
    }

    fn place(&self, ring: RingName) -> PathBuf {
        ring.as_str().into()
    }

    fn place_of(&self, _: RingName, id: KeyId) -> PathBuf {
        id.to_string().into()
    }

    fn scan(&self, ring: RingName) -> Result<Vec<Found>, KeyProblem> {
        let looks = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let new = match looks {
            0 => KeyState::Pending,
            _ => KeyState::Active,
        };
        let keys = [key(ring, 1, KeyState::VerifyOnly, 1), key(ring, 2, new, 2)];
        Ok(keys.map(Found::Readable).into())
    }

    fn prepare(&self) -> Result<(), KeyError> {
        Ok(())
    }

    fn write(&self, _: &Key) -> Result<(), KeyError> {
        Ok(())
    }

    fn remove(&self, _: RingName, _: KeyId) -> Result<(), KeyError> {
        Ok(())
    }
}

// K6
#[test]
fn a_reader_in_the_middle_of_an_activation_looks_again() {
    let farm = Farm::started();
    let mut store = farm.store();
    store.files = Arc::new(Moving(0.into()));
    let loaded = store.load(None).unwrap();
    assert_eq!(reasons(&loaded), Vec::<String>::new());
    assert!(loaded.maker(HMAC).is_some());
}
