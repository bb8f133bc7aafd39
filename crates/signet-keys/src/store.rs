//! One directory of keys: opened, made at the first start, and loaded.

mod write_back;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use getrandom::fill;
use signet_core::{Issuer, Key, KeyId, KeyMaterial, KeyState, RingName, UnixSeconds};
use zeroize::Zeroizing;

use crate::custody::{Guard, git_work_tree};
use crate::disk::{Disk, Os};
use crate::merge::Merge;
use crate::{
    Custody, Effect, FileProvider, Found, KeyError, KeyFault, KeyProblem, KeyProvider, KeyWatch,
    LoadedKeys, Lock, ProviderName, Revocations, atomic, error,
};

/// How a [`KeyStore`] is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyStoreOptions {
    /// How the directory is kept.
    pub custody: Custody,
}

/// The directory `<data>/keys`.
///
/// It may be opened by several processes at once: what changes it holds a lock, what reads it needs none.
#[derive(Debug)]
pub struct KeyStore {
    directory: PathBuf,
    guard: Guard,
    disk: Arc<dyn Disk>,
    provider: Box<dyn KeyProvider>,
}

impl KeyStore {
    /// Opens the directory, which need not exist yet, and removes what crashed writers left there.
    ///
    /// # Errors
    ///
    /// The directory is not as its custody demands, lies inside a git work tree, or `storage` names no provider that
    /// this version has.
    pub fn open(directory: &Path, options: KeyStoreOptions) -> Result<Self, KeyError> {
        Self::open_on(directory, Guard::new(options.custody), Arc::new(Os))
    }

    pub(crate) fn open_on(
        directory: &Path,
        guard: Guard,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, KeyError> {
        let store = Self {
            directory: directory.to_owned(),
            guard,
            provider: Box::new(FileProvider::on(directory, guard, Arc::clone(&disk))),
            disk,
        };
        match store.check() {
            Err(KeyError::Unusable {
                path,
                fault: KeyFault::Absent,
            }) if path == directory => {}
            checked => checked?,
        }
        if guard.custody == Custody::Private {
            store.sweep();
        }
        Ok(store)
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes at the first start what is missing: the directories, `storage`, and one active key in each ring that has
    /// no key file at all. Returns the keys that were made; none at later starts.
    ///
    /// A ring whose keys are damaged, or not active, gets none: they are not lost yet, and [`load`](Self::load) says so.
    ///
    /// # Errors
    ///
    /// Something could not be written, is not as its custody demands, or would have to be made in a mounted secret.
    pub fn create_if_missing(&self, now: UnixSeconds) -> Result<Vec<(RingName, KeyId)>, KeyError> {
        if self.guard.custody == Custody::Mounted {
            return self.check().map(|()| Vec::new());
        }
        let _lock = self.make_place()?;
        let mut made = Vec::new();
        for ring in RingName::ALL {
            if self.scan(ring)?.is_empty() {
                let mut key = Key::new(ring, self.farm()?, random_material()?, now);
                key.state = KeyState::Active;
                key.activated = Some(now);
                self.provider.write(&key)?;
                made.push((ring, key.id));
            }
        }
        Ok(made)
    }

    /// Reads the keys of both rings. `previous` is what was loaded before, if anything was.
    ///
    /// - A bad file changes nothing: it is reported, and its key stays in use if `previous` has it.
    /// - A key whose file was removed goes, unless it was the last active one of its ring.
    /// - Where file and memory differ, the later state wins and is written back; a revoked key stays revoked.
    ///
    /// # Errors
    ///
    /// The directory as a whole cannot be used, or, with no `previous` to go on with, `revoked` cannot be read.
    pub fn load(&self, previous: Option<&LoadedKeys>) -> Result<LoadedKeys, KeyError> {
        self.check()?;
        let path = self.path(REVOKED);
        let mut problems = Vec::new();
        let on_disk = match Revocations::read(&path, self.guard) {
            Ok(revoked) => Some(revoked),
            // Without it a stolen key might be accepted again.
            Err(fault) if previous.is_none() => return Err(KeyError::unusable(&path, fault)),
            Err(fault) => {
                problems.push(KeyProblem::new(path, fault).with(Effect::Noted));
                None
            }
        };
        let mut revoked = on_disk.clone().unwrap_or_default();
        if let Some(previous) = previous {
            revoked.extend(&previous.revoked);
        }
        let before = previous.map_or(&[][..], |previous| &previous.keys);
        let mut merge = Merge::new(before, revoked);
        for ring in RingName::ALL {
            let directory = self.path(ring.as_str());
            merge.take(ring, &directory, self.scan_settled(ring));
        }
        problems.append(&mut merge.problems);
        problems.extend(self.write_back(&merge, on_disk.as_ref()));
        problems.sort_by(|one, other| one.path.cmp(&other.path));
        let mut loaded = LoadedKeys {
            keys: merge.keys,
            revoked: merge.revoked,
            problems,
            provider: self.provider.name(),
        };
        loaded.sort();
        Ok(loaded)
    }

    /// Makes the directories and `storage`, and no key: for an instance whose keys come from another.
    ///
    /// # Errors
    ///
    /// Something could not be written, or is not as its custody demands.
    pub fn prepare(&self) -> Result<(), KeyError> {
        match self.guard.custody {
            Custody::Mounted => self.check(),
            Custody::Private => self.make_place().map(drop),
        }
    }

    fn make_place(&self) -> Result<Lock, KeyError> {
        self.refuse_git_work_tree()?;
        atomic::create_directory_on(&*self.disk, &self.directory)?;
        let lock = self.begin()?;
        self.provider.prepare()?;
        let storage = self.path(STORAGE);
        if !storage.exists() {
            let name = self.provider.name().as_str();
            atomic::write_on(&*self.disk, &storage, name.as_bytes())?;
        }
        Ok(lock)
    }

    /// Whether private keys may be kept at this place at all. Writes nothing, so it can be asked before anything is made.
    ///
    /// # Errors
    ///
    /// The place is inside a git work tree.
    pub fn check_place(&self) -> Result<(), KeyError> {
        match self.guard.custody {
            Custody::Private => self.refuse_git_work_tree(),
            Custody::Mounted => Ok(()),
        }
    }

    /// The farm that new keys are for: that of the newest readable key of either ring, or else a new one.
    pub(crate) fn farm(&self) -> Result<Issuer, KeyError> {
        let mut newest: Option<Key> = None;
        for ring in RingName::ALL {
            for found in self.scan(ring)? {
                if let Found::Readable(key) = found
                    && newest
                        .as_ref()
                        .is_none_or(|newest| newest.created < key.created)
                {
                    newest = Some(key);
                }
            }
        }
        newest.map_or_else(random_farm, |key| Ok(key.farm))
    }

    /// Notices when something in the directory changes. To miss nothing, make it before loading.
    #[must_use]
    pub fn watch(&self) -> KeyWatch {
        KeyWatch::new(&self.directory)
    }

    /// Ready to change something: custody allows it, nobody else does it, and no leftovers are there.
    pub(crate) fn begin(&self) -> Result<Lock, KeyError> {
        if self.guard.custody == Custody::Mounted {
            return Err(KeyError::Mounted {
                path: self.directory.clone(),
            });
        }
        self.check()?;
        let lock = error::lock(&self.path(LOCK))?;
        self.sweep();
        Ok(lock)
    }

    pub(crate) fn provider(&self) -> &dyn KeyProvider {
        &*self.provider
    }

    pub(crate) fn scan(&self, ring: RingName) -> Result<Vec<Found>, KeyError> {
        self.provider
            .scan(ring)
            .map_err(|problem| KeyError::unusable(&problem.path, problem.fault))
    }

    /// Files are read one after the other, without a lock: whoever activates a key meanwhile may show the old one as
    /// verify-only already and the new one not yet. A second look then finds it.
    fn scan_settled(&self, ring: RingName) -> Result<Vec<Found>, KeyProblem> {
        let is_active =
            |found: &Found| matches!(found, Found::Readable(key) if key.state == KeyState::Active);
        let found = self.provider.scan(ring)?;
        if found.iter().any(is_active) {
            return Ok(found);
        }
        self.provider.scan(ring)
    }

    /// The keys that are revoked for ever, as `revoked` says. Under the lock, so that none is lost between reading and writing.
    pub(crate) fn revocations(&self, _: &Lock) -> Result<Revocations, KeyError> {
        let path = self.path(REVOKED);
        Revocations::read(&path, self.guard).map_err(|fault| KeyError::unusable(&path, fault))
    }

    /// Adds keys to `revoked`.
    pub(crate) fn remember(&self, lock: &Lock, more: &Revocations) -> Result<(), KeyError> {
        let mut revoked = self.revocations(lock)?;
        if revoked.is_superset(more) {
            return Ok(());
        }
        revoked.extend(more);
        let path = self.path(REVOKED);
        atomic::write_on(&*self.disk, &path, revoked.encode().as_bytes())?;
        Ok(())
    }

    fn check(&self) -> Result<(), KeyError> {
        self.check_place()?;
        self.guard
            .check_root(&self.directory)
            .map_err(|fault| KeyError::unusable(&self.directory, fault))?;
        let path = self.path(STORAGE);
        match ProviderName::read(&path, self.guard)? {
            ProviderName::File => Ok(()),
            provider @ ProviderName::Repository => Err(KeyError::NoSuchProvider { path, provider }),
        }
    }

    fn refuse_git_work_tree(&self) -> Result<(), KeyError> {
        git_work_tree(&self.directory).map_or(Ok(()), |tree| {
            Err(KeyError::InGitWorkTree {
                path: self.directory.clone(),
                tree,
            })
        })
    }

    fn sweep(&self) {
        atomic::sweep(&*self.disk, &self.directory);
        for ring in RingName::ALL {
            atomic::sweep(&*self.disk, &self.path(ring.as_str()));
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

const STORAGE: &str = "storage";
const REVOKED: &str = "revoked";
const LOCK: &str = ".lock";

/// 128 random bits, so that no two farms have the same id.
fn random_farm() -> Result<Issuer, KeyError> {
    let mut bits = [0; 16];
    fill(&mut bits).map_err(KeyError::Random)?;
    let id = data_encoding::HEXLOWER.encode(&bits);
    id.parse()
        .map_err(|_| KeyError::Random(getrandom::Error::UNEXPECTED))
}

/// The bits of a new key, from the system.
pub(crate) fn random_material() -> Result<KeyMaterial, KeyError> {
    let mut bits = Zeroizing::new([0; 32]);
    fill(&mut *bits).map_err(KeyError::Random)?;
    Ok(KeyMaterial::new(*bits))
}

#[cfg(test)]
mod tests;
