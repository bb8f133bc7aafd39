//! Why keys were not copied.

use std::io;
use std::path::{Path, PathBuf};

use signet_bundle::BundleError;
use signet_keys::{KeyError, KeyFault};

use crate::{AemError, KeyName, KeyReadError, Storage, shell};

/// Why keys were not copied. No key is ever part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicationError {
    /// A folder is no installation.
    #[error("{} cannot be used", folder.display())]
    Inspection {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: AemError,
    },
    /// An installation keeps its keys in the repository.
    #[error("{} keeps its keys in the repository, under /etc/key (storage says JCR)", folder.display())]
    InRepository {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no place for the keys, or nobody knows where it is.
    #[error("{}: {fault}", folder.display())]
    Place {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        fault: PlaceFault,
    },
    /// A key that is to be copied is not there, or none.
    #[error("{} is not a key that could be copied", path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: KeyReadError,
    },
    /// A bundle does not carry the key.
    #[error("the bundle does not carry {}", name.as_str())]
    NotCarried {
        /// The key.
        name: KeyName,
    },
    /// What a bundle carries is no key.
    #[error("the bundle carries something else than keys")]
    NoKeys(#[source] crate::NoKey),
    /// A bundle is not for this machine, or not as it was made.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The same installation twice, or the source among the targets.
    #[error("{} is named twice: its keys are in {}", folder.display(), directory.display())]
    Same {
        /// The folder that was named last.
        folder: PathBuf,
        /// The directory of the keys.
        directory: PathBuf,
    },
    /// AEM runs on a folder where it must not.
    #[error("AEM runs on {}, as process {process}", folder.display())]
    Running {
        /// The folder.
        folder: PathBuf,
        /// The process.
        process: u32,
    },
    /// Files that are written could not get the owner that they need.
    #[error("{} belongs to user {owner}:{group}, and only root or that user can write there for AEM", path.display())]
    Owner {
        /// The file or directory whose owner counts.
        path: PathBuf,
        /// The owner.
        owner: u32,
        /// The group.
        group: u32,
    },
    /// Another command is at work on the same keys.
    #[error("another command changes the keys in {} at this moment", .0.display())]
    Busy(PathBuf),
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
    /// Keys are not kept in such a place.
    #[error(transparent)]
    Backup(#[from] KeyError),
    /// The directory for the backup holds something else.
    #[error("{} holds something else than a backup of this command", .0.display())]
    Foreign(PathBuf),
    /// The journal cannot be understood, or is about another installation.
    #[error("the journal in {} is damaged, of another version, or about another installation", .0.display())]
    Journal(PathBuf),
    /// An earlier run with other keys was cut short.
    #[error("an earlier run that copied other keys to {} was cut short; its backup is {}", folder.display(), backup.display())]
    Halfway {
        /// The installation.
        folder: PathBuf,
        /// The backup.
        backup: PathBuf,
    },
    /// An earlier way back was cut short.
    #[error("putting the keys of {} back was cut short", folder.display())]
    HalfwayBack {
        /// The installation.
        folder: PathBuf,
    },
    /// A key changed since it was looked at.
    #[error("{} was changed by somebody else meanwhile", .0.display())]
    Changed(PathBuf),
    /// There is no backup.
    #[error("there is no backup of an earlier run in {}", .0.display())]
    NoBackup(PathBuf),
    /// The copy of an old key in the backup is not what it was.
    #[error("{} is not the key that it was when it was put there", .0.display())]
    DamagedBackup(PathBuf),
    /// The system gave no randomness.
    #[error("the keys could not be written: the system gives no randomness")]
    Random,
}

/// Why an installation has no place for keys in files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceFault {
    /// A bundle is missing.
    #[error("there is no bundle {0}")]
    NoBundle(&'static str),
    /// The data folder is a link.
    #[error("{} is a symbolic link, which is not followed", .0.display())]
    Link(PathBuf),
    /// A directory is named for the keys, but is not there.
    #[error("the directory {} that is named for its keys does not exist", .0.display())]
    NoDirectory(PathBuf),
    /// What `storage` says is not known to AEM.
    #[error("its storage file is not in order: {}", said(.0))]
    Storage(Storage),
}

fn said(storage: &Storage) -> String {
    match storage {
        Storage::Untidy { word, bytes } => {
            format!("{word} and something around it, {bytes} bytes in all")
        }
        Storage::Unknown { bytes } => format!("{bytes} bytes that say neither Bundle nor JCR"),
        Storage::Absent => "there is none".to_owned(),
        _ => "it cannot be read".to_owned(),
    }
}

impl ReplicationError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Inspection { source, .. } => source.hint(),
            Self::InRepository { folder } => format!(
                "move them into files first: signet aem relocate {}",
                shell::word(folder)
            ),
            Self::Place { folder, fault } => match fault {
                PlaceFault::NoBundle(_) => {
                    "start this installation once, so that it makes its bundles, and stop it again".into()
                }
                PlaceFault::NoDirectory(path) => format!(
                    "make {} for the user who runs AEM, with mode 0700",
                    path.display()
                ),
                _ => format!("signet aem inspect {} says what mends it", shell::word(folder)),
            },
            Self::Key { source, .. } => match source {
                KeyReadError::Absent => "was AEM started there? signet aem inspect shows where its keys are".into(),
                source => source.hint().into(),
            },
            Self::NotCarried { name } => format!(
                "ask for a bundle with it: signet aem export without --only, or with --only {}",
                name.as_str()
            ),
            Self::NoKeys(error) => error.hint().into(),
            Self::Bundle(error) => bundle_hint(error),
            Self::Same { .. } => "name each installation once, and the one that has the keys as --from only".into(),
            Self::Running { .. } => {
                "stop AEM first, or give the commands that do it: --stop CMD --start CMD; for one that must go on running, --refresh URL".into()
            }
            Self::Owner { owner, .. } => {
                format!("run this as root, or as the user who runs AEM (number {owner})")
            }
            Self::Busy(_) => "wait until it is done, and repeat".into(),
            Self::Read { path, .. } => format!("run this as the user who owns {}", path.display()),
            Self::Write { path, source } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    format!("the disk that holds {} is full: make room, and repeat", path.display())
                }
                io::ErrorKind::FileTooLarge => {
                    "the limit for the size of files is too low (ulimit -f): raise it, and repeat".into()
                }
                io::ErrorKind::ReadOnlyFilesystem => {
                    format!("{} is on a read-only file system", path.display())
                }
                _ => format!("run this as root or as the user who owns {}, and repeat", path.display()),
            },
            Self::Custody { path, fault } => match fault {
                KeyFault::Mode { limit, .. } => format!(
                    "look at who could have written there; if nobody has: chmod {limit:o} {}",
                    shell::word(path)
                ),
                fault => fault.hint(path),
            },
            Self::Backup(KeyError::InGitWorkTree { tree, .. }) => format!(
                "the backup would hold keys, and so does the installation: keep it outside of {}, or remove the .git there if it is a mistake",
                tree.display()
            ),
            Self::Backup(error) => error.hint(),
            Self::Foreign(path) => format!("move {} away", path.display()),
            Self::Journal(path) => format!(
                "the files hmac and master in {} are the keys as they were; move the directory away when they are no longer needed",
                path.display()
            ),
            Self::Halfway { folder, .. } => format!(
                "repeat it with the same keys, or take it back first: signet aem replicate --undo {}",
                shell::word(folder)
            ),
            Self::HalfwayBack { folder } => {
                format!("complete it: signet aem replicate --undo {}", shell::word(folder))
            }
            Self::Changed(_) => "see who changes keys there (AEM itself at a start, a deployment), and repeat".into(),
            Self::NoBackup(_) => {
                "name the folder of the installation, or the directory signet-replication (or signet-replication-1 and so on) in it".into()
            }
            Self::DamagedBackup(_) => {
                "nothing was put back; look for another copy of the key, in a backup of the machine or on another instance".into()
            }
            Self::Random => "repeat it; if it persists, check that /dev/urandom is there".into(),
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

/// The commands for keys of AEM have other names than those for Signet's own.
fn bundle_hint(error: &BundleError) -> String {
    let again = "bring the file here again, in binary, from where signet aem export wrote it";
    match error {
        BundleError::ForAnother { us, .. } => format!(
            "this machine is {us}; its card (signet aem card) belongs to the --for of signet aem export"
        ),
        BundleError::OldCard | BundleError::Forwarded { .. } => {
            "ask for a new one, for the card that signet aem card prints here: signet aem export --for CARD".into()
        }
        BundleError::Empty | BundleError::Html | BundleError::Foreign | BundleError::Truncated => {
            again.into()
        }
        BundleError::TooLarge => format!("is it the right file? Keys of AEM are small; {again}"),
        BundleError::TooManyRecipients => {
            "ask for one that is made for this machine alone: signet aem export --for CARD".into()
        }
        BundleError::Altered
        | BundleError::Malformed(_)
        | BundleError::Sender(_)
        | BundleError::Key { .. } => {
            "nothing of it was used; make it again: signet aem export".into()
        }
        error => error.hint(),
    }
}
