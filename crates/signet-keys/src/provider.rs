//! Where keys are held: what a provider must offer, and the file that names it.

use core::fmt;
use core::str::FromStr;
use std::path::{Path, PathBuf};

use signet_core::{Key, KeyId, RingName};

use crate::custody::Guard;
use crate::{KeyError, KeyFault, KeyProblem};

/// Holds keys, one by one. What the keys mean together, who may change them when, and which of two copies wins is
/// decided by [`KeyStore`](crate::KeyStore), which calls the changing methods under its lock only.
pub trait KeyProvider: fmt::Debug + Send + Sync {
    /// The provider's name.
    fn name(&self) -> ProviderName;

    /// What messages call the place of a ring.
    fn place(&self, ring: RingName) -> PathBuf;

    /// What messages call the place of a key; its last part begins with the id.
    fn place_of(&self, ring: RingName, id: KeyId) -> PathBuf;

    /// Whatever claims to be a key of `ring`.
    ///
    /// # Errors
    ///
    /// The ring as a whole cannot be read; nothing is known about its keys.
    fn scan(&self, ring: RingName) -> Result<Vec<Found>, KeyProblem>;

    /// Makes what is needed to hold keys, where it is missing.
    ///
    /// # Errors
    ///
    /// It could not be written.
    fn prepare(&self) -> Result<(), KeyError>;

    /// Writes one key, whole or not at all, over any earlier copy of it.
    ///
    /// # Errors
    ///
    /// It could not be written; the earlier copy is untouched.
    fn write(&self, key: &Key) -> Result<(), KeyError>;

    /// Removes one key.
    ///
    /// # Errors
    ///
    /// It could not be removed.
    fn remove(&self, ring: RingName, id: KeyId) -> Result<(), KeyError>;

    /// A number that is another one whenever keys may have changed; `None` where [`KeyWatch`](crate::KeyWatch) sees that
    /// in the files, and while nobody can tell.
    fn stamp(&self) -> Option<u64> {
        None
    }

    /// Makes sure that no byte of a key is left that was removed by [`KeyProvider::remove`].
    ///
    /// # Errors
    ///
    /// It could not be done; the keys that are there are untouched.
    fn purge(&self) -> Result<(), KeyError> {
        Ok(())
    }

    /// As [`KeyProvider::purge`], whoever removed the key, and however long that takes.
    ///
    /// # Errors
    ///
    /// As there.
    fn purge_everything(&self) -> Result<(), KeyError> {
        self.purge()
    }

    /// The files in which bytes of a removed key could still stand, whether or not they exist.
    fn traces(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// One thing in a ring that claims to be a key.
#[derive(Debug)]
#[non_exhaustive]
pub enum Found {
    /// A key.
    Readable(Key),
    /// Not a key, or one that cannot be read.
    Unreadable {
        /// The key that it would be by its name, if that is one.
        id: Option<KeyId>,
        /// What is wrong with it.
        problem: KeyProblem,
    },
}

/// The key providers that `storage` can name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProviderName {
    /// One file per key.
    #[default]
    File,
    /// The repository (legacy).
    Repository,
}

impl ProviderName {
    /// Every provider.
    pub const ALL: [Self; 2] = [Self::File, Self::Repository];

    /// The name as it stands in `storage`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Repository => "repository",
        }
    }

    /// The place in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::File => "files",
            Self::Repository => "the repository",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::File => Self::Repository,
            Self::Repository => Self::File,
        }
    }

    /// What the file `storage` at `path` names. Where it is missing, that is `file`.
    pub(crate) fn read(path: &Path, guard: Guard) -> Result<Self, KeyError> {
        let bytes = match guard.read_plain(path, STORAGE_LIMIT) {
            Ok(bytes) => bytes,
            Err(KeyFault::Absent) => return Ok(Self::File),
            Err(KeyFault::TooLarge { .. }) => return Err(nameless(path)),
            Err(fault) => return Err(KeyError::unusable(path, fault)),
        };
        Self::parse(&bytes).ok_or_else(|| nameless(path))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        Self::ALL
            .into_iter()
            .find(|name| name.as_str().as_bytes() == bytes)
    }
}

impl FromStr for ProviderName {
    type Err = ProviderNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|name| name.as_str() == text)
            .ok_or(ProviderNameError)
    }
}

/// The text names no provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected \"file\" or \"repository\"")]
pub struct ProviderNameError;

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The longest content that makes sense is "repository" between a byte order mark and a line end.
const STORAGE_LIMIT: usize = 64;

fn nameless(path: &Path) -> KeyError {
    KeyError::Storage {
        path: path.to_owned(),
    }
}
