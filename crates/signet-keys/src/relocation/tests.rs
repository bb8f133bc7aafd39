mod faults;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;

use signet_core::{Key, KeyId, KeyState, RingName};
use zeroize::Zeroizing;

use super::*;
use crate::testing::{Farm, NOW, Rows, key};
use crate::{Custody, KeyError, KeyStore, RotateMode};

const HMAC: RingName = RingName::Hmac;
const MASTER: RingName = RingName::Master;
const FILE: Destination = Destination::Place(ProviderName::File);
const REPOSITORY: Destination = Destination::Place(ProviderName::Repository);

/// Hides nothing, but notices every altered byte.
struct Sealer;

impl BackupSealer for Sealer {
    fn seal(&self, plain: &[u8]) -> io::Result<Vec<u8>> {
        let sum = plain
            .iter()
            .fold(7u8, |sum, byte| sum.rotate_left(1) ^ byte);
        Ok(plain.iter().map(|byte| byte ^ 0x5a).chain([sum]).collect())
    }

    fn open(&self, sealed: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        let (_, plain) = sealed.split_last().ok_or(io::ErrorKind::InvalidData)?;
        let plain: Vec<u8> = plain.iter().map(|byte| byte ^ 0x5a).collect();
        match self.seal(&plain)? == sealed {
            true => Ok(Zeroizing::new(plain)),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Remembers the steps, and what was tried with which keys.
#[derive(Default)]
struct Aide {
    steps: Vec<StepReport>,
    before: Vec<KeyId>,
    after: Vec<KeyId>,
    refuses: bool,
}

impl RelocationAide for Aide {
    fn took(&mut self, report: &StepReport) {
        self.steps.push(report.clone());
    }

    fn before(&mut self, keys: &LoadedKeys) -> Result<String, CheckFailure> {
        self.before = keys.keys.iter().map(|key| key.id).collect();
        Ok("2 of 2 open".into())
    }

    fn after(&mut self, keys: &LoadedKeys) -> Result<String, CheckFailure> {
        self.after = keys.keys.iter().map(|key| key.id).collect();
        match self.refuses {
            true => Err("one does not open".into()),
            false => Ok("2 of 2 open".into()),
        }
    }
}

/// An installation with three keys, one of them verify-only.
struct Place {
    farm: Farm,
    rows: Arc<Rows>,
}

impl Place {
    /// With all keys in `provider`, which `storage` names.
    fn with(provider: ProviderName) -> Self {
        let farm = Farm::empty();
        let rows = farm.rows();
        farm.store_with(&rows).prepare().unwrap();
        let place = Self { farm, rows };
        place.storage(provider.as_str());
        for key in three() {
            match provider {
                ProviderName::File => drop(place.farm.put(&key)),
                ProviderName::Repository => place.rows.put_key(&key),
            }
        }
        place
    }

    fn storage(&self, text: &str) {
        fs::write(self.farm.keys().join("storage"), text).unwrap();
    }

    fn store(&self) -> KeyStore {
        self.farm.store_with(&self.rows)
    }

    fn backups(&self) -> PathBuf {
        self.farm.root.path().join("backups")
    }

    fn order(&self, to: Destination) -> RelocationOrder {
        RelocationOrder {
            to,
            intent: Intent::Do,
            backups: self.backups(),
            now: NOW,
        }
    }

    fn relocation(&self) -> Relocation {
        let options = KeyStoreOptions {
            repository: Some(self.rows.clone()),
            ..KeyStoreOptions::default()
        };
        Relocation::new(&self.farm.keys(), options)
    }

    fn run(&self, to: Destination) -> Result<Relocated, RelocationFailure> {
        self.run_with(to, &mut Aide::default())
    }

    fn run_with(&self, to: Destination, aide: &mut Aide) -> Result<Relocated, RelocationFailure> {
        self.relocation().run(&self.order(to), &Sealer, aide)
    }

    /// All files with what they hold, but for the lock; and the rows.
    fn snapshot(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut directories = vec![self.farm.root.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => directories.push(path),
                    false if path.ends_with(".lock") => {}
                    false => drop(files.insert(path.clone(), fs::read(&path).unwrap())),
                }
            }
        }
        files
    }

    fn states(&self) -> Vec<(KeyId, KeyState)> {
        let loaded = self.store().load(None).unwrap();
        let mut states: Vec<_> = loaded.keys.iter().map(|key| (key.id, key.state)).collect();
        states.sort_unstable();
        states
    }

    /// Everything is in one place, and nothing points elsewhere.
    #[track_caller]
    fn is_settled(&self, provider: ProviderName) {
        let loaded = self.store().load(None).unwrap();
        assert_eq!(crate::testing::reasons(&loaded), Vec::<String>::new());
        let storage = fs::read(self.farm.keys().join("storage")).unwrap();
        assert_eq!(storage, provider.as_str().as_bytes());
        assert!(!self.farm.keys().join(JOURNAL).exists());
        for census in self.store().census() {
            assert_eq!(census.in_use, census.provider == provider);
            assert_eq!(census.keys.is_empty(), census.provider != provider);
        }
        assert_eq!(self.farm.leftovers(), 0);
    }
}

fn three() -> [Key; 3] {
    [
        key(HMAC, 0x31, KeyState::VerifyOnly, 1),
        key(HMAC, 0x32, KeyState::Active, 2),
        key(MASTER, 0x33, KeyState::Active, 3),
    ]
}

fn all_states() -> Vec<(KeyId, KeyState)> {
    let mut states: Vec<_> = three().iter().map(|key| (key.id, key.state)).collect();
    states.sort_unstable();
    states
}

#[test]
fn keys_move_from_the_repository_into_files() {
    let place = Place::with(ProviderName::Repository);
    let mut aide = Aide::default();
    let moved = place.run_with(FILE, &mut aide).unwrap();
    assert_eq!((moved.deed, moved.keys), (Deed::Moved, 3));
    let steps: Vec<_> = aide.steps.iter().map(|report| report.step).collect();
    assert_eq!(steps, RelocationStep::ALL);
    assert!(aide.steps.iter().all(|report| report.is_done));
    assert_eq!((aide.before.len(), &aide.after), (3, &aide.before));
    place.is_settled(ProviderName::File);
    assert_eq!(place.states(), all_states());

    let backup = moved.backup.unwrap();
    assert_eq!(
        relocation_backups(&place.backups()),
        std::slice::from_ref(&backup)
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&backup), mode(&place.backups())), (0o600, 0o700));

    // O6
    let needles = needle::Needles::of(&three());
    for path in place.rows.traces() {
        assert_eq!(needles.find(&path).unwrap(), None);
    }
    assert!(needles.find(&backup).unwrap().is_none());

    let again = place.run(FILE).unwrap();
    assert_eq!((again.deed, again.backup), (Deed::Nothing, None));
}

#[test]
fn keys_move_into_the_repository_and_back() {
    let place = Place::with(ProviderName::File);
    assert_eq!(place.run(REPOSITORY).unwrap().deed, Deed::Moved);
    place.is_settled(ProviderName::Repository);
    assert_eq!((place.states(), place.rows.len()), (all_states(), 3));
    assert_eq!(place.run(REPOSITORY).unwrap().deed, Deed::Nothing);
    assert_eq!(place.run(FILE).unwrap().deed, Deed::Moved);
    place.is_settled(ProviderName::File);
    assert_eq!(place.states(), all_states());
}

// The upgrade that looked for the keys in files while they were in the repository, and any other nonsense in `storage`.
#[test]
fn the_keys_are_found_whatever_storage_says() {
    for says in ["file", "file\n", "Bundle", "", "repository\r\n"] {
        let place = Place::with(ProviderName::Repository);
        place.storage(says);
        place.run(FILE).unwrap();
        place.is_settled(ProviderName::File);
        assert_eq!(place.states(), all_states(), "{says:?}");
    }
    let place = Place::with(ProviderName::Repository);
    fs::remove_file(place.farm.keys().join("storage")).unwrap();
    place.run(REPOSITORY).unwrap();
    place.is_settled(ProviderName::Repository);
}

// K5
#[test]
fn keys_in_both_places_become_one_and_the_later_state_wins() {
    let place = Place::with(ProviderName::Repository);
    let [old, active, _] = three();
    place.farm.put(&Key {
        state: KeyState::Active,
        ..old.clone()
    });
    place.farm.put(&Key {
        state: KeyState::VerifyOnly,
        ..active.clone()
    });
    let new = key(HMAC, 0x34, KeyState::Active, 9);
    place.farm.put(&new);
    place.run(FILE).unwrap();
    place.is_settled(ProviderName::File);
    let states: BTreeMap<_, _> = place.states().into_iter().collect();
    assert_eq!(states.len(), 4);
    assert_eq!(states[&old.id], KeyState::VerifyOnly);
    assert_eq!(states[&active.id], KeyState::VerifyOnly);
    assert_eq!(states[&new.id], KeyState::Active);
}

// K5
#[test]
fn a_revoked_key_stays_revoked_wherever_it_goes() {
    let place = Place::with(ProviderName::Repository);
    let [old, ..] = three();
    place.store().revoke(old.id).unwrap();
    // The copy in the other place knows nothing of it.
    place.farm.put(&old);
    place.run(FILE).unwrap();
    place.is_settled(ProviderName::File);
    let states: BTreeMap<_, _> = place.states().into_iter().collect();
    assert_eq!(states[&old.id], KeyState::Revoked);
}

#[test]
fn showing_changes_nothing_and_names_every_step() {
    for provider in ProviderName::ALL {
        let place = Place::with(provider);
        let before = place.snapshot();
        let mut aide = Aide::default();
        let order = RelocationOrder {
            intent: Intent::Show,
            ..place.order(Destination::Place(provider.other()))
        };
        let shown = place.relocation().run(&order, &Sealer, &mut aide).unwrap();
        assert_eq!((shown.deed, shown.backup), (Deed::Shown, None));
        let steps: Vec<_> = aide.steps.iter().map(|report| report.step).collect();
        assert_eq!(steps, RelocationStep::ALL);
        let done = aide.steps.iter().filter(|report| report.is_done).count();
        assert_eq!(done, 4);
        assert_eq!(place.snapshot(), before);
        assert!(!place.backups().exists());
    }
}

#[test]
fn what_no_longer_opens_puts_everything_back() {
    for provider in ProviderName::ALL {
        let place = Place::with(provider);
        let before = place.snapshot();
        let mut aide = Aide {
            refuses: true,
            ..Aide::default()
        };
        let to = Destination::Place(provider.other());
        let failure = place.run_with(to, &mut aide).unwrap_err();
        assert_eq!(failure.step, RelocationStep::OpenAgain);
        assert!(matches!(failure.aftermath, Aftermath::PutBack));
        assert_eq!(
            failure.to_string(),
            "the keys were not moved: step 13 of 15 failed; everything is as it was before"
        );
        assert_eq!(place.snapshot(), before);
    }
}

#[test]
fn a_damaged_key_is_named_and_nothing_is_changed() {
    let place = Place::with(ProviderName::Repository);
    let [old, ..] = three();
    place.rows.put(HMAC, &old.id.to_string(), b"{\"kty\":");
    place.rows.put(HMAC, &"0".repeat(32), b"<html>");
    let before = place.snapshot();
    let failure = place.run(FILE).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the keys were not moved: step 2 of 15 failed; nothing was changed"
    );
    let details = failure.error.details();
    assert_eq!(details.len(), 2);
    assert!(details[1].contains(&old.id.to_string()), "{details:?}");
    assert!(details[1].ends_with("it is cut off: it ends in the middle"));
    assert_eq!(place.snapshot(), before);

    // With a good copy in the other place it is mended.
    place.rows.remove(HMAC, KeyId([0; 16])).unwrap();
    place.farm.put(&old);
    place.run(FILE).unwrap();
    place.is_settled(ProviderName::File);
    assert_eq!(place.states(), all_states());
}

#[test]
fn a_damaged_copy_in_the_new_place_is_written_over() {
    let place = Place::with(ProviderName::Repository);
    let [old, ..] = three();
    let path = place.farm.path(HMAC, old.id);
    place.farm.put_bytes(&path, b"");
    place.run(FILE).unwrap();
    place.is_settled(ProviderName::File);
    assert_eq!(place.states(), all_states());
}

#[test]
fn foreign_things_in_the_way_are_named_and_left_alone() {
    type Obstacle = fn(&Place);
    let obstacles: [(&str, Obstacle, &str); 6] = [
        (
            "backups",
            |place| fs::write(place.backups(), "").unwrap(),
            "it is not a directory",
        ),
        (
            "relocation",
            |place| fs::write(place.farm.keys().join(JOURNAL), "buy milk").unwrap(),
            "it is no note about moving the keys",
        ),
        (
            "storage",
            |place| {
                let storage = place.farm.keys().join("storage");
                fs::remove_file(&storage).unwrap();
                fs::create_dir(&storage).unwrap();
            },
            "it is a directory, not a file",
        ),
        (
            "hmac",
            |place| {
                fs::remove_dir(place.farm.keys().join("hmac")).unwrap();
                fs::write(place.farm.keys().join("hmac"), "").unwrap();
            },
            "it is not a directory",
        ),
        (
            ".jwk",
            |place| fs::create_dir(place.farm.path(HMAC, three()[0].id)).unwrap(),
            "it is a directory, not a file",
        ),
        (
            "keys",
            |place| {
                let mode = fs::Permissions::from_mode(0o750);
                fs::set_permissions(place.farm.keys(), mode).unwrap();
            },
            "its mode is 0750",
        ),
    ];
    for (name, obstacle, reason) in obstacles {
        let place = Place::with(ProviderName::Repository);
        obstacle(&place);
        let before = place.snapshot();
        let failure = place.run(FILE).unwrap_err();
        assert!(matches!(failure.aftermath, Aftermath::Untouched), "{name}");
        let mut text = failure.error.details().join("\n");
        let mut error: Option<&dyn std::error::Error> = Some(&failure);
        while let Some(cause) = error {
            text.push_str(&format!("\n{cause}"));
            error = cause.source();
        }
        assert!(text.contains(reason) && text.contains(name), "{text}");
        assert!(!failure.hint().is_empty());
        assert_eq!(place.snapshot(), before, "{name}");
    }
}

#[test]
fn a_mounted_secret_is_left_alone() {
    let place = Place::with(ProviderName::File);
    let options = KeyStoreOptions {
        custody: Custody::Mounted,
        repository: Some(place.rows.clone()),
    };
    let failure = Relocation::new(&place.farm.keys(), options)
        .run(&place.order(REPOSITORY), &Sealer, &mut Aide::default())
        .unwrap_err();
    assert!(matches!(
        failure.error,
        RelocationError::Keys(KeyError::Mounted { .. })
    ));
    assert!(failure.hint().contains("keys.custody"));
    assert_eq!(place.rows.len(), 0);
}

#[test]
fn without_keys_there_is_nothing_to_move() {
    let place = Place::with(ProviderName::File);
    for key in three() {
        fs::remove_file(place.farm.path(key.ring, key.id)).unwrap();
    }
    let failure = place.run(REPOSITORY).unwrap_err();
    assert!(matches!(failure.error, RelocationError::NoKeys));
    let alone = Relocation::new(&place.farm.keys(), KeyStoreOptions::default());
    let failure = alone
        .run(&place.order(REPOSITORY), &Sealer, &mut Aide::default())
        .unwrap_err();
    assert!(matches!(failure.error, RelocationError::NoRepository));
}

// O6: keys that somebody removed by hand before.
#[test]
fn bytes_that_others_left_behind_are_removed() {
    let place = Place::with(ProviderName::Repository);
    for key in three() {
        place.farm.put(&key);
        place.rows.remove(key.ring, key.id).unwrap();
    }
    place.storage("file");
    let needles = needle::Needles::of(&three());
    let file = &place.rows.traces()[0];
    assert!(needles.find(file).unwrap().is_some());
    assert_eq!(place.run(FILE).unwrap().deed, Deed::Moved);
    assert_eq!(needles.find(file).unwrap(), None);
    place.is_settled(ProviderName::File);
}

#[test]
fn going_back_restores_the_place_and_what_was_lost() {
    let place = Place::with(ProviderName::Repository);
    place.run(FILE).unwrap();
    let [old, active, master] = three();
    let store = place.store();
    // Since then: a rotation, a revocation, a retired key, and a lost one.
    let new = store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    store.revoke(old.id).unwrap();
    store.retire(active.id, crate::Retirement::Forced).unwrap();
    fs::remove_file(place.farm.path(MASTER, master.id)).unwrap();

    let moved = place.run(Destination::Back).unwrap();
    assert_eq!(
        (moved.to, moved.deed),
        (ProviderName::Repository, Deed::Moved)
    );
    place.is_settled(ProviderName::Repository);
    let states: BTreeMap<_, _> = place.states().into_iter().collect();
    assert_eq!(states[&old.id], KeyState::Revoked);
    assert_eq!(states[&active.id], KeyState::VerifyOnly);
    assert_eq!(states[&master.id], KeyState::Active);
    assert_eq!(states[&new], KeyState::Active);
    assert_eq!(relocation_backups(&place.backups()).len(), 2);

    // Once more is no way forth again.
    let again = place.run(Destination::Back).unwrap();
    assert_eq!(
        (again.to, again.deed),
        (ProviderName::Repository, Deed::Nothing)
    );
    place.is_settled(ProviderName::Repository);
}

#[test]
fn a_backup_that_is_altered_or_missing_is_named() {
    let place = Place::with(ProviderName::Repository);
    let failure = place.run(Destination::Back).unwrap_err();
    assert!(matches!(failure.error, RelocationError::NoBackup { .. }));
    let backup = place.run(FILE).unwrap().backup.unwrap();
    let mut bytes = fs::read(&backup).unwrap();
    bytes[40] ^= 1;
    fs::write(&backup, bytes).unwrap();
    let before = place.snapshot();
    let failure = place.run(Destination::Back).unwrap_err();
    assert!(matches!(failure.error, RelocationError::Opening { .. }));
    assert_eq!(place.snapshot(), before);
}

// K6
#[test]
fn two_moves_at_once_are_one() {
    let place = Place::with(ProviderName::Repository);
    let deeds: Vec<_> = std::thread::scope(|scope| {
        let run = || place.run(FILE).unwrap().deed;
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let moved = deeds.iter().filter(|deed| **deed == Deed::Moved).count();
    assert_eq!((moved, deeds.len()), (1, 4));
    place.is_settled(ProviderName::File);
    assert_eq!(relocation_backups(&place.backups()).len(), 1);
}

/// Whoever starts, or runs, while the keys go back and forth has all of them at every moment, and hears no complaint.
// Invariant 6
#[test]
fn a_reader_never_misses_a_key() {
    let place = Place::with(ProviderName::Repository);
    let finished = std::sync::atomic::AtomicBool::new(false);
    let relocation = place.relocation();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for to in [
                FILE,
                REPOSITORY,
                FILE,
                Destination::Back,
                FILE,
                REPOSITORY,
                FILE,
            ] {
                let order = place.order(to);
                relocation
                    .run(&order, &Sealer, &mut Aide::default())
                    .unwrap();
            }
            finished.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        let store = place.store();
        let mut running = store.load(None).unwrap();
        while !finished.load(std::sync::atomic::Ordering::SeqCst) {
            let starting = store.load(None).unwrap();
            running = store.load(Some(&running)).unwrap();
            for loaded in [&starting, &running] {
                assert_eq!(crate::testing::reasons(loaded), Vec::<String>::new());
                assert_eq!(loaded.keys.len(), 3);
            }
        }
    });
}

// K9
#[test]
fn nothing_that_is_said_holds_a_key() {
    let place = Place::with(ProviderName::Repository);
    let mut aide = Aide::default();
    let moved = place.run_with(FILE, &mut aide).unwrap();
    aide.refuses = true;
    let failure = place.run_with(REPOSITORY, &mut aide).unwrap_err();
    let relocation = place.relocation();
    let said = format!("{:?} {moved:?} {failure:?} {relocation:?}", aide.steps);
    assert_eq!(
        needle::Needles::of(&three())
            .find_in(said.as_bytes())
            .unwrap(),
        None
    );
    let journal = fs::read(place.farm.keys().join("storage")).unwrap();
    assert_eq!(journal, b"file");
}
