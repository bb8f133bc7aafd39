use std::fs;

use signet_core::{KeyState, RingName};

use super::*;
use crate::testing::{Accident, Farm, Faulty, NOW, key, reasons};
use crate::{KeyError, RotateMode};

const HMAC: RingName = RingName::Hmac;

/// An installation whose keys are in the repository, while `storage` says `says`.
fn moved_wrongly(says: &str) -> (Farm, std::sync::Arc<crate::testing::Rows>) {
    let farm = Farm::empty();
    let rows = farm.rows();
    farm.store_with(&rows).prepare().unwrap();
    fs::write(farm.keys().join("storage"), says).unwrap();
    rows.put_key(&key(HMAC, 1, KeyState::Active, 1));
    rows.put_key(&key(RingName::Master, 2, KeyState::Active, 2));
    (farm, rows)
}

// The situation of an upgrade that looks for the keys in another place than they are.
#[test]
fn keys_in_the_other_place_are_named_and_none_is_made() {
    let (farm, rows) = moved_wrongly("file\n");
    let store = farm.store_with(&rows);
    assert_eq!(store.create_if_missing(NOW).unwrap(), []);
    let loaded = store.load(None).unwrap();
    assert!(loaded.keys.is_empty());
    assert_eq!(
        reasons(&loaded),
        ["it says \"file\", but the keys of hmac and master are in the repository [unused]"]
    );
    assert!(
        loaded.problems[0]
            .hint()
            .starts_with("signet keys relocate --to file")
    );
    assert_eq!(loaded.problems[0].path, farm.keys().join("storage"));
    let error = store.rotate(HMAC, RotateMode::Activate, NOW).unwrap_err();
    assert!(matches!(error, KeyError::Elsewhere { ring: HMAC, .. }));
    assert!(error.hint().contains("relocate --to file"));
}

#[test]
fn a_running_instance_keeps_the_keys_of_a_place_that_is_no_longer_named() {
    let (farm, rows) = moved_wrongly("repository");
    let store = farm.store_with(&rows);
    let first = store.load(None).unwrap();
    assert_eq!((first.keys.len(), first.problems.len()), (2, 0));
    fs::write(farm.keys().join("storage"), "file").unwrap();
    let second = store.load(Some(&first)).unwrap();
    assert_eq!(second.keys.len(), 2);
    assert_eq!(
        reasons(&second),
        ["it says \"file\", but the keys of hmac and master are in the repository [kept]"]
    );
    // Nothing was written into the wrong place meanwhile.
    assert_eq!(store.census()[0].keys, []);
}

#[test]
fn keys_in_both_places_are_told_apart() {
    let (farm, rows) = moved_wrongly("repository");
    let store = farm.store_with(&rows);
    farm.put(&key(HMAC, 1, KeyState::VerifyOnly, 1));
    farm.put(&key(HMAC, 3, KeyState::Active, 3));
    let loaded = store.load(None).unwrap();
    assert_eq!(loaded.keys.len(), 2);
    assert_eq!(
        reasons(&loaded),
        [
            "it says \"repository\", but keys are in files, too: 1 key, copied from here, and 1 key, not in use [noted]"
        ]
    );
    let census = store.census();
    assert_eq!(census.len(), 2);
    assert_eq!(
        (census[0].provider, census[0].in_use, census[0].keys.len()),
        (ProviderName::File, false, 2)
    );
    assert_eq!(
        (census[1].provider, census[1].in_use, census[1].keys.len()),
        (ProviderName::Repository, true, 2)
    );
}

#[test]
fn what_is_retired_goes_from_both_places() {
    let (farm, rows) = moved_wrongly("repository");
    let store = farm.store_with(&rows);
    let old = key(HMAC, 4, KeyState::VerifyOnly, 1);
    rows.put_key(&old);
    farm.put(&old);
    store.retire(old.id, crate::Retirement::Forced).unwrap();
    assert!(
        store
            .census()
            .iter()
            .all(|place| place.keys.iter().all(|(_, id, _)| *id != old.id))
    );
}

// O6
#[test]
fn no_byte_of_what_is_retired_is_left_in_either_place() {
    for storage in ["repository", "file"] {
        let (farm, rows) = moved_wrongly(storage);
        let store = farm.store_with(&rows);
        let old = key(HMAC, 7, KeyState::VerifyOnly, 1);
        rows.put_key(&old);
        farm.put(&old);
        let retired = store.retire(old.id, crate::Retirement::Forced).unwrap();
        assert_eq!(retired.from.as_str(), storage);
        assert!(retired.left.is_none(), "{retired:?}");
        let needles = crate::relocation::Needles::of([&old]);
        for path in rows.traces() {
            assert_eq!(needles.find(&path).unwrap(), None, "{storage}");
        }
    }
}

// O6
#[test]
fn what_could_not_be_cleaned_is_told_and_the_key_is_gone() {
    let (farm, rows) = moved_wrongly("repository");
    let old = key(HMAC, 7, KeyState::VerifyOnly, 1);
    rows.put_key(&old);
    // The row is removed in the first step, and cleaned up after in the second.
    let faulty = Faulty::new(Accident::Full, 1);
    let store = farm.store_with(&rows.on(&faulty));
    let retired = store.retire(old.id, crate::Retirement::Forced).unwrap();
    assert!(
        matches!(retired.left, Some(crate::KeyError::Provider { .. })),
        "{retired:?}"
    );
    assert!(
        store
            .load(None)
            .unwrap()
            .keys
            .iter()
            .all(|key| key.id != old.id)
    );

    // Somebody wrote what was removed into the file again.
    rows.put_key(&old);
    rows.put(HMAC, "stray", crate::encode_key_file(&old).as_bytes());
    let retired = farm
        .store_with(&rows)
        .retire(old.id, crate::Retirement::Forced)
        .unwrap();
    let left = retired.left.unwrap();
    assert!(
        matches!(left, crate::KeyError::Traces { id, .. } if id == old.id),
        "{left:?}"
    );
    assert!(!left.hint().is_empty());
}

#[test]
fn a_row_that_is_no_key_is_named() {
    let (farm, rows) = moved_wrongly("repository");
    rows.put(HMAC, &"0".repeat(32), b"<html>");
    let loaded = farm.store_with(&rows).load(None).unwrap();
    assert_eq!(loaded.keys.len(), 2);
    assert_eq!(
        reasons(&loaded),
        ["it is a web page, not a key (a saved login page?) [unused]"]
    );
    assert!(loaded.problems[0].hint().contains("signet keys import"));
}

#[test]
fn changes_of_rows_and_of_storage_are_noticed() {
    let (farm, rows) = moved_wrongly("repository");
    let store = farm.store_with(&rows);
    let mut watch = store.watch();
    assert!(!watch.poll());
    store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    assert!(watch.poll() && !watch.poll());
    fs::write(farm.keys().join("storage"), "file").unwrap();
    assert!(watch.poll() && !watch.poll());
    // Rows that are not in use are not asked for: that would keep the repository open.
    rows.put(HMAC, &"0".repeat(32), b"key");
    assert!(!watch.poll());
    fs::write(farm.keys().join("storage"), "repository").unwrap();
    assert!(watch.poll() && !watch.poll());
}
