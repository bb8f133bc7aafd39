//! What can go wrong, in words that say what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use signet_bundle::{NodeError, NodeId};
use signet_keys::{KeyError, KeyFault, KeyFileError};
use signet_repository::RepositoryError;
use signet_server::DataError;

use crate::Unready;

/// Why a backup cannot be opened, or is not as it was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// Not a sealed file at all, or one that holds something else.
    #[error("it is not a backup of Signet")]
    Foreign,
    /// A version of age that this program does not know.
    #[error("it is sealed by a version of age that this program does not know")]
    SealVersion,
    /// The passphrase is another one.
    #[error("the passphrase does not open it")]
    WrongPassphrase,
    /// It is sealed with a passphrase.
    #[error("it is sealed with a passphrase")]
    NeedsPassphrase,
    /// It is sealed for keys.
    #[error("it is sealed for the key of an instance or a person, not with a passphrase")]
    NeedsIdentity,
    /// It is sealed for others.
    #[error("it is sealed for somebody else")]
    NotForUs,
    /// Opening it would take hours.
    #[error("it says that opening it takes more work than any backup of Signet does")]
    TooMuchWork,
    /// It ends in the middle.
    #[error("it is cut off: it ends in the middle")]
    Truncated,
    /// It is not as it was made.
    #[error("it was altered, damaged or cut off since it was made")]
    Altered,
    /// A newer version of Signet made it.
    #[error("it is a backup of version {found}, and this program knows version 1")]
    Newer {
        /// Its version.
        found: String,
    },
    /// What it says about itself makes no sense.
    #[error("it is no backup that Signet makes: {0}")]
    Manifest(&'static str),
    /// The signature does not fit.
    #[error("its signature does not fit: the instance that it names did not make it like this")]
    Signature,
    /// Something in it is not what the signed list says.
    #[error("what it holds as {0} is not what its signed list says")]
    Content(String),
}

impl FileError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing => "check the path",
            Self::Read(_) => "check the file, its mode and its disk",
            Self::Foreign => "name a file that `signet backup` made",
            Self::SealVersion | Self::Newer { .. } => {
                "use the version of signet that made it, or a newer one"
            }
            Self::WrongPassphrase => {
                "type it again; if it is surely the right one, the beginning of the file was altered: take another copy"
            }
            Self::NeedsPassphrase => {
                "leave --identity out, and give the passphrase at the prompt or with --passphrase-file"
            }
            Self::NeedsIdentity => {
                "leave --passphrase-file out, and name the key it is sealed for with --identity FILE"
            }
            Self::NotForUs => {
                "name the key it is sealed for with --identity FILE: node/age.key of that instance, or what age-keygen made"
            }
            Self::TooMuchWork | Self::Manifest(_) | Self::Signature => {
                "do not use it; take another backup"
            }
            Self::Truncated | Self::Altered | Self::Content(_) => {
                "copy it again from where it was made, or take another backup; nothing of it was used"
            }
        }
    }
}

/// Why no backup was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is something at the place of the backup.
    #[error("{} exists already, and a backup overwrites nothing", .0.display())]
    Exists(PathBuf),
    /// The place is in the data directory itself.
    #[error("{} is in the data directory, and would be lost with it", .0.display())]
    InsideData(PathBuf),
    /// Another one is being written there.
    #[error("another backup is being written to {}", .0.display())]
    Busy(PathBuf),
    /// Nobody could open it.
    #[error("there is nobody to seal the backup for")]
    Nobody,
    /// A file of the installation cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The backup cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file changed between two looks at it.
    #[error("{} was changed while it was copied", .0.display())]
    Changed(PathBuf),
    /// The data directory.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The keys.
    #[error("the keys cannot be read")]
    Keys(#[from] KeyError),
    /// The identity of the instance.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The repository.
    #[error("the repository cannot be copied")]
    Repository(#[from] RepositoryError),
}

impl BackupError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Exists(_) => "name another file, with the date in it for example".into(),
            Self::InsideData(_) => {
                "name a place on another disk, and bring it to another machine".into()
            }
            Self::Busy(_) => "wait for it, or name another file".into(),
            Self::Nobody => "give a passphrase, or name receivers with --for".into(),
            Self::Read { path, .. } => format!("is {} readable for this user?", path.display()),
            Self::Write { path, source } => io_hint(source, path),
            Self::Changed(_) => {
                "repeat the command; if it happens again, look for who changes the file".into()
            }
            Self::Data(error) => error.hint(),
            Self::Keys(error) => error.hint(),
            Self::Node(error) => error.hint(),
            Self::Repository(error) => error
                .hint()
                .unwrap_or("`signet doctor` looks at the whole installation")
                .into(),
        }
    }
}

/// Why a backup was not restored, or not quite.
///
/// The data directory is as it was before, unless [`RestoreError::has_begun`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The backup itself.
    #[error("the backup cannot be used")]
    File(#[from] FileError),
    /// Something is at the place already.
    #[error("there is an installation in {} already: {what}", path.display())]
    Present {
        /// The place.
        path: PathBuf,
        /// What is there.
        what: String,
    },
    /// An instance runs on what is there.
    #[error("an instance is running on {}", .0.display())]
    Running(PathBuf),
    /// Another restore is at work.
    #[error("another restore into {} is running", .0.display())]
    Busy(PathBuf),
    /// What is there belongs to another farm.
    #[error("the backup is of the farm {backup}, and {} belongs to the farm {here}", path.display())]
    OtherFarm {
        /// The place.
        path: PathBuf,
        /// The farm of what is there.
        here: String,
        /// The farm of the backup.
        backup: String,
    },
    /// The backup was made by another instance than the one that was named.
    #[error("the backup was made by the instance {found}, not by {expected}")]
    OtherNode {
        /// Whose backup it should be.
        expected: NodeId,
        /// Whose it is.
        found: NodeId,
    },
    /// There is not enough room.
    #[error("the backup holds {needed} bytes, and {} has room for {free}", path.display())]
    NoRoom {
        /// The place.
        path: PathBuf,
        /// How many bytes are needed.
        needed: u64,
        /// How many there are.
        free: u64,
    },
    /// A file or directory could not be written, moved or removed.
    #[error("{} could not be written", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The place has no name of its own.
    #[error("{} is no place for a data directory", .0.display())]
    NoName(PathBuf),
    /// The place beside the data directory is not for this user alone.
    #[error("{} cannot be used", path.display())]
    Place {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: KeyFault,
    },
    /// The backup is in its place, but what is left of the work could not be tidied away.
    #[error("the backup is in its place in {}, but {} could not be tidied away", target.display(), path.display())]
    Untidied {
        /// The data directory.
        target: PathBuf,
        /// What could not be moved or removed.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was there is on its way out, or the backup on its way in.
    #[error("the backup is only half in its place in {}: {} could not be moved", target.display(), path.display())]
    Halfway {
        /// The data directory.
        target: PathBuf,
        /// What could not be moved.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A key in the backup is none.
    #[error("the backup holds a damaged key, {name}")]
    Key {
        /// Which.
        name: String,
        /// What is wrong with it.
        source: KeyFileError,
    },
    /// The identity in the backup is not that of its maker.
    #[error("the backup holds the identity of another instance than the one that made it")]
    ForeignIdentity,
    /// Whoever restores refused to put what was prepared in its place.
    #[error("the backup was not put in its place")]
    Unready {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// What to do about it.
        hint: String,
    },
    /// The data directory in the backup, or the one that is there.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The keys in the backup, or those that are there.
    #[error("the keys cannot be used")]
    Keys(#[from] KeyError),
    /// The identity in the backup.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The repository in the backup, or the one that is there.
    #[error("the repository cannot be used")]
    Repository(#[from] RepositoryError),
}

impl From<Unready> for RestoreError {
    fn from(Unready { source, hint }: Unready) -> Self {
        Self::Unready { source, hint }
    }
}

impl RestoreError {
    /// Whether the data directory is not as it was before: the same restore again does what is left to do.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        matches!(self, Self::Halfway { .. } | Self::Untidied { .. })
    }

    pub(crate) fn untidied(self, target: &Path) -> Self {
        match self {
            Self::Write { path, source } => Self::Untidied {
                target: target.to_owned(),
                path,
                source,
            },
            other => other,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::File(error) => error.hint().into(),
            Self::Present { .. } => "add --replace to put the backup in its place: what is there is kept beside it, and \
                 sessions, users and keys that ended since stay ended; or name an empty directory with --data"
                .into(),
            Self::Running(_) => "stop the instance first, and start it again afterwards".into(),
            Self::Busy(_) => "wait until it is done".into(),
            Self::OtherFarm { path, .. } => format!(
                "was the right backup named, and the right --data? To give {} up, move it away yourself",
                path.display()
            ),
            Self::OtherNode { .. } => "take the backup of that instance, or leave --from out".into(),
            Self::NoRoom { path, .. } => format!("free space where {} is, or restore elsewhere with --data", path.display()),
            Self::Write { path, source } => io_hint(source, path),
            Self::NoName(_) => "name a directory with --data".into(),
            Self::Place { path, fault } => fault.hint(path),
            Self::Untidied { .. } => {
                "mend that and run the same command again: it does the rest".into()
            }
            Self::Halfway { .. } => {
                "mend that and run the same command again: it does the rest; no instance starts meanwhile".into()
            }
            Self::Key { .. } | Self::ForeignIdentity => "take another backup".into(),
            Self::Unready { hint, .. } => hint.clone(),
            Self::Data(error) => error.hint(),
            Self::Keys(error) => error.hint(),
            Self::Node(error) => error.hint(),
            Self::Repository(error) => error
                .hint()
                .unwrap_or("`signet doctor` looks at the whole installation")
                .into(),
        }
    }
}

fn io_hint(error: &io::Error, path: &Path) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("the disk that holds {path} is full: make room and repeat; nothing was lost")
        }
        io::ErrorKind::ReadOnlyFilesystem => format!("{path} is on a read-only file system"),
        io::ErrorKind::PermissionDenied => {
            format!("run this as the user who owns the directory of {path}")
        }
        io::ErrorKind::NotFound => format!("check that the directory of {path} exists"),
        _ => format!("check the disk that holds {path}"),
    }
}
