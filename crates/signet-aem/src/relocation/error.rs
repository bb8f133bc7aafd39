//! Why keys were not moved.

use std::io;
use std::path::{Path, PathBuf};

use signet_keys::{KeyError, KeyFault};

use crate::console::{ConsoleError, NotReady, RepositoryKeyError};
use crate::{AemError, Finding, KeyName, KeyReadError, shell};

/// Why keys were not moved. No key is ever part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelocationError {
    /// The folder is no installation.
    #[error(transparent)]
    Folder(#[from] AemError),
    /// Something about the installation must be mended first.
    #[error("{}", .0.what)]
    Unfit(Finding),
    /// A property of the framework names another place for the keys.
    #[error(
        "{} names {} for the keys (com.adobe.granite.crypto.keys.path): the data folder of the bundle does not count",
        file.display(), directory.display()
    )]
    Overridden {
        /// The file that names it.
        file: PathBuf,
        /// The place.
        directory: PathBuf,
    },
    /// A directory is a link.
    #[error("{} is a symbolic link, which is not followed", .0.display())]
    Link(PathBuf),
    /// Files cannot be given the owner that they need.
    #[error(
        "{} belongs to user {owner} and group {group}, and what is written there must, too", path.display()
    )]
    Owner {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Its group.
        group: u32,
    },
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
    /// A file that was named holds no key.
    #[error("{} is not the {} of an installation", path.display(), name.as_str())]
    KeyFile {
        /// Which key it was to be.
        name: KeyName,
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyReadError,
    },
    /// The instance does not answer as it should.
    #[error(transparent)]
    Console(#[from] ConsoleError),
    /// The instance gives no key.
    #[error("{} could not be had from the repository", name.as_str())]
    RepositoryKey {
        /// Which one.
        name: KeyName,
        /// Why.
        source: RepositoryKeyError,
    },
    /// There are no keys in the repository, or not both.
    #[error("{url}/etc/key holds no {}, or this user may not see it", name.as_str())]
    NoProperty {
        /// The instance.
        url: String,
        /// Which one.
        name: KeyName,
    },
    /// The instance is not the one that runs on the folder.
    #[error("{url} does not run on this folder: {difference}")]
    AnotherInstance {
        /// The instance.
        url: String,
        /// What differs.
        difference: String,
    },
    /// The instance does not seal with the key that it gave.
    #[error("{url} protects secrets with another master than the one in {place}")]
    NotInUse {
        /// The instance.
        url: String,
        /// Where the key is that it does not use.
        place: &'static str,
    },
    /// One key was given for both.
    #[error("hmac and master are the same {bytes} bytes: one of them was taken for the other")]
    SameKey {
        /// How many they have.
        bytes: usize,
    },
    /// The installation works with other keys, in files.
    #[error(
        "storage says that the keys are in files, and {} is another {} than the one that was given",
        path.display(), name.as_str()
    )]
    OtherKey {
        /// Which one.
        name: KeyName,
        /// Its file.
        path: PathBuf,
    },
    /// AEM runs, and must not.
    #[error("AEM runs, as process {process}")]
    Runs {
        /// Its process.
        process: u32,
    },
    /// AEM does not run, and must.
    #[error("no process can be seen that runs AEM on this folder")]
    RunsNot,
    /// AEM was started before the keys were in files.
    #[error(
        "AEM (process {process}) was started before storage was switched: it still runs on the old place"
    )]
    StartedBefore {
        /// Its process.
        process: u32,
    },
    /// A file was changed after AEM was started.
    #[error(
        "{} was changed after AEM (process {process}) was started, so nothing shows that AEM runs on it", path.display()
    )]
    ChangedSince {
        /// The file.
        path: PathBuf,
        /// Its process.
        process: u32,
    },
    /// Bundles are not active.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// What is in the installation is not what was written.
    #[error("{} is not as it was written", .0.display())]
    Differs(PathBuf),
    /// Somebody else changed a file meanwhile.
    #[error("{} was changed by somebody else since the backup was made", .0.display())]
    Changed(PathBuf),
    /// The key in the repository is another one than that which was moved.
    #[error("{} under /etc/key of {url} is another key than the one in the files", name.as_str())]
    PropertyDiffers {
        /// The instance.
        url: String,
        /// Which one.
        name: KeyName,
    },
    /// Nothing shows whether the keys are still in the repository.
    #[error("{0}/etc/key cannot be seen, so nothing shows whether the keys are still there")]
    NotSeen(String),
    /// What was removed is still there.
    #[error("{} is still under /etc/key of {url}", name.as_str())]
    StillThere {
        /// The instance.
        url: String,
        /// Which one.
        name: KeyName,
    },
    /// After the removal something was wrong, and it was taken back.
    #[error(
        "after the keys were removed from the repository something was wrong, so they were put back there"
    )]
    PutBack(#[source] Box<RelocationError>),
    /// After the removal something was wrong, and it could not be taken back.
    #[error(
        "after the keys were removed from the repository something was wrong ({reason}), and they could not be put back there"
    )]
    NotPutBack {
        /// What was wrong.
        reason: Box<RelocationError>,
        /// Why they could not be put back.
        source: Box<RelocationError>,
    },
    /// The backup is not for this user alone: somebody else could have written what it says.
    #[error("{} is not to be trusted", path.display())]
    Custody {
        /// The directory, or a file in it.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: KeyFault,
    },
    /// Keys are not kept in such a place.
    #[error(transparent)]
    Place(#[from] KeyError),
    /// The directory for the backup holds something else.
    #[error("{} holds something else than a backup of this command", .0.display())]
    Foreign(PathBuf),
    /// The backup belongs to another installation.
    #[error("the backup {} belongs to another installation: {difference}", backup.display())]
    AnotherBackup {
        /// The backup.
        backup: PathBuf,
        /// What differs.
        difference: String,
    },
    /// What is in the backup is not what was put there.
    #[error("the backup is damaged: {} is not as it was written", .0.display())]
    BackupDamaged(PathBuf),
    /// The journal cannot be understood.
    #[error("the journal in {} is damaged, or of another version", .0.display())]
    Journal(PathBuf),
    /// Another command is at it.
    #[error("another command moves the keys of this installation; its backup is {}", .0.display())]
    Busy(PathBuf),
    /// There is no backup.
    #[error("nothing was begun: there is no backup in {}", .0.display())]
    NotBegun(PathBuf),
    /// The keys are not in files yet.
    #[error("the keys are not in files yet")]
    NotSwitched,
    /// An earlier run goes back to how it was, and was cut short.
    #[error("an earlier run began to put everything back as it was, and was cut short")]
    GoingBack(PathBuf),
    /// It was cut short by whoever waits for it.
    #[error("it was cut short")]
    Cancelled,
    /// The keys were removed from the repository, so the instance is needed to put them back.
    #[error(
        "the keys were removed from the repository, and only the running instance can put them back there"
    )]
    InstanceNeeded,
    /// The system gave no randomness.
    #[error("the system gives no randomness")]
    Random,
}

impl RelocationError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Folder(error) => error.hint(),
            Self::Unfit(finding) => finding.remedy.clone(),
            Self::Overridden { .. } => {
                "remove the property, or copy the keys to the place that it names; where AEM reads it, storage does not decide"
                    .into()
            }
            Self::Link(_) => "the framework makes no such link: put the directory itself there".into(),
            Self::Owner { path, .. } => {
                format!("run this as the user who owns {}, or as root", path.display())
            }
            Self::Read { path, .. } => {
                format!("run this as the user who owns {}, or as root", path.display())
            }
            Self::Write { path, source } => write_hint(path, source),
            Self::KeyFile { source, .. } => source.hint().into(),
            Self::Console(error) => error.hint().into(),
            Self::RepositoryKey { source, .. } => source.hint().into(),
            Self::NoProperty { .. } => {
                "log in as an administrator; if the keys are not there for him either, they are not in the repository (signet aem inspect tells where they are)".into()
            }
            Self::AnotherInstance { .. } => {
                "give the URL of the instance that runs on this folder; if that is it, fetch the keys into files yourself, and give them with --hmac and --master".into()
            }
            Self::NotInUse { .. } => {
                "find out which keys the instance works with before any are moved: signet aem inspect, and a copy of this installation".into()
            }
            Self::SameKey { .. } => {
                "fetch both anew: /etc/key/hmac and /etc/key/master are two keys".into()
            }
            Self::OtherKey { .. } => {
                "keys that are in use are replaced by signet aem replicate, which says what that breaks".into()
            }
            Self::Runs { .. } => "stop AEM, and repeat".into(),
            Self::RunsNot => {
                "start AEM, and repeat; if it runs in a container or on another machine, run this there".into()
            }
            Self::ChangedSince { .. } => "restart AEM, and repeat; nothing was changed".into(),
            Self::StartedBefore { .. } => "restart AEM, and repeat".into(),
            Self::NotReady(error) => error.hint().into(),
            Self::Differs(_) => "is something else writing there? repeat it; nothing was lost".into(),
            Self::Changed(path) => format!(
                "look who wrote {}, and put it back as it was: the backup has what was there before, and what was to be there; or move the backup away, and begin anew",
                path.display()
            ),
            Self::PropertyDiffers { .. } => {
                "nothing was removed: find out who wrote it; with --undo everything is as it was".into()
            }
            Self::NotSeen(_) => {
                "log in as an administrator; an instance that has just been started needs a while: repeat it".into()
            }
            Self::StillThere { .. } => {
                "look whether this user may write there, and whether another instance of a cluster writes it again".into()
            }
            Self::PutBack(_) => {
                "AEM runs on the files all the same; look into its error.log, restart it, and repeat --finish".into()
            }
            Self::NotPutBack { .. } => {
                "they are in the backup; when the instance answers again, --undo puts them back".into()
            }
            Self::Custody { .. } => {
                "it must belong to the user who runs this, the directory with mode 0700 and files with mode 0600; was it made by root?".into()
            }
            Self::Place(KeyError::InGitWorkTree { tree, .. }) => {
                format!("name a directory outside of {} with --backup", tree.display())
            }
            Self::Place(error) => error.hint(),
            Self::Foreign(_) => "name another directory with --backup, or move this one away".into(),
            Self::AnotherBackup { .. } => {
                "name the folder that it belongs to; if the bundle was installed anew, put the backup's keys into the new data folder by hand, or move the backup away".into()
            }
            Self::BackupDamaged(_) | Self::Journal(_) => {
                "move it away, and begin anew while the repository still has the keys".into()
            }
            Self::Busy(_) => "wait until it is done, and repeat".into(),
            Self::NotBegun(_) => {
                "begin with: signet aem relocate DIR --from-url URL; if the backup lies elsewhere, name it with --backup, or for the way back with --undo".into()
            }
            Self::NotSwitched => "first: signet aem relocate DIR, with AEM stopped".into(),
            Self::GoingBack(backup) => {
                format!("complete that with --undo {}", shell::word(backup))
            }
            Self::Cancelled => "repeat it at any time".into(),
            Self::InstanceNeeded => "start AEM, and name it with --url".into(),
            Self::Random => "repeat it; if it persists, check that /dev/urandom is there".into(),
        }
    }

    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            source,
        }
    }
}

fn write_hint(path: &Path, source: &io::Error) -> String {
    let path = path.display();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("the disk that holds {path} is full: make room, and repeat; nothing was lost")
        }
        io::ErrorKind::FileTooLarge => {
            "the limit for the size of files is too low (ulimit -f): raise it, and repeat; nothing was lost".into()
        }
        io::ErrorKind::ReadOnlyFilesystem => format!("{path} is on a read-only file system"),
        io::ErrorKind::PermissionDenied => {
            format!("run this as the user who owns {path}, or as root")
        }
        _ => format!(
            "check the disk and the directory that holds {path}, and repeat; nothing was lost"
        ),
    }
}
