use std::thread;

use signet_core::{KeyMaterial, UnixSeconds};
use signet_keys::{KeyStoreOptions, Retirement, RotateMode};
use tempfile::TempDir;

use super::*;

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

struct Site {
    _scratch: TempDir,
    store: KeyStore,
}

/// An instance that has no keys yet.
fn publish() -> Site {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("keys");
    let store = KeyStore::open(&path, KeyStoreOptions::default()).unwrap();
    store.prepare().unwrap();
    Site {
        _scratch: scratch,
        store,
    }
}

/// One that made the keys of its farm.
fn author() -> Site {
    let site = publish();
    site.store.create_if_missing(NOW).unwrap();
    site
}

impl Site {
    fn bundle(&self) -> KeyBundle {
        let loaded = self.store.load(None).unwrap();
        KeyBundle::gather(&loaded, |_| true, NOW).unwrap()
    }

    fn import(&self, bundle: &KeyBundle) -> ImportReport {
        bundle
            .import(&self.store, ForeignFarm::Refuse, Loss::Refuse)
            .unwrap()
    }

    /// What is known of every key.
    fn states(&self) -> Vec<(RingName, KeyId, KeyState)> {
        let loaded = self.store.load(None).unwrap();
        assert!(
            loaded.problems.iter().all(|problem| {
                let text = problem.reason();
                text.contains("is active")
            }),
            "{:?}",
            loaded.problems
        );
        let mut states: Vec<_> = loaded
            .keys
            .iter()
            .map(|key| (key.ring, key.id, key.state))
            .collect();
        states.sort();
        states
    }

    fn hmac(&self) -> KeyId {
        let loaded = self.store.load(None).unwrap();
        let key = loaded.keys.iter().find(|key| key.ring == RingName::Hmac);
        key.unwrap().id
    }

    fn rotate(&self) -> KeyId {
        let mode = RotateMode::Activate;
        self.store.rotate(RingName::Hmac, mode, NOW).unwrap()
    }
}

fn all(report: &ImportReport, insertion: Insertion) -> bool {
    report.keys.iter().all(|key| key.insertion == insertion)
}

#[test]
fn an_import_makes_the_keys_equal() {
    let (author, publish) = (author(), publish());
    author.rotate();
    let report = publish.import(&author.bundle());
    assert!(all(&report, Insertion::Added) && report.is_change());
    assert_eq!(report.keys.len(), 3);
    assert_eq!(publish.states(), author.states());
}

#[test]
fn replaying_an_old_bundle_changes_nothing() {
    let (author, publish) = (author(), publish());
    let old = author.bundle();
    publish.import(&old);
    let first = author.hmac();
    author.rotate();
    let report = publish.import(&author.bundle());
    let advanced = report.keys.iter().find(|key| key.id == first).unwrap();
    assert_eq!(advanced.insertion, Insertion::Advanced);
    let before = publish.states();
    for bundle in [&old, &author.bundle(), &old] {
        let report = publish.import(bundle);
        assert!(all(&report, Insertion::Unchanged) && !report.is_change());
        assert_eq!(publish.states(), before);
    }
}

// K5
#[test]
fn a_revoked_key_stays_revoked_in_both_directions() {
    let (author, publish) = (author(), publish());
    let old = author.bundle();
    publish.import(&old);
    let stolen = author.hmac();
    author.rotate();
    author.store.revoke(stolen).unwrap();

    let report = publish.import(&author.bundle());
    assert_eq!(report.revoked, [(RingName::Hmac, stolen)]);
    let revoked = (RingName::Hmac, stolen, KeyState::Revoked);
    assert!(publish.states().contains(&revoked));

    // What was on its way before brings it back nowhere.
    for site in [&publish, &author] {
        assert!(!site.import(&old).is_change());
        assert!(site.states().contains(&revoked));
    }
    // Not even where its file is gone.
    publish.store.retire(stolen, Retirement::Forced).unwrap();
    publish.import(&old);
    assert!(publish.states().contains(&revoked));
}

// K5
#[test]
fn a_revocation_arrives_without_the_key() {
    let (author, publish) = (author(), publish());
    publish.import(&author.bundle());
    let stolen = author.hmac();
    author.rotate();
    author.store.revoke(stolen).unwrap();
    let mut bundle = author.bundle();
    bundle.keys.clear();
    bundle
        .import(&publish.store, ForeignFarm::Refuse, Loss::Accept)
        .unwrap();
    let loaded = publish.store.load(None).unwrap();
    assert!(loaded.revoked.contains(stolen));
    let text = std::fs::read_to_string(
        publish
            .store
            .directory()
            .join("hmac")
            .join(format!("{stolen}.jwk")),
    );
    assert!(text.unwrap().contains("\"state\":\"revoked\""));
}

#[test]
fn a_key_that_the_bundle_calls_revoked_comes_in_as_revoked() {
    let (author, publish) = (author(), publish());
    let mut bundle = author.bundle();
    let id = author.hmac();
    bundle.revoked = [(RingName::Hmac, id)].into_iter().collect();
    publish.import(&bundle);
    assert!(
        publish
            .states()
            .contains(&(RingName::Hmac, id, KeyState::Revoked))
    );
}

// K11
#[test]
fn a_foreign_farm_is_refused_unless_farms_are_merged() {
    let (one, other) = (author(), author());
    let before = one.states();
    let error = other
        .bundle()
        .import(&one.store, ForeignFarm::Refuse, Loss::Refuse);
    let error = error.unwrap_err();
    assert!(matches!(&error, ImportError::ForeignFarm { .. }));
    assert!(error.hint().contains("--merge-farms"));
    assert_eq!(one.states(), before);

    let report = other
        .bundle()
        .import(&one.store, ForeignFarm::Merge, Loss::Refuse)
        .unwrap();
    assert!(all(&report, Insertion::Added));
    assert_eq!(one.states().len(), 4);
    // From then on it is one farm, and needs no word.
    assert!(!one.import(&other.bundle()).is_change());
}

// K11
#[test]
fn revocations_of_a_foreign_farm_are_refused_unless_farms_are_merged() {
    let (one, other) = (author(), author());
    let id = one.hmac();
    // So that the ring has another, and nothing but the farm stands in the way.
    one.rotate();
    let mut bundle = other.bundle();
    bundle.keys.clear();
    bundle.revoked = [(RingName::Hmac, id)].into_iter().collect();
    let before = one.states();
    let import = |foreign| bundle.import(&one.store, foreign, Loss::Accept);
    let error = import(ForeignFarm::Refuse).unwrap_err();
    assert!(
        matches!(&error, ImportError::ForeignFarm { theirs, .. } if *theirs == [bundle.farm.clone()]),
        "{error:?}"
    );
    assert!(error.to_string().contains(bundle.farm.as_str()));
    assert_eq!(one.states(), before);
    let report = import(ForeignFarm::Merge).unwrap();
    assert_eq!(report.revoked, [(RingName::Hmac, id)]);
}

// K5
#[test]
fn a_ring_is_not_left_without_an_active_key_unless_that_is_accepted() {
    let (author, publish) = (author(), publish());
    let first = author.bundle();
    publish.import(&first);
    let before = publish.states();
    let old = author.hmac();
    let new = author.rotate();
    let demoting = |key: &Key| key.id == old;
    let loaded = author.store.load(None).unwrap();
    let demoting = KeyBundle::gather(&loaded, demoting, NOW).unwrap();
    author.store.revoke(old).unwrap();
    let loaded = author.store.load(None).unwrap();
    let masters = |key: &Key| key.ring == RingName::Master;
    let revoking = KeyBundle::gather(&loaded, masters, NOW).unwrap();

    for (bundle, state) in [
        (&demoting, KeyState::VerifyOnly),
        (&revoking, KeyState::Revoked),
    ] {
        let error = bundle.import(&publish.store, ForeignFarm::Refuse, Loss::Refuse);
        let error = error.unwrap_err();
        let ImportError::Emptied(rings) = &error else {
            panic!("{error:?}");
        };
        let lost = EmptiedRing {
            ring: RingName::Hmac,
            keys: vec![(old, state)],
        };
        assert_eq!(*rings, [lost]);
        let text = error.to_string();
        assert!(text.contains(&format!("{old} {state}")), "{text}");
        assert!(error.hint().contains("--yes"));
        assert_eq!(publish.states(), before);
        assert!(publish.store.revoked().unwrap().ids().len() == 0);
    }

    // With the new key nothing is lost.
    let other = self::publish();
    other.import(&first);
    other.import(&author.bundle());
    let active = (RingName::Hmac, new, KeyState::Active);
    assert!(other.states().contains(&active));

    // And in need it goes without.
    revoking
        .import(&publish.store, ForeignFarm::Refuse, Loss::Accept)
        .unwrap();
    let revoked = (RingName::Hmac, old, KeyState::Revoked);
    assert!(publish.states().contains(&revoked));
    // Where there is nothing to lose any more, nothing is asked.
    assert!(!publish.import(&revoking).is_change());
}

#[test]
fn a_damaged_file_is_repaired() {
    let (author, publish) = (author(), publish());
    publish.import(&author.bundle());
    let id = author.hmac();
    let path = publish
        .store
        .directory()
        .join("hmac")
        .join(format!("{id}.jwk"));
    signet_keys::atomic::write(&path, b"<html>").unwrap();
    let report = publish.import(&author.bundle());
    let key = report.keys.iter().find(|key| key.id == id).unwrap();
    assert_eq!(key.insertion, Insertion::Repaired);
    assert_eq!(publish.states(), author.states());
}

#[test]
fn stopping_anywhere_leaves_a_ring_that_works_and_doing_it_again_finishes_it() {
    let author = author();
    let first = author.hmac();
    author.rotate();
    author.store.revoke(first).unwrap();
    author.rotate();
    let bundle = author.bundle();
    // What the import writes, cut off after each key.
    let publish = publish();
    let complete = publish.import(&bundle);
    for done in 0..complete.keys.len() {
        let cut = self::publish();
        let ids: Vec<_> = complete.keys.iter().take(done).map(|key| key.id).collect();
        let mut part = bundle.clone();
        part.revoked = Revocations::default();
        part.keys.retain(|key| ids.contains(&key.id));
        cut.import(&part);
        let states = cut.states();
        let active = |ring| {
            let is =
                |key: &&(RingName, KeyId, KeyState)| key.0 == ring && key.2 == KeyState::Active;
            states.iter().filter(is).count()
        };
        let present = |ring| states.iter().any(|key| key.0 == ring);
        for ring in RingName::ALL {
            assert!(!present(ring) || active(ring) == 1, "{done}: {states:?}");
        }
        cut.import(&bundle);
        assert_eq!(cut.states(), publish.states());
    }
}

#[test]
fn two_imports_at_once_end_as_one_after_the_other() {
    let (author, publish) = (author(), publish());
    let old = author.bundle();
    let stolen = author.hmac();
    author.rotate();
    author.store.revoke(stolen).unwrap();
    let new = author.bundle();
    thread::scope(|scope| {
        for bundle in [&old, &new, &old, &new] {
            let store = &publish.store;
            scope.spawn(move || {
                bundle
                    .import(store, ForeignFarm::Refuse, Loss::Refuse)
                    .unwrap()
            });
        }
    });
    assert!(
        publish
            .states()
            .contains(&(RingName::Hmac, stolen, KeyState::Revoked))
    );
    assert_eq!(publish.states().len(), author.states().len());
    assert!(!publish.import(&new).is_change());
}

#[test]
fn nothing_is_written_when_something_cannot_be_read() {
    let (author, publish) = (author(), publish());
    publish.import(&author.bundle());
    author.rotate();
    let revoked = publish.store.directory().join("revoked");
    signet_keys::atomic::write(&revoked, b"nonsense\n").unwrap();
    let error = author
        .bundle()
        .import(&publish.store, ForeignFarm::Refuse, Loss::Refuse);
    assert!(error.unwrap_err().hint().contains("line"));
    std::fs::remove_file(revoked).unwrap();
    assert_eq!(publish.states().len(), 2);
}

#[test]
fn a_key_whose_id_is_not_its_own_is_refused() {
    let (author, publish) = (author(), publish());
    let mut bundle = author.bundle();
    if let Some(key) = bundle.keys.first_mut() {
        key.material = KeyMaterial::new([1; 32]);
    }
    let error = bundle.import(&publish.store, ForeignFarm::Refuse, Loss::Refuse);
    assert!(matches!(
        error,
        Err(ImportError::Keys(KeyError::Damaged { .. }))
    ));
    assert_eq!(publish.states().len(), 0);
}
