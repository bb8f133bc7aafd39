//! Why sealed values were not sealed anew, and how far that went.

use std::io;
use std::path::PathBuf;

use signet_core::KeyId;
use signet_keys::KeyError;
use signet_keys::atomic::WriteError;
use signet_repository::RepositoryError;
use signet_secret::{OpenError, ResealError, SealError};

use crate::data::DataError;
use crate::secrets::{ClosedSecret, InventoryError, Standing};

/// Why values were not sealed anew, or not all of them. Every value opens as it did before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResealFailure {
    /// Some do not open, so nothing was changed.
    #[error("{total} of the sealed values {} not open, so nothing was changed", if *total == 1 { "does" } else { "do" })]
    Closed {
        /// The first of them.
        first: Vec<ClosedSecret>,
        /// How many there are.
        total: u64,
    },
    /// No key is active, or there is no randomness.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The sealed values could not be read.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The keys could not be read.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Somebody changed values all the while.
    #[error("sealed values were changed again and again meanwhile, so nothing was changed here")]
    Restless,
    /// The repository could not be read or written.
    #[error("the repository could not be written")]
    Repository(#[from] RepositoryError),
    /// The values of the repository are sealed with the active key, those of the configuration are not.
    #[error(
        "the repository is done ({} sealed anew), but signet.toml is not: its values still open, with their former keys",
        match in_repository { 1 => "1 value".to_owned(), count => format!("{count} values") }
    )]
    Configuration {
        /// How many values of the repository were sealed anew.
        in_repository: u64,
        /// The active key.
        key: KeyId,
        /// Why the configuration was not changed.
        source: ConfigurationFailure,
    },
    /// Two at once were to be kept apart, and could not be.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The lock's file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl ResealFailure {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Closed { .. } => Some("signet secret check says for each what to do".to_owned()),
            Self::Seal(error) => Some(error.hint().to_owned()),
            Self::Inventory(error) => error.hint(),
            Self::Keys(error) => Some(error.hint()),
            Self::Restless => Some("repeat it when there is less to do".to_owned()),
            Self::Repository(error) => error.hint().map(str::to_owned),
            Self::Configuration { source, .. } => Some(format!(
                "{}; then repeat signet secret reseal, which does the rest; retire no key before",
                source.hint()
            )),
            Self::Lock { .. } => Some("is the data directory writable for this user?".to_owned()),
        }
    }
}

/// Why the values of the configuration were not sealed anew. The file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationFailure {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] DataError),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A value was changed meanwhile into one that does not open.
    #[error("the value of {place} does not open")]
    Closed {
        /// The place that it belongs to.
        place: String,
        /// Why it does not open.
        source: OpenError,
    },
    /// There is no randomness.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Somebody changed it all the while.
    #[error("the file was changed again and again meanwhile")]
    Restless,
}

impl ConfigurationFailure {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Read(error) => error.hint(),
            Self::Write(error) => error.hint(),
            Self::Closed { source, .. } => source.hint(),
            Self::Seal(error) => error.hint().to_owned(),
            Self::Restless => "leave the file alone".to_owned(),
        }
    }
}

impl From<ResealError<Self>> for ResealFailure {
    fn from(error: ResealError<Self>) -> Self {
        match error {
            ResealError::Closed { place, error } => Self::Closed {
                first: vec![ClosedSecret {
                    place,
                    standing: Standing::Repository,
                    error,
                }],
                total: 1,
            },
            ResealError::Seal(error) => Self::Seal(error),
            ResealError::Store(failure) => failure,
            _ => Self::Restless,
        }
    }
}
