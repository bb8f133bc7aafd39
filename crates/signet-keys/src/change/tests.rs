use std::fs;

use super::*;
use crate::testing::{Accident, Farm, Faulty, NOW, key};
use crate::{KeyFault, LoadedKeys};

const HMAC: RingName = RingName::Hmac;
const WHEN: Retirement = Retirement::WhenUnneeded {
    now: NOW,
    inactivity: Seconds(1800),
    skew: Seconds(60),
};

fn state(farm: &Farm, id: KeyId) -> Option<KeyState> {
    let loaded = farm.load();
    loaded
        .keys
        .iter()
        .find(|key| key.id == id)
        .map(|key| key.state)
}

fn active(loaded: &LoadedKeys, ring: RingName) -> usize {
    loaded
        .of(ring)
        .filter(|key| key.state == KeyState::Active)
        .count()
}

#[test]
fn rotation_makes_a_new_key_and_the_old_one_verifies() {
    let farm = Farm::started();
    let store = farm.store();
    let old = farm.load().maker(HMAC).unwrap().id;
    let new = store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    let loaded = farm.load();
    assert_eq!(loaded.ring().active(), Some(new));
    assert_eq!(loaded.ring().verifying().len(), 2);
    assert_eq!(state(&farm, old), Some(KeyState::VerifyOnly));
    assert_eq!(
        active(&loaded, RingName::Master),
        1,
        "the other ring is as before"
    );
}

#[test]
fn a_new_key_makes_tokens_even_where_the_clock_went_back() {
    let farm = Farm::started();
    let store = farm.store();
    let created = farm.load().maker(HMAC).unwrap().created;
    let new = store
        .rotate(HMAC, RotateMode::Activate, UnixSeconds(5))
        .unwrap();
    let loaded = farm.load();
    let maker = loaded.maker(HMAC).unwrap();
    assert_eq!((maker.id, maker.activated), (new, Some(UnixSeconds(5))));
    assert!(maker.created > created);
}

#[test]
fn a_pending_key_makes_tokens_when_it_is_activated() {
    let farm = Farm::started();
    let store = farm.store();
    let old = farm.load().maker(HMAC).unwrap().id;
    let new = store.rotate(HMAC, RotateMode::Pending, NOW).unwrap();
    assert_eq!(farm.load().ring().active(), Some(old));
    assert_eq!(farm.load().ring().verifying().len(), 2);
    let later = UnixSeconds(NOW.0 + 9);
    store.activate(new, later).unwrap();
    let loaded = farm.load();
    assert_eq!(loaded.ring().active(), Some(new));
    assert_eq!(loaded.maker(HMAC).unwrap().activated, Some(later));
    assert_eq!(state(&farm, old), Some(KeyState::VerifyOnly));
    store.activate(new, UnixSeconds(NOW.0 + 99)).unwrap();
    assert_eq!(
        farm.load().maker(HMAC).unwrap().activated,
        Some(later),
        "twice is harmless"
    );
}

#[test]
fn activating_an_older_one_of_several_active_keys_settles_it() {
    let farm = Farm::started();
    let store = farm.store();
    let old = farm.load().maker(HMAC).unwrap().id;
    let newer = key(HMAC, 4, KeyState::Active, NOW.0 + 50);
    farm.put(&newer);
    assert_eq!(farm.load().maker(HMAC).unwrap().id, newer.id);
    store.activate(old, NOW).unwrap();
    let loaded = farm.load();
    assert_eq!(
        (loaded.maker(HMAC).unwrap().id, active(&loaded, HMAC)),
        (old, 1)
    );
}

// K5
#[test]
fn there_is_no_way_back() {
    let farm = Farm::started();
    let store = farm.store();
    let old = farm.load().maker(HMAC).unwrap().id;
    store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    assert_eq!(
        store.activate(old, NOW).unwrap_err().to_string(),
        format!("key {old} is verify-only and cannot become active")
    );
    store.revoke(old).unwrap();
    assert_eq!(
        store.activate(old, NOW).unwrap_err().to_string(),
        format!("key {old} is revoked and cannot become active")
    );
    let unknown = KeyId([1; 16]);
    assert_eq!(
        store.activate(unknown, NOW).unwrap_err().to_string(),
        format!("there is no key {unknown}")
    );
}

// K5, K8
#[test]
fn a_revoked_key_is_refused_and_its_file_says_so() {
    let farm = Farm::started();
    let store = farm.store();
    let old = farm.load().maker(HMAC).unwrap().id;
    assert_eq!(
        store.revoke(old).unwrap_err().to_string(),
        format!("key {old} is the only active key of the hmac ring")
    );
    store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    store.revoke(old).unwrap();
    store.revoke(old).unwrap();
    assert_eq!(state(&farm, old), Some(KeyState::Revoked));
    let revoked = fs::read_to_string(farm.keys().join("revoked")).unwrap();
    assert_eq!(revoked, format!("hmac {old}\n"));
    assert!(farm.path(HMAC, old).exists());
}

// K8
#[test]
fn a_key_with_a_damaged_file_can_be_revoked() {
    let farm = Farm::started();
    let store = farm.store();
    let old = farm.load().maker(HMAC).unwrap().id;
    store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    farm.put_bytes(&farm.path(HMAC, old), b"");
    store.revoke(old).unwrap();
    assert!(farm.load().revoked.contains(old));
}

#[test]
fn a_key_is_retired_when_nothing_needs_it() {
    let farm = Farm::started();
    let store = farm.store();
    let old = farm.load().maker(HMAC).unwrap().id;
    let state_error = store.retire(old, Retirement::Forced).unwrap_err();
    assert_eq!(
        state_error.to_string(),
        format!("key {old} is active and cannot be retired")
    );
    store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    assert_eq!(
        store.retire(old, WHEN).unwrap_err().to_string(),
        format!(
            "key {old} may still be needed until {}, in seconds since 1970",
            NOW.0 + 1860
        )
    );
    let at = |seconds| Retirement::WhenUnneeded {
        now: UnixSeconds(NOW.0 + seconds),
        inactivity: Seconds(1800),
        skew: Seconds(60),
    };
    assert!(store.retire(old, at(1860)).is_err());
    store.retire(old, at(1861)).unwrap();
    assert!(!farm.path(HMAC, old).exists());
    assert_eq!(state(&farm, old), None);
}

#[test]
fn a_key_that_seals_secrets_is_retired_by_force_only() {
    let farm = Farm::started();
    let store = farm.store();
    let old = farm.load().maker(RingName::Master).unwrap().id;
    store
        .rotate(RingName::Master, RotateMode::Activate, NOW)
        .unwrap();
    let never = Retirement::WhenUnneeded {
        now: UnixSeconds(u64::MAX),
        inactivity: Seconds(0),
        skew: Seconds(0),
    };
    assert_eq!(
        store.retire(old, never).unwrap_err().to_string(),
        format!("key {old} may still be needed")
    );
    store.retire(old, Retirement::Forced).unwrap();
    assert_eq!(state(&farm, old), None);
}

#[test]
fn a_revoked_key_can_be_retired_and_stays_revoked() {
    let farm = Farm::started();
    let store = farm.store();
    // Its file is all that says so.
    let revoked = key(HMAC, 5, KeyState::Revoked, 1);
    farm.put(&revoked);
    store.retire(revoked.id, WHEN).unwrap();
    assert!(!farm.path(HMAC, revoked.id).exists());
    assert!(farm.load().revoked.contains(revoked.id));
}

// K5
#[test]
fn inserting_is_a_union() {
    let farm = Farm::started();
    let store = farm.store();
    let mut stranger = key(HMAC, 6, KeyState::Active, 7);
    assert_eq!(store.insert(&stranger).unwrap(), Insertion::Added);
    assert_eq!(store.insert(&stranger).unwrap(), Insertion::Unchanged);
    stranger.state = KeyState::VerifyOnly;
    assert_eq!(store.insert(&stranger).unwrap(), Insertion::Advanced);
    stranger.state = KeyState::Pending;
    assert_eq!(store.insert(&stranger).unwrap(), Insertion::Unchanged);
    assert_eq!(state(&farm, stranger.id), Some(KeyState::VerifyOnly));

    farm.put_bytes(&farm.path(HMAC, stranger.id), b"{");
    stranger.state = KeyState::VerifyOnly;
    assert_eq!(store.insert(&stranger).unwrap(), Insertion::Repaired);
    assert!(farm.load().problems.is_empty());

    stranger.state = KeyState::Revoked;
    assert_eq!(store.insert(&stranger).unwrap(), Insertion::Advanced);
    fs::remove_file(farm.path(HMAC, stranger.id)).unwrap();
    stranger.state = KeyState::Active;
    assert_eq!(store.insert(&stranger).unwrap(), Insertion::Added);
    assert_eq!(state(&farm, stranger.id), Some(KeyState::Revoked));

    stranger.id = KeyId([0; 16]);
    assert!(matches!(
        store.insert(&stranger),
        Err(KeyError::Damaged { .. })
    ));
}

// K6
#[test]
fn rotators_at_the_same_time_end_with_one_key_that_makes_tokens() {
    let farm = Farm::started();
    std::thread::scope(|scope| {
        for mode in [
            RotateMode::Activate,
            RotateMode::Activate,
            RotateMode::Pending,
        ] {
            let farm = &farm;
            scope.spawn(move || {
                let store = farm.store();
                for _ in 0..10 {
                    let id = store.rotate(HMAC, mode, NOW).unwrap();
                    if mode == RotateMode::Pending {
                        store.activate(id, NOW).unwrap();
                    }
                }
            });
        }
    });
    let loaded = farm.load();
    assert_eq!(loaded.of(HMAC).count(), 31, "no key is lost");
    assert_eq!((active(&loaded, HMAC), loaded.problems.len()), (1, 0));
    assert_eq!(farm.leftovers(), 0);
}

// K6
#[test]
fn a_change_waits_for_the_one_before_it() {
    let farm = Farm::started();
    let held = Lock::acquire(&farm.keys().join(".lock")).unwrap();
    let (done, waiting) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let store = farm.store();
            done.send(store.rotate(HMAC, RotateMode::Activate, NOW))
                .unwrap();
        });
        let early = waiting.recv_timeout(std::time::Duration::from_millis(50));
        assert!(early.is_err(), "it did not wait");
        assert_eq!(farm.load().of(HMAC).count(), 1, "reading needs no lock");
        drop(held);
        assert!(waiting.recv().unwrap().is_ok());
    });
}

/// A farm with a verify-only, an active and a pending key, so that every change has something to do.
fn prepared() -> (Farm, [KeyId; 3]) {
    let farm = Farm::started();
    let store = farm.store();
    let old = farm.load().maker(HMAC).unwrap().id;
    let active = store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    let pending = store.rotate(HMAC, RotateMode::Pending, NOW).unwrap();
    (farm, [old, active, pending])
}

// Invariant 6
#[test]
fn no_change_that_fails_anywhere_loses_a_key() {
    type Change = fn(&KeyStore, [KeyId; 3]) -> Result<(), KeyError>;
    let changes: [(&str, Change); 7] = [
        ("rotate", |s, _| {
            s.rotate(HMAC, RotateMode::Activate, NOW).map(|_| ())
        }),
        ("rotate, pending", |s, _| {
            s.rotate(HMAC, RotateMode::Pending, NOW).map(|_| ())
        }),
        ("activate", |s, [_, _, pending]| s.activate(pending, NOW)),
        ("revoke", |s, [old, ..]| s.revoke(old)),
        ("retire", |s, [old, ..]| {
            s.retire(old, Retirement::Forced).map(drop)
        }),
        ("insert", |s, _| {
            s.insert(&key(HMAC, 9, KeyState::Active, 1)).map(|_| ())
        }),
        ("insert, revoked", |s, _| {
            s.insert(&key(HMAC, 9, KeyState::Revoked, 1)).map(|_| ())
        }),
    ];
    for (name, change) in changes {
        for accident in [Accident::Full, Accident::CrashBefore, Accident::CrashAfter] {
            for at in 0.. {
                let (farm, ids) = prepared();
                let disk = Faulty::new(accident, at);
                let result = change(&farm.on(disk.clone()), ids);
                if !disk.happened() {
                    result.unwrap();
                    assert!(at >= 2, "{name} has steps");
                    break;
                }
                let context = format!("{name}, {accident:?} at {at}");
                assert!(result.is_err(), "{context}");
                let loaded = farm.load();
                assert!(
                    loaded.problems.is_empty(),
                    "{context}: {:?}",
                    loaded.problems
                );
                let ring = loaded.ring();
                assert!(ring.active().is_some(), "{context}");
                let gives_up = matches!(name, "revoke" | "retire");
                for id in ids.iter().skip(usize::from(gives_up)) {
                    assert!(ring.verifying().any(|known| known == *id), "{context}");
                }
                assert_eq!(farm.leftovers(), 0, "{context}");
                // Whatever was done of it, doing it again completes it; what is gone is gone.
                match change(&farm.store(), ids) {
                    Ok(()) => {}
                    Err(KeyError::UnknownKey(_)) if name == "retire" => {}
                    Err(error) => panic!("{context}: {error}"),
                }
                assert!(farm.load().problems.is_empty(), "{context}");
            }
        }
    }
}

// K8
#[test]
fn a_revocation_that_crashed_after_its_first_record_holds() {
    let (farm, [old, ..]) = prepared();
    // Five steps write `revoked`; the sixth begins the key's file.
    let store = farm.on(Faulty::new(Accident::CrashBefore, 5));
    assert!(store.revoke(old).is_err());
    assert_eq!(state(&farm, old), Some(KeyState::Revoked));
}

#[test]
fn a_key_that_cannot_be_read_is_not_activated() {
    let (farm, [_, _, pending]) = prepared();
    farm.put_bytes(&farm.path(HMAC, pending), b"");
    let error = farm.store().activate(pending, NOW).unwrap_err();
    assert!(matches!(
        error,
        KeyError::Unusable {
            fault: KeyFault::Content(_),
            ..
        }
    ));
}

// K6: many find the key due at the same moment, and one of them makes another.
#[test]
fn rotators_that_meet_make_one_key() {
    let farm = Farm::started();
    let every = Seconds(3_600);
    let due = NOW.plus(every);
    let rotate = |now| farm.store().rotate_when_due(HMAC, every, now).unwrap();
    assert_eq!(rotate(due.minus(Seconds(1))), None);
    let made = std::thread::scope(|scope| {
        let rotators: Vec<_> = (0..8).map(|_| scope.spawn(|| rotate(due))).collect();
        let made = rotators.into_iter().map(|rotator| rotator.join().unwrap());
        made.flatten().count()
    });
    assert_eq!(made, 1);
    let keys = farm.load().keys;
    let active = |key: &&Key| key.ring == HMAC && key.state == KeyState::Active;
    assert_eq!(keys.iter().filter(active).count(), 1);
    assert_eq!(keys.iter().filter(|key| key.ring == HMAC).count(), 2);
    assert_eq!(rotate(due), None);
    assert!(rotate(due.plus(every)).is_some());
}

#[test]
fn what_is_missing_is_not_made_by_itself() {
    let farm = Farm::empty();
    farm.store().prepare().unwrap();
    let later = UnixSeconds(u64::MAX);
    let made = farm.store().rotate_when_due(HMAC, Seconds(1), later);
    assert_eq!(made.unwrap(), None);
    assert!(farm.load().keys.is_empty());
}

#[test]
fn a_sealing_key_goes_when_nothing_is_sealed_with_it() {
    let farm = Farm::started();
    let store = farm.store();
    let ring = RingName::Master;
    let old = farm.load().maker(ring).unwrap().id;
    let new = store.rotate(ring, RotateMode::Activate, NOW).unwrap();
    let other = farm.load().maker(HMAC).unwrap().id;
    let latest = store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    // The clock tells nothing about a key that seals, and nobody counts what a key of tokens made.
    assert!(matches!(
        store.retire(old, WHEN),
        Err(KeyError::TooEarly {
            removable_at: None,
            ..
        })
    ));
    let nothing_sealed = Retirement::NothingSealed;
    assert!(matches!(
        store.retire(other, nothing_sealed),
        Err(KeyError::TooEarly { .. })
    ));
    for active in [new, latest] {
        assert!(matches!(
            store.retire(active, nothing_sealed),
            Err(KeyError::NotRetirable { .. })
        ));
    }
    store.retire(old, nothing_sealed).unwrap();
    assert_eq!(state(&farm, old), None);
}
