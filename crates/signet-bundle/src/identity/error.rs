//! Why there is no identity.

use std::path::{Path, PathBuf};

use signet_keys::atomic::WriteError;
use signet_keys::{KeyError, KeyFault};

/// Why the identity of this instance could not be read or made. Nothing that a file holds is ever part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A file or the directory is not as it must be.
    #[error("the identity of this instance cannot be read: {}", path.display())]
    Unusable {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: KeyFault,
    },
    /// One of the two keys is gone.
    #[error("half of the identity of this instance is gone: {} does not exist", path.display())]
    Missing {
        /// The file that is not there.
        path: PathBuf,
    },
    /// A file does not hold the key it should.
    #[error("the identity of this instance is damaged: {} {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; completes "the file …".
        what: &'static str,
    },
    /// The list of known senders has a line that is no card.
    #[error("the list of known senders is damaged: {} has a line that is no card", path.display())]
    Senders {
        /// The file.
        path: PathBuf,
    },
    /// The place is not for secrets, or could not be locked.
    #[error(transparent)]
    Place(#[from] KeyError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The system gave no randomness.
    #[error("an identity cannot be made: the system gives no randomness")]
    Random,
}

impl NodeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unusable {
                path,
                fault: KeyFault::Mode { limit, .. },
            } => format!("chmod {limit:o} {}", path.display()),
            Self::Unusable { path, fault } => fault.hint(path),
            Self::Missing { path } | Self::Damaged { path, .. } => {
                let file = path.display();
                let directory = path.parent().unwrap_or_else(|| Path::new(".")).display();
                format!(
                    "restore {file} from a backup of this instance; without one, move {directory} away: the next \
                     command makes a new identity, and the other instances need its new card (signet node show)"
                )
            }
            Self::Senders { path } => format!(
                "remove the line, or restore {}; senders that are not in it are asked about again",
                path.display()
            ),
            Self::Place(error) => error.hint(),
            Self::Write(error) => error.hint(),
            Self::Random => "repeat it; if it persists, check that /dev/urandom is there".into(),
        }
    }
}
