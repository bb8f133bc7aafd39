//! Why values were not sealed anew.

use std::io;
use std::path::{Path, PathBuf};

use signet_keys::KeyFault;

use crate::shell;

/// Why values were not sealed anew. No value and no key is ever part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RekeyError {
    /// A file or directory could not be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something could not be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The backup is not for this user alone: somebody else could have written what it says.
    #[error("{} is not to be trusted", path.display())]
    Custody {
        /// The directory or the journal in it.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: KeyFault,
    },
    /// The old key and the new one are the same.
    #[error("the old key and the new one are the same")]
    SameKey,
    /// A file is another one than when it was read.
    #[error("{} was changed while it was read; nothing was changed by this command", .0.display())]
    Changed(PathBuf),
    /// The system gave no randomness.
    #[error("a value could not be sealed anew: the system gives no randomness")]
    Random,
    /// The directory for the backup holds something else.
    #[error("{} holds something else than a backup of this command", .0.display())]
    Foreign(PathBuf),
    /// The directory holds the backup of an operation that was completed.
    #[error("{} holds the backup of an earlier run", .0.display())]
    Used(PathBuf),
    /// An operation was cut short while files were changed.
    #[error("an earlier run was cut short while it replaced files; its backup is {}", .0.display())]
    Halfway(PathBuf),
    /// Nothing was cut short.
    #[error("nothing was cut short in {}", .0.display())]
    NothingToFinish(PathBuf),
    /// There is no backup.
    #[error("there is no backup in {}", .0.display())]
    NoBackup(PathBuf),
    /// The journal cannot be understood.
    #[error("the journal in {} is damaged, or of another version", .0.display())]
    Journal(PathBuf),
}

impl RekeyError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "check the path: nothing was changed".into()
            }
            Self::Read { path, .. } => format!("run this as the user who owns {}", path.display()),
            Self::Write { path, source } => match source.kind() {
                io::ErrorKind::StorageFull => format!(
                    "the disk that holds {} is full: make room for a second copy of the files that change",
                    path.display()
                ),
                io::ErrorKind::ReadOnlyFilesystem => {
                    format!("{} is on a read-only file system", path.display())
                }
                io::ErrorKind::FileTooLarge => {
                    "the limit for the size of files is too low (ulimit -f): raise it, and repeat"
                        .into()
                }
                // Only the journal is text.
                io::ErrorKind::InvalidData => {
                    "nothing was changed; the name of a file that would change is not in UTF-8: rename it, or name others"
                        .into()
                }
                _ => format!("run this as the user who owns {}", path.display()),
            },
            Self::Custody { .. } => {
                "name a directory of your own with --backup; one that is there must have mode 0700"
                    .into()
            }
            Self::SameKey => "name the key that the values are to be sealed with as --new".into(),
            Self::Changed(_) => "stop whatever writes there (AEM, a deployment), and repeat".into(),
            Self::Random => "repeat it; if it persists, check that /dev/urandom is there".into(),
            Self::Foreign(_) | Self::Used(_) => {
                "name another directory with --backup, or move this one away".into()
            }
            Self::Halfway(path) => format!(
                "complete it with signet aem rekey --finish {0}, or take it back with signet aem rekey --undo {0}",
                shell::word(path)
            ),
            Self::NothingToFinish(_) | Self::NoBackup(_) => {
                "name the directory that --backup named".into()
            }
            Self::Journal(_) => {
                "the numbered files beside it are the originals; its text says where they belong"
                    .into()
            }
        }
    }

    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            source,
        }
    }
}
