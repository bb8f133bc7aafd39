//! What is at the place where a backup is to be restored.

use std::fs;
use std::path::{Path, PathBuf};

use signet_bundle::{NodeId, NodeIdentity, Senders};
use signet_core::{Issuer, Key, RingName};
use signet_keys::granite::GraniteKeys;
use signet_keys::{
    Custody, FileProvider, Found, KeyProvider as _, Lock, Revocations, parse_key_file,
};
use signet_repository::{IfMissing, KeyRows, RepositoryError, RepositoryOptions, RepositoryUrl};
use signet_server::{Config, DataDirectory, DataError};

use super::work;
use crate::RestoreError;

/// What is at a place.
#[derive(Debug)]
pub enum Present {
    /// Nothing: no directory, or an empty one.
    Nothing,
    /// An installation, or what is left of one.
    Installation(Box<Installation>),
}

/// An installation, or what is left of one.
#[derive(Debug)]
pub struct Installation {
    pub(crate) path: PathBuf,
    /// As `signet.toml` says, or the default where that cannot be read.
    pub(crate) config: Config,
}

impl Present {
    /// Looks at the place.
    ///
    /// # Errors
    /// Something is there that is no installation, or not for this user.
    pub fn look(data: &Path) -> Result<Self, RestoreError> {
        Self::of(&work::real(data)?)
    }

    pub(crate) fn of(path: &Path) -> Result<Self, RestoreError> {
        if work::is_empty(path) {
            return Ok(Self::Nothing);
        }
        match DataDirectory::open(path) {
            // Without the file `format`: an installation that was never started, or lost that file.
            Ok(_) | Err(DataError::Missing(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let text = fs::read_to_string(path.join(crate::name::CONFIG)).unwrap_or_default();
        Ok(Self::Installation(Box::new(Installation {
            path: path.to_owned(),
            config: Config::parse(&text, path).unwrap_or_default(),
        })))
    }
}

impl Installation {
    /// What it is, in words.
    pub(crate) fn described(&self) -> String {
        let keys = self.keys().map_or(0, |keys| keys.len());
        let keys = match keys {
            1 => "1 key".to_owned(),
            count => format!("{count} keys"),
        };
        match self.node() {
            Some(node) => format!("the instance {node} with {keys}"),
            None => format!("an installation with {keys}"),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The id of the instance, if its identity can be read.
    #[must_use]
    pub fn node(&self) -> Option<NodeId> {
        let identity = NodeIdentity::open(&self.path.join("node")).ok().flatten();
        identity.map(|identity| identity.id())
    }

    /// Whether a backup of this instance is trusted here: it made it itself, or somebody vouched for it before.
    #[must_use]
    pub fn trusts(&self, node: NodeId) -> bool {
        self.node() == Some(node)
            || Senders::open(&self.path.join("node")).is_ok_and(|senders| senders.contain(node))
    }

    /// Keeps instances from starting on it, for as long as the result lives.
    pub(crate) fn claim(&self) -> Result<Lock, RestoreError> {
        let run = self.path.join("run");
        signet_keys::private::create_directory(&run)?;
        let path = run.join("lock");
        match Lock::try_acquire(&path) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(RestoreError::Running(self.path.clone())),
            Err(source) => Err(RestoreError::Write { path, source }),
        }
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.path.join(&self.config.repository.url.path)
    }

    /// Every key that can be read, in files and in the repository, whichever of them is in use.
    pub(crate) fn keys(&self) -> Result<Vec<Key>, RestoreError> {
        let files = FileProvider::new(&self.keys_directory(), self.custody());
        let mut keys = Vec::new();
        for ring in RingName::ALL {
            // A directory that cannot be read now is kept aside, and not lost.
            for found in files.scan(ring).unwrap_or_default() {
                if let Found::Readable(key) = found {
                    keys.push(key);
                }
            }
        }
        keys.extend(self.keys_in_repository()?);
        Ok(keys)
    }

    fn keys_in_repository(&self) -> Result<Vec<Key>, RestoreError> {
        let url = RepositoryUrl::sqlite(self.repository());
        let rows = KeyRows::new(RepositoryOptions::new(url, IfMissing::Refuse));
        let mut keys = Vec::new();
        for ring in RingName::ALL {
            match rows.rows(ring.as_str()) {
                Ok(rows) => keys.extend(
                    rows.iter()
                        .filter_map(|row| parse_key_file(ring, &row.id, &row.value).ok()),
                ),
                Err(error) if is_lost(&error) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(keys)
    }

    /// The keys of Granite that can be read.
    pub(crate) fn granite(&self) -> GraniteKeys {
        GraniteKeys::load(&self.keys_directory(), self.custody()).unwrap_or_default()
    }

    /// The keys that stay revoked. If that cannot be known, nothing is restored: a stolen key could live again.
    pub(crate) fn revoked(&self) -> Result<Revocations, RestoreError> {
        let options = signet_keys::KeyStoreOptions {
            custody: self.custody(),
            repository: None,
        };
        let mut revoked = match signet_keys::KeyStore::open(&self.keys_directory(), options) {
            Ok(store) => store.revoked()?,
            // The keys are in the repository, which this store does not know; the list is a file all the same.
            Err(signet_keys::KeyError::NoSuchProvider { .. }) => self.listed()?,
            Err(error) => return Err(error.into()),
        };
        for key in self.keys()? {
            if key.state == signet_core::KeyState::Revoked {
                revoked.insert(key.ring, key.id);
            }
        }
        Ok(revoked)
    }

    fn listed(&self) -> Result<Revocations, RestoreError> {
        let directory = DataDirectory::open(&self.path)?;
        Ok(directory.key_store(&self.config)?.revoked()?)
    }

    /// The farm that it belongs to, as its newest key says.
    pub(crate) fn farm(&self) -> Result<Option<Issuer>, RestoreError> {
        let newest = self
            .keys()?
            .into_iter()
            .max_by_key(|key| (key.created, key.id));
        Ok(newest.map(|key| key.farm))
    }

    fn keys_directory(&self) -> PathBuf {
        self.path.join("keys")
    }

    fn custody(&self) -> Custody {
        match self.config.keys.custody {
            signet_server::config::Custody::Mounted => Custody::Mounted,
            signet_server::config::Custody::Private => Custody::Private,
        }
    }
}

/// Whether a repository is gone or so damaged that nobody knows any more what was in it.
pub(crate) fn is_lost(error: &RepositoryError) -> bool {
    matches!(
        error,
        RepositoryError::Missing | RepositoryError::NotARepository | RepositoryError::Damaged(_)
    )
}
