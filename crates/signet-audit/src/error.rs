//! Why the log could not be written or read.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why the log could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// It cannot be opened for writing, or not be locked.
    #[error("the audit log {} cannot be opened for writing", path.display())]
    Open {
        /// The log, or its lock.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line could not be written whole.
    #[error("the audit log {} could not be written", path.display())]
    Write {
        /// The log.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It could not be noted that a change begins.
    #[error("it cannot be noted in {} that a change begins", path.display())]
    Begin {
        /// The directory of what has begun.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is something else where the lines were to be put away.
    #[error("{} exists already", path.display())]
    Exists {
        /// Where they were to go.
        path: PathBuf,
    },
    /// There are no lines to put away.
    #[error("the audit log {} has no lines yet", path.display())]
    Empty {
        /// The log.
        path: PathBuf,
    },
    /// It could not be read.
    #[error("the audit log {} could not be read", path.display())]
    Read {
        /// The log.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Its end is nothing that a crash leaves behind.
    #[error("the end of the audit log {} is no log", path.display())]
    NoLog {
        /// The log.
        path: PathBuf,
    },
    /// Nobody waited for it to be written.
    #[error("writing the audit log was interrupted")]
    Interrupted(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AuditError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Open { path, source } | Self::Write { path, source } => {
                writing_hint(path, source)
            }
            Self::Begin { path, source } if source.kind() == ErrorKind::NotADirectory => {
                let path = path.display();
                format!("`ls -l {path}` says what it is; move it away: `mv {path} {path}.old`")
            }
            Self::Begin { path, source } => writing_hint(path, source),
            Self::Exists { .. } => "name a file that is not there yet".to_owned(),
            Self::Empty { .. } => "there is nothing to put away".to_owned(),
            Self::Interrupted(_) => "repeat what was to be changed".to_owned(),
            Self::Read { path, source } if source.kind() == ErrorKind::InvalidInput => {
                let path = path.display();
                format!("`ls -l {path}` says what it is; move it away: `mv {path} {path}.old`")
            }
            Self::Read { path, .. } => {
                format!(
                    "read it as the user who owns {}; is its disk in order?",
                    path.display()
                )
            }
            Self::NoLog { path } => {
                let path = path.display();
                format!(
                    "something else wrote into it: `signet audit verify` says where. `mv {path} {path}.damaged` keeps it; the next change begins a new file that names what is missing"
                )
            }
        }
    }
}

fn writing_hint(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return format!("{path} is a symbolic link: put the file itself there");
    }
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!(
                "make room on the disk that holds {path}: nothing is changed that cannot be recorded"
            )
        }
        ErrorKind::FileTooLarge => {
            format!("the limit for the size of files (ulimit -f) is too low for {path}: raise it")
        }
        ErrorKind::NotFound => format!("is there a directory for {path}?"),
        ErrorKind::PermissionDenied => format!(
            "run this as the user who owns {path}, or give the file back to that user: nothing is changed that cannot be recorded"
        ),
        ErrorKind::ReadOnlyFilesystem => {
            format!(
                "{path} is on a read-only file system: nothing is changed that cannot be recorded"
            )
        }
        _ => format!("is {path} a file, on a disk that is in order?"),
    }
}
