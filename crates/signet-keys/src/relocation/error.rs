//! Why keys were not moved, and what that means for them.

use core::fmt;
use std::error::Error;
use std::io;
use std::path::PathBuf;

use signet_core::{Denied, KeyId};

use super::RelocationStep;
use super::probe::ProbeError;
use crate::{KeyError, KeyProblem, ProviderName};

/// What an [aide](super::RelocationAide) found wrong.
pub type CheckFailure = Box<dyn Error + Send + Sync>;

/// Why keys were not moved, at which step, and what that means for them.
#[derive(Debug)]
#[non_exhaustive]
pub struct RelocationFailure {
    /// The step that failed.
    pub step: RelocationStep,
    /// Why.
    pub error: RelocationError,
    /// How the installation was left.
    pub aftermath: Aftermath,
}

/// How the installation was left by a move that failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Aftermath {
    /// Nothing was changed.
    Untouched,
    /// What was changed was put back.
    PutBack,
    /// All keys are there, some of them in both places; asking again finishes the move. What kept it from being put back,
    /// if that was tried.
    Unfinished(Option<Box<RelocationError>>),
}

impl RelocationFailure {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let hint = self.error.hint();
        match self.aftermath {
            Aftermath::Unfinished(_) => {
                format!("{hint}; then run the same command again: it goes on from here")
            }
            Aftermath::Untouched | Aftermath::PutBack => hint,
        }
    }
}

impl fmt::Display for RelocationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, of) = (self.step.number(), RelocationStep::ALL.len());
        let left = match self.aftermath {
            Aftermath::Untouched => "nothing was changed",
            Aftermath::PutBack => "everything is as it was before",
            Aftermath::Unfinished(None) => "all of them are there, and in use",
            Aftermath::Unfinished(Some(_)) => {
                "all of them are there, and in use, but it could not be put back as it was"
            }
        };
        write!(
            f,
            "the keys were not moved: step {number} of {of} failed; {left}"
        )
    }
}

impl Error for RelocationFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// Why keys were not moved. Nothing that a key holds is ever part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelocationError {
    /// Something with the directory, or with one of the places.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Keys that cannot be read, of which there is no other copy; or something in the way.
    #[error("{} cannot be read, and would be lost", things(problems))]
    Damaged {
        /// What is wrong with each.
        problems: Vec<KeyProblem>,
    },
    /// There is nothing to move.
    #[error("there are no keys, neither in files nor in the repository")]
    NoKeys,
    /// The place is not there.
    #[error("there is no repository here")]
    NoRepository,
    /// There is nothing to go back from.
    #[error("there is no backup in {}", directory.display())]
    NoBackup {
        /// Where backups are.
        directory: PathBuf,
    },
    /// The backup could not be sealed.
    #[error("the backup {} cannot be sealed", path.display())]
    Sealing {
        /// The backup.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The backup could not be opened.
    #[error("the backup {} cannot be opened", path.display())]
    Opening {
        /// The backup.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What was read from a backup is not what was written.
    #[error("the backup {} does not hold the keys", path.display())]
    BackupDamaged {
        /// The backup.
        path: PathBuf,
    },
    /// A key is not in the new place as it was written.
    #[error("key {id} is not in {} as it was written there", to.in_words())]
    Differs {
        /// The key.
        id: KeyId,
        /// The new place.
        to: ProviderName,
    },
    /// `storage` does not say what was written.
    #[error("{} does not say \"{to}\", which was just written", path.display())]
    Storage {
        /// The file `storage`.
        path: PathBuf,
        /// What was written.
        to: ProviderName,
    },
    /// No token could be made to be tried afterwards.
    #[error("no token could be made")]
    Probe(#[source] ProbeFailure),
    /// A token that was made before is refused.
    #[error("a token that key {id} made before is refused with the keys of {}: {denied}", to.in_words())]
    TokenRefused {
        /// The key.
        id: KeyId,
        /// The new place.
        to: ProviderName,
        /// Why.
        denied: Denied,
    },
    /// What the caller tries does not work.
    #[error("not everything opens")]
    Check(#[source] CheckFailure),
    /// Somebody put keys into the old place meanwhile, or what was removed is there again.
    #[error("there are keys in {} again", from.in_words())]
    Left {
        /// The old place.
        from: ProviderName,
    },
    /// Bytes of a removed key are still there.
    #[error("bytes of key {id} are still in {}", path.display())]
    Traces {
        /// The key.
        id: KeyId,
        /// The file that they are in.
        path: PathBuf,
    },
    /// The old place could not be searched for bytes of the keys.
    #[error("{} cannot be searched for bytes of the keys", path.display())]
    Search {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Why no token could be made.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ProbeFailure(#[from] ProbeError);

impl RelocationError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Keys(KeyError::Mounted { .. }) => {
                "the keys come from a mounted secret (keys.custody): change the secret where it is made"
                    .into()
            }
            Self::Keys(error) => error.hint(),
            Self::Damaged { problems } => problems
                .first()
                .map_or_else(String::new, KeyProblem::hint),
            Self::NoKeys => {
                "copy them from another instance, or restore a backup; if there never were any: signet keys rotate"
                    .into()
            }
            Self::NoRepository => "name the data directory of an instance with --data".into(),
            Self::NoBackup { .. } => {
                "without one nothing can be put back; signet keys list shows where the keys are".into()
            }
            Self::Sealing { path, source } => match by_the_system(source) {
                Some(error) => crate::atomic::io_hint(error, path),
                None => "is the identity of this instance, in node/, in order? signet doctor looks at it".into(),
            },
            Self::Opening { path, .. } | Self::BackupDamaged { path } => format!(
                "is the identity of this instance, in node/, the one that sealed it, and the disk of {} in order?",
                path.display()
            ),
            Self::Differs { .. } | Self::Storage { .. } => {
                "is another program changing the keys, or the disk not in order?".into()
            }
            Self::Probe(_) => "if it persists, check that /dev/urandom is there".into(),
            Self::TokenRefused { .. } => "signet keys list shows the keys, and what is wrong with them".into(),
            Self::Check(_) => "signet secret check names what does not open, and why".into(),
            Self::Left { from } => format!(
                "end the program that writes keys into {}",
                from.in_words()
            ),
            Self::Traces { path, .. } => format!(
                "end programs that keep {} open for long, such as a backup or a shell of the database",
                path.display()
            ),
            Self::Search { path, source } => crate::atomic::io_hint(source, path),
        }
    }

    /// What exactly is wrong, each in a line.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Damaged { problems } => problems.iter().map(KeyProblem::to_string).collect(),
            _ => Vec::new(),
        }
    }
}

impl From<ProbeError> for RelocationError {
    fn from(error: ProbeError) -> Self {
        Self::Probe(error.into())
    }
}

/// The error among the causes of `error` that the system gave, if it did.
fn by_the_system(error: &io::Error) -> Option<&io::Error> {
    if error.raw_os_error().is_some() {
        return Some(error);
    }
    let mut cause: Option<&(dyn Error + 'static)> = error.get_ref().map(|error| error as _);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return by_the_system(error);
        }
        cause = error.source();
    }
    None
}

fn things(problems: &[KeyProblem]) -> String {
    match problems.len() {
        1 => "what claims to be a key".into(),
        several => format!("{several} things that claim to be keys"),
    }
}
