//! The keys that are copied: those of an installation, or of a bundle.

use std::path::{Path, PathBuf};

use signet_bundle::AemKeys;
use signet_core::UnixSeconds;
use zeroize::Zeroizing;

use super::ReplicationError;
use super::target::source_directory;
use crate::{KeyBytes, KeyName, KeyReadError};

/// Which keys are copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// Both, as Adobe's document says.
    #[default]
    Both,
    /// One alone: `hmac` is enough for tokens, and changing it breaks nothing that is stored.
    Only(KeyName),
}

impl Choice {
    /// Whether this key is copied.
    #[must_use]
    pub fn includes(self, name: KeyName) -> bool {
        match self {
            Self::Both => true,
            Self::Only(only) => only == name,
        }
    }
}

/// The keys that are copied.
#[derive(Debug)]
pub struct Source {
    keys: Vec<KeyBytes>,
    directory: Option<PathBuf>,
}

impl Source {
    /// Those of the installation in `folder`, which may run meanwhile.
    ///
    /// # Errors
    ///
    /// It is none, keeps its keys in the repository, or one is not there or no key.
    pub fn installation(folder: &Path, choice: Choice) -> Result<Self, ReplicationError> {
        let inspection = crate::inspect(folder).map_err(|source| ReplicationError::Inspection {
            folder: folder.to_owned(),
            source,
        })?;
        let directory = source_directory(folder, &inspection)?;
        let mut keys = Vec::new();
        for name in KeyName::ALL
            .into_iter()
            .filter(|name| choice.includes(*name))
        {
            let path = directory.join(name.as_str());
            let key = KeyBytes::read(name, &path);
            keys.push(key.map_err(|source| ReplicationError::Key { path, source })?);
        }
        Ok(Self {
            keys,
            directory: Some(directory),
        })
    }

    /// Those of a bundle that was opened, and whose sender somebody vouches for.
    ///
    /// # Errors
    ///
    /// It does not carry a key that is wanted, or something else in its place.
    pub fn bundle(received: &AemKeys, choice: Choice) -> Result<Self, ReplicationError> {
        let mut keys = Vec::new();
        for name in KeyName::ALL
            .into_iter()
            .filter(|name| choice.includes(*name))
        {
            let bytes = match name {
                KeyName::Hmac => &received.hmac,
                KeyName::Master => &received.master,
            };
            match bytes {
                Some(bytes) => {
                    let key = KeyBytes::new(name, bytes.clone());
                    keys.push(key.map_err(ReplicationError::NoKeys)?);
                }
                // Of both, a bundle may carry one.
                None if choice == Choice::Both => {}
                None => return Err(ReplicationError::NotCarried { name }),
            }
        }
        Ok(Self {
            keys,
            directory: None,
        })
    }

    /// The keys as a bundle carries them.
    ///
    /// # Errors
    ///
    /// There are none.
    pub fn packed(&self, created: UnixSeconds) -> Result<AemKeys, ReplicationError> {
        let bytes = |name| {
            self.key(name)
                .map(|key| Zeroizing::new(key.expose().to_vec()))
        };
        Ok(AemKeys::new(
            bytes(KeyName::Hmac),
            bytes(KeyName::Master),
            created,
        )?)
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[KeyBytes] {
        &self.keys
    }

    /// One of them, if it is copied.
    #[must_use]
    pub fn key(&self, name: KeyName) -> Option<&KeyBytes> {
        self.keys.iter().find(|key| key.name() == name)
    }

    /// Where they are, if they are those of an installation.
    pub(crate) fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }
}

/// The raw master for protected strings; none if it is obfuscated.
pub(super) fn raw_master(key: &KeyBytes) -> Option<signet_keys::granite::GraniteKey> {
    let is_raw = key.name() == KeyName::Master && key.kind() == crate::KeyKind::Raw;
    let bits: [u8; 16] = key.expose().try_into().ok().filter(|_| is_raw)?;
    // When it was made matters to nobody here.
    let key = signet_keys::granite::GraniteKey::new(Zeroizing::new(bits), UnixSeconds(0));
    Some(key)
}

/// The key in a file; `None` if nothing is there, or nothing that could be a key.
pub(super) fn key_in(name: KeyName, path: &Path) -> Result<Option<KeyBytes>, ReplicationError> {
    match KeyBytes::read(name, path) {
        Ok(key) => Ok(Some(key)),
        Err(KeyReadError::Absent | KeyReadError::NoKey(_)) => Ok(None),
        Err(KeyReadError::Unreadable(source)) => Err(ReplicationError::read(path, source)),
    }
}
