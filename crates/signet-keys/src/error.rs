//! Why an operation on the keys was refused or failed.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use signet_core::{KeyId, KeyState, RingName, UnixSeconds};

use crate::atomic::{self, WriteError};
use crate::{KeyFault, Lock, ProviderName};

/// Why an operation on the keys was refused or failed. Nothing that a key file holds is ever part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A file or directory is not as it must be.
    #[error("cannot use {}", path.display())]
    Unusable {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: KeyFault,
    },
    /// The directory lies inside a git work tree, where a key is one `git add` away from being published.
    #[error("{} is inside the git work tree {}: keys do not belong there", path.display(), tree.display())]
    InGitWorkTree {
        /// The directory of the keys.
        path: PathBuf,
        /// The directory that holds `.git`.
        tree: PathBuf,
    },
    /// A change was asked of a mounted secret.
    #[error("{} is a mounted secret and is not changed from here", path.display())]
    Mounted {
        /// The directory of the keys.
        path: PathBuf,
    },
    /// `storage` names a provider that was not given to the store.
    #[error("{} says \"{provider}\", and there is none here", path.display())]
    NoSuchProvider {
        /// The file `storage`.
        path: PathBuf,
        /// The provider that it names.
        provider: ProviderName,
    },
    /// A key was to be made for a ring whose keys are in another place than `storage` names.
    #[error("{} says \"{}\", but the keys of the {ring} ring are in {}: no other is made", path.display(), there.other(), there.in_words())]
    Elsewhere {
        /// The file `storage`.
        path: PathBuf,
        /// The ring.
        ring: RingName,
        /// Where its keys are.
        there: ProviderName,
    },
    /// A provider that is not made of files could not change its keys.
    #[error("the keys in {} cannot be changed", place.display())]
    Provider {
        /// What holds them.
        place: PathBuf,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
        /// What to do about it.
        hint: String,
    },
    /// `storage` names no provider.
    #[error("{} must say \"file\" or \"repository\", and nothing else", path.display())]
    Storage {
        /// The file `storage`.
        path: PathBuf,
    },
    /// Nothing could be written. What was there before is untouched.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The lock could not be had.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The lock's file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The system gave no randomness for a new key.
    #[error("cannot make a key: the system gives no randomness")]
    Random(#[source] getrandom::Error),
    /// No ring has such a key.
    #[error("there is no key {0}")]
    UnknownKey(KeyId),
    /// Only a pending or active key can be activated: the later state wins, so there is no way back.
    #[error("key {id} is {state} and cannot become active")]
    NotActivatable {
        /// The key.
        id: KeyId,
        /// Its state.
        state: KeyState,
    },
    /// Revoking this key would leave its ring without an active one.
    #[error("key {id} is the only active key of the {ring} ring")]
    LastActive {
        /// The key.
        id: KeyId,
        /// Its ring.
        ring: RingName,
    },
    /// Only a verify-only or revoked key can be retired.
    #[error("key {id} is {state} and cannot be retired")]
    NotRetirable {
        /// The key.
        id: KeyId,
        /// Its state.
        state: KeyState,
    },
    /// What this key made may still be in use.
    #[error("key {id} may still be needed{}", until(*removable_at))]
    TooEarly {
        /// The key.
        id: KeyId,
        /// When it can go; `None` where no time tells, as with keys that seal secrets.
        removable_at: Option<UnixSeconds>,
    },
    /// A key was removed, and bytes of it are still where it was.
    #[error("bytes of key {id} are still in {}", path.display())]
    Traces {
        /// The key.
        id: KeyId,
        /// The file.
        path: PathBuf,
    },
    /// A key whose id is not that of its bits.
    #[error("key {id} is damaged: its id does not belong to its bits")]
    Damaged {
        /// The id that it claims.
        id: KeyId,
    },
}

impl KeyError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unusable {
                path,
                fault: KeyFault::Absent,
            } => {
                format!(
                    "signet serve makes {} at its first start; check --data",
                    path.display()
                )
            }
            Self::Unusable { path, fault } => fault.hint(path),
            Self::InGitWorkTree { tree, .. } => format!(
                "choose a data directory outside {}, with --data or SIGNET_DATA",
                tree.display()
            ),
            Self::Mounted { .. } => {
                "change the keys where the secret comes from; the instance notices within 2 seconds"
                    .into()
            }
            Self::NoSuchProvider { .. } | Self::Storage { .. } | Self::Elsewhere { .. } => {
                "signet keys relocate --to file finds the keys wherever they are, and sets it right"
                    .into()
            }
            Self::Provider { hint, .. } => hint.clone(),
            Self::Write(error) => error.hint(),
            Self::Lock { path, source } => atomic::io_hint(source, path),
            Self::Random(_) => "repeat it; if it persists, check that /dev/urandom is there".into(),
            Self::UnknownKey(_) => "signet keys list names the keys".into(),
            Self::NotActivatable { .. } => "make a new key: signet keys rotate".into(),
            Self::LastActive { ring, .. } => {
                format!("first make another: signet keys rotate --ring {ring}")
            }
            Self::NotRetirable { state, .. } => match state {
                KeyState::Active => {
                    "first make another: signet keys rotate, with --ring master for that ring"
                        .into()
                }
                _ => "activate or revoke it: signet keys activate, signet keys revoke".into(),
            },
            Self::TooEarly {
                removable_at: Some(_),
                ..
            } => "wait, or retire it by force: whoever holds a token of it is logged out".into(),
            Self::TooEarly { .. } => {
                "retire it by force only when no secret is sealed with it".into()
            }
            Self::Traces { .. } => {
                "stop the instance once, and whatever else reads the repository: the last one that closes it empties its log"
                    .into()
            }
            Self::Damaged { .. } => "copy the key again from where it came".into(),
        }
    }

    pub(crate) fn unusable(path: &Path, fault: impl Into<KeyFault>) -> Self {
        Self::Unusable {
            path: path.to_owned(),
            fault: fault.into(),
        }
    }
}

pub(crate) fn lock(path: &Path) -> Result<Lock, KeyError> {
    Lock::acquire(path).map_err(|source| KeyError::Lock {
        path: path.to_owned(),
        source,
    })
}

fn until(removable_at: Option<UnixSeconds>) -> String {
    removable_at.map_or_else(String::new, |at| {
        format!(" until {at}, in seconds since 1970")
    })
}
