//! What the tests of this crate share.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use signet_core::{Key, KeyId, KeyMaterial, KeyState, RingName, UnixSeconds};
use tempfile::TempDir;

use crate::custody::Guard;
use crate::disk::{Disk, Os};
use crate::{Custody, KeyError, KeyStore, KeyStoreOptions, LoadedKeys, jwk};

pub(crate) const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

/// A key whose bits are `seed` thirty-two times.
pub(crate) fn key(ring: RingName, seed: u8, state: KeyState, created: u64) -> Key {
    let mut key = Key::new(
        ring,
        "farm".parse().unwrap(),
        KeyMaterial::new([seed; 32]),
        UnixSeconds(created),
    );
    key.state = state;
    key
}

/// A directory of keys in a temporary place.
pub(crate) struct Farm {
    pub(crate) root: TempDir,
}

impl Farm {
    /// A directory as the first start leaves it: one active key in each ring.
    pub(crate) fn started() -> Self {
        let farm = Self::empty();
        farm.store().create_if_missing(NOW).unwrap();
        farm
    }

    pub(crate) fn empty() -> Self {
        Self {
            root: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.root.path().join("keys")
    }

    pub(crate) fn path(&self, ring: RingName, id: KeyId) -> PathBuf {
        self.keys().join(ring.as_str()).join(format!("{id}.jwk"))
    }

    pub(crate) fn store(&self) -> KeyStore {
        self.open(Custody::Private).unwrap()
    }

    pub(crate) fn open(&self, custody: Custody) -> Result<KeyStore, KeyError> {
        let options = KeyStoreOptions {
            custody,
            ..KeyStoreOptions::default()
        };
        KeyStore::open(&self.keys(), options)
    }

    pub(crate) fn on(&self, disk: Arc<dyn Disk>) -> KeyStore {
        KeyStore::open_on(&self.keys(), Guard::new(Custody::Private), disk, None).unwrap()
    }

    pub(crate) fn load(&self) -> LoadedKeys {
        self.store().load(None).unwrap()
    }

    /// Puts a key's file there, as `cp -p` would.
    pub(crate) fn put(&self, key: &Key) -> PathBuf {
        let path = self.path(key.ring, key.id);
        self.put_bytes(&path, jwk::encode_key_file(key).as_bytes());
        path
    }

    pub(crate) fn put_bytes(&self, path: &Path, bytes: &[u8]) {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(path).unwrap().write_all(bytes).unwrap();
    }

    /// The names of what temporary files are there.
    pub(crate) fn leftovers(&self) -> usize {
        let directories = [
            self.keys(),
            self.keys().join("hmac"),
            self.keys().join("master"),
        ];
        directories
            .iter()
            .filter_map(|directory| fs::read_dir(directory).ok())
            .flatten()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(".tmp-"))
            .count()
    }
}

/// One line for each problem, with only the file's name.
pub(crate) fn reasons(loaded: &LoadedKeys) -> Vec<String> {
    loaded
        .problems
        .iter()
        .map(|problem| format!("{} [{}]", problem.reason(), problem.effect.as_str()))
        .collect()
}

/// How a step goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accident {
    /// The step reports a full disk; what follows works.
    Full,
    /// Power is lost before the step: nothing works from then on.
    CrashBefore,
    /// Power is lost after the step.
    CrashAfter,
}

/// A disk on which the step with the given number goes wrong.
#[derive(Debug)]
pub(crate) struct Faulty {
    accident: Accident,
    at: usize,
    steps: AtomicUsize,
    pub(crate) log: Mutex<Vec<&'static str>>,
}

impl Faulty {
    pub(crate) fn new(accident: Accident, at: usize) -> Arc<Self> {
        Arc::new(Self {
            accident,
            at,
            steps: AtomicUsize::new(0),
            log: Mutex::default(),
        })
    }

    /// Whether the accident happened.
    pub(crate) fn happened(&self) -> bool {
        self.steps.load(Ordering::SeqCst) > self.at
    }

    fn step<T>(&self, name: &'static str, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let number = self.steps.fetch_add(1, Ordering::SeqCst);
        self.log.lock().unwrap().push(name);
        let error = || match self.accident {
            Accident::Full => io::Error::from_raw_os_error(28),
            _ => io::Error::other("power lost"),
        };
        match self.accident {
            Accident::Full if number == self.at => Err(error()),
            Accident::CrashBefore if number >= self.at => Err(error()),
            Accident::CrashAfter if number == self.at => run().and_then(|_| Err(error())),
            Accident::CrashAfter if number > self.at => Err(error()),
            _ => run(),
        }
    }
}

impl Disk for Faulty {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.step("create", || Os.create(path))
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        // A write that fails has usually done half of its work.
        if self.steps.load(Ordering::SeqCst) == self.at {
            Os.write(file, &bytes[..bytes.len() / 2])?;
        }
        self.step("write", || Os.write(file, bytes))
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.step("sync", || Os.sync(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step("rename", || Os.rename(from, to))
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.step("sync directory", || Os.sync_directory(directory))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step("remove", || Os.remove(path))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.step("create directory", || Os.create_directory(path))
    }
}
