//! What the tests of this crate share.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use signet_core::{Key, KeyId, KeyMaterial, KeyState, RingName, UnixSeconds};
use tempfile::TempDir;

use crate::custody::Guard;
use crate::disk::{Disk, Os};
use crate::{
    Custody, Found, KeyError, KeyFault, KeyProblem, KeyProvider, KeyStore, KeyStoreOptions,
    LoadedKeys, ProviderName, jwk,
};

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

    /// The store with `rows` as the other place.
    pub(crate) fn store_with(&self, rows: &Arc<Rows>) -> KeyStore {
        let options = KeyStoreOptions {
            repository: Some(rows.clone()),
            ..KeyStoreOptions::default()
        };
        KeyStore::open(&self.keys(), options).unwrap()
    }

    /// An empty place for keys beside the files, as a repository is one.
    pub(crate) fn rows(&self) -> Arc<Rows> {
        Rows::new(&self.root.path().join("repository.db"))
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

    pub(crate) fn step<T>(
        &self,
        name: &'static str,
        run: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
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

/// A place for keys that behaves like a repository: what is removed stays in its file until it is purged.
#[derive(Debug)]
pub(crate) struct Rows {
    data: Arc<RowsData>,
    faulty: Option<Arc<Faulty>>,
}

#[derive(Debug)]
struct RowsData {
    file: PathBuf,
    rows: Mutex<BTreeMap<(RingName, String), Vec<u8>>>,
    changes: AtomicU64,
}

impl Rows {
    fn new(file: &Path) -> Arc<Self> {
        fs::write(file, "").unwrap();
        Arc::new(Self {
            data: Arc::new(RowsData {
                file: file.to_owned(),
                rows: Mutex::default(),
                changes: AtomicU64::new(0),
            }),
            faulty: None,
        })
    }

    /// The same place, where each change is a step of `faulty`.
    pub(crate) fn on(&self, faulty: &Arc<Faulty>) -> Arc<Self> {
        Arc::new(Self {
            data: Arc::clone(&self.data),
            faulty: Some(Arc::clone(faulty)),
        })
    }

    /// Puts something there that need not be a key.
    pub(crate) fn put(&self, ring: RingName, id: &str, value: &[u8]) {
        let mut rows = self.data.rows.lock().unwrap();
        rows.insert((ring, id.to_owned()), value.to_vec());
        let mut file = fs::read(&self.data.file).unwrap();
        file.extend(value);
        fs::write(&self.data.file, file).unwrap();
        self.data.changes.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn put_key(&self, key: &Key) {
        let text = jwk::encode_key_file(key);
        self.put(key.ring, &key.id.to_string(), text.as_bytes());
    }

    pub(crate) fn len(&self) -> usize {
        self.data.rows.lock().unwrap().len()
    }

    fn step(&self, name: &'static str, run: impl FnOnce()) -> Result<(), KeyError> {
        let run = || {
            run();
            Ok(())
        };
        let result = match &self.faulty {
            Some(faulty) => faulty.step(name, run),
            None => run(),
        };
        result.map_err(|error: io::Error| KeyError::Provider {
            place: self.data.file.clone(),
            source: error.into(),
            hint: "mend the repository".into(),
        })
    }
}

impl KeyProvider for Rows {
    fn name(&self) -> ProviderName {
        ProviderName::Repository
    }

    fn place(&self, ring: RingName) -> PathBuf {
        format!("{}, {ring}", self.data.file.display()).into()
    }

    fn place_of(&self, ring: RingName, id: KeyId) -> PathBuf {
        format!("{}, {ring}/{id}", self.data.file.display()).into()
    }

    fn scan(&self, ring: RingName) -> Result<Vec<Found>, KeyProblem> {
        if !self.data.file.exists() {
            return Err(KeyProblem::new(&self.data.file, KeyFault::Absent));
        }
        let rows = self.data.rows.lock().unwrap();
        let rows = rows.iter().filter(|((of, _), _)| *of == ring);
        let found = rows.map(
            |((_, id), value)| match jwk::parse_key_file(ring, id, value) {
                Ok(key) => Found::Readable(key),
                Err(error) => Found::Unreadable {
                    id: id.parse().ok(),
                    problem: KeyProblem::new(
                        format!("{}, {ring}/{id}", self.data.file.display()),
                        KeyFault::Row(error),
                    ),
                },
            },
        );
        Ok(found.collect())
    }

    fn prepare(&self) -> Result<(), KeyError> {
        Ok(())
    }

    fn write(&self, key: &Key) -> Result<(), KeyError> {
        self.step("put row", || self.put_key(key))
    }

    fn remove(&self, ring: RingName, id: KeyId) -> Result<(), KeyError> {
        self.step("remove row", || {
            self.data
                .rows
                .lock()
                .unwrap()
                .remove(&(ring, id.to_string()));
            self.data.changes.fetch_add(1, Ordering::SeqCst);
        })
    }

    fn stamp(&self) -> Option<u64> {
        Some(self.data.changes.load(Ordering::SeqCst))
    }

    fn purge(&self) -> Result<(), KeyError> {
        self.step("purge", || {
            let rows = self.data.rows.lock().unwrap();
            fs::write(
                &self.data.file,
                rows.values().flatten().copied().collect::<Vec<_>>(),
            )
            .unwrap();
        })
    }

    fn traces(&self) -> Vec<PathBuf> {
        vec![self.data.file.clone()]
    }
}
