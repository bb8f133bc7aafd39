//! One directory of keys: opened, made at the first start, and loaded.

mod load;
mod write_back;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use getrandom::fill;
use signet_core::{Issuer, Key, KeyId, KeyMaterial, KeyState, RingName, UnixSeconds};
use zeroize::Zeroizing;

use crate::custody::{Guard, git_work_tree};
use crate::disk::{Disk, Os};
use crate::{
    Custody, FileProvider, Found, KeyError, KeyFault, KeyProvider, KeyWatch, Lock, ProviderName,
    Revocations, atomic, error,
};

/// How a [`KeyStore`] is opened.
#[derive(Clone, Debug, Default)]
pub struct KeyStoreOptions {
    /// How the directory is kept.
    pub custody: Custody,
    /// The other place that `storage` may name, where there is one.
    pub repository: Option<Arc<dyn KeyProvider>>,
}

/// The directory `<data>/keys`.
///
/// It may be opened by several processes at once: what changes it holds a lock, what reads it needs none.
/// Which provider holds the keys is read from `storage` at each operation, so a switch counts at once.
#[derive(Debug)]
pub struct KeyStore {
    pub(crate) directory: PathBuf,
    pub(crate) guard: Guard,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) files: Arc<dyn KeyProvider>,
    pub(crate) repository: Option<Arc<dyn KeyProvider>>,
}

impl KeyStore {
    /// Opens the directory, which need not exist yet, and removes what crashed writers left there.
    ///
    /// # Errors
    ///
    /// The directory is not as its custody demands, lies inside a git work tree, or `storage` names no provider that
    /// this version has.
    pub fn open(directory: &Path, options: KeyStoreOptions) -> Result<Self, KeyError> {
        let guard = Guard::new(options.custody);
        Self::open_on(directory, guard, Arc::new(Os), options.repository)
    }

    pub(crate) fn open_on(
        directory: &Path,
        guard: Guard,
        disk: Arc<dyn Disk>,
        repository: Option<Arc<dyn KeyProvider>>,
    ) -> Result<Self, KeyError> {
        let store = Self::unchecked(directory, guard, disk, repository);
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

    /// As it is, whatever `storage` says.
    pub(crate) fn unchecked(
        directory: &Path,
        guard: Guard,
        disk: Arc<dyn Disk>,
        repository: Option<Arc<dyn KeyProvider>>,
    ) -> Self {
        Self {
            directory: directory.to_owned(),
            guard,
            files: Arc::new(FileProvider::on(directory, guard, Arc::clone(&disk))),
            repository,
            disk,
        }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the keys are held, as `storage` says now.
    ///
    /// # Errors
    ///
    /// It cannot be read, or names no provider that is here.
    pub fn in_use(&self) -> Result<ProviderName, KeyError> {
        self.provider().map(KeyProvider::name)
    }

    /// What messages call the place of a key: its file, where keys are files.
    ///
    /// # Errors
    ///
    /// `storage` cannot be read, or names no provider that is here.
    pub fn place_of(&self, ring: RingName, id: KeyId) -> Result<PathBuf, KeyError> {
        Ok(self.provider()?.place_of(ring, id))
    }

    /// Makes at the first start what is missing: the directories, `storage`, and one active key in each ring that has
    /// no key in either place. Returns the keys that were made; none at later starts.
    ///
    /// A ring whose keys are damaged, not active, or in the place that `storage` does not name gets none: they are not
    /// lost yet, and [`load`](Self::load) says so.
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
            if self.scan(ring)?.is_empty() && self.scan_other(ring)?.is_empty() {
                let mut key = Key::new(ring, self.farm()?, random_material()?, now);
                key.state = KeyState::Active;
                key.activated = Some(now);
                self.provider()?.write(&key)?;
                made.push((ring, key.id));
            }
        }
        Ok(made)
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
        let provider = self.provider()?;
        provider.prepare()?;
        let storage = self.path(STORAGE);
        if !storage.exists() {
            let name = provider.name().as_str();
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
        let watch = KeyWatch::new(&self.directory);
        match &self.repository {
            Some(repository) => watch.and(Arc::clone(repository), self.guard),
            None => watch,
        }
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

    /// The provider that `storage` names now.
    pub(crate) fn provider(&self) -> Result<&dyn KeyProvider, KeyError> {
        let path = self.path(STORAGE);
        let provider = ProviderName::read(&path, self.guard)?;
        self.provider_of(provider)
            .ok_or(KeyError::NoSuchProvider { path, provider })
    }

    pub(crate) fn provider_of(&self, name: ProviderName) -> Option<&dyn KeyProvider> {
        match name {
            ProviderName::File => Some(&*self.files),
            ProviderName::Repository => self.repository.as_deref(),
        }
    }

    /// The provider that `storage` does not name.
    pub(crate) fn other_provider(&self) -> Result<Option<&dyn KeyProvider>, KeyError> {
        Ok(self.provider_of(self.provider()?.name().other()))
    }

    pub(crate) fn scan(&self, ring: RingName) -> Result<Vec<Found>, KeyError> {
        scan_with(self.provider()?, ring)
    }

    /// What claims to be a key of `ring` in the place that `storage` does not name.
    pub(crate) fn scan_other(&self, ring: RingName) -> Result<Vec<Found>, KeyError> {
        match self.other_provider()? {
            Some(other) => scan_if_any(other, ring),
            None => Ok(Vec::new()),
        }
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
        self.check_directory()?;
        self.provider().map(drop)
    }

    /// Whether the directory is as its custody demands, whatever is in it.
    pub(crate) fn check_directory(&self) -> Result<(), KeyError> {
        self.check_place()?;
        self.guard
            .check_root(&self.directory)
            .map_err(|fault| KeyError::unusable(&self.directory, fault))
    }

    fn refuse_git_work_tree(&self) -> Result<(), KeyError> {
        git_work_tree(&self.directory).map_or(Ok(()), |tree| {
            Err(KeyError::InGitWorkTree {
                path: self.directory.clone(),
                tree,
            })
        })
    }

    pub(crate) fn sweep(&self) {
        atomic::sweep(&*self.disk, &self.directory);
        for ring in RingName::ALL {
            atomic::sweep(&*self.disk, &self.path(ring.as_str()));
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

pub(crate) const STORAGE: &str = "storage";
pub(crate) const REVOKED: &str = "revoked";
pub(crate) const LOCK: &str = ".lock";

pub(crate) fn scan_with(
    provider: &dyn KeyProvider,
    ring: RingName,
) -> Result<Vec<Found>, KeyError> {
    provider
        .scan(ring)
        .map_err(|problem| KeyError::unusable(&problem.path, problem.fault))
}

/// A place that was never made holds no key.
pub(crate) fn scan_if_any(
    provider: &dyn KeyProvider,
    ring: RingName,
) -> Result<Vec<Found>, KeyError> {
    match provider.scan(ring) {
        Err(problem) if matches!(problem.fault, KeyFault::Absent) => Ok(Vec::new()),
        found => found.map_err(|problem| KeyError::unusable(&problem.path, problem.fault)),
    }
}

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
