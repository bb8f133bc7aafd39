//! What can go wrong, in words that say what to do about it.

use signet_core::Subject;

use crate::RepositoryUrlError;

/// Why the repository did not do what it was asked.
///
/// The messages do not name the file: the caller knows the address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// The address is none that this build can open.
    #[error(transparent)]
    Url(#[from] RepositoryUrlError),
    /// There is no file, and none was to be made.
    #[error("there is no repository")]
    Missing,
    /// The operating system does not let this user open or create the file.
    #[error("no permission to open the repository")]
    PermissionDenied,
    /// The file, or where it lies, cannot be written.
    #[error("the repository is read-only")]
    ReadOnly,
    /// Others than the owner can read or write the file, which holds password hashes.
    #[error("the repository is open to others: its mode is {mode:04o} instead of 0600")]
    TooOpen {
        /// The permission bits of the file.
        mode: u32,
    },
    /// The file is something else.
    #[error("the file is not a repository of Signet")]
    NotARepository,
    /// A newer version of Signet wrote the file.
    #[error("the repository has schema {found}, and this version knows schemas up to {known}")]
    NewerVersion {
        /// The version of the schema in the file.
        found: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// A step that brought the schema here is not the one this build has under that number.
    #[error("step {version} of the repository's schema is not the one this version knows")]
    ForeignMigration {
        /// The number of the step.
        version: u32,
    },
    /// The file is damaged, or a row holds what no version writes.
    #[error("the repository is damaged: {0}")]
    Damaged(&'static str),
    /// There is no space left where the file lies.
    #[error("no space left for the repository")]
    DiskFull,
    /// Another process, or too much work in this one, kept the repository busy for too long.
    #[error("the repository is busy")]
    Busy,
    /// Others read the repository all the while, so the log of recent writes, and what was removed lately, is still there.
    #[error(
        "the log of recent writes could not be emptied, because others kept reading the repository: what was removed lately can still be in it"
    )]
    LogInUse,
    /// A value was changed after it was sealed anew, so nothing was put in force.
    #[error("the value of {place} was changed while values were sealed anew")]
    ResealConflict {
        /// The place of the first such value.
        place: String,
    },
    /// There is a file already where a copy was to be made.
    #[error("there is a file already where the copy of the repository was to be made")]
    CopyExists,
    /// The repository was closed.
    #[error("the repository is closed")]
    Closed,
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {0}")]
    Random(getrandom::Error),
    /// The file could not be examined or created.
    #[error("cannot prepare the repository's file")]
    Io(#[source] std::io::Error),
    /// Anything else the database says.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

impl RepositoryError {
    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Url(_) => "write it as sqlite:PATH",
            Self::Missing => {
                "check --data; one that is lost comes back with `signet restore FILE --replace`, and a first start creates it"
            }
            Self::PermissionDenied => {
                "run as the user who owns the data directory; both directory and file must be readable and writable for that user"
            }
            Self::ReadOnly => "make the file and its directory writable for the instance's user",
            Self::TooOpen { .. } => {
                "chmod 600 the file, and change the passwords if others may have read it"
            }
            Self::NotARepository => {
                "check repository.url, or put a backup in its place: `signet restore FILE --replace`"
            }
            Self::NewerVersion { .. } => {
                "run the version of Signet that wrote it, or put an older backup in its place: `signet restore FILE --replace`"
            }
            Self::ForeignMigration { .. } => {
                "the file was written by a different build: run that one, or put a backup in its place: `signet restore FILE --replace`"
            }
            Self::Damaged(_) => {
                "stop the instance, and put a backup in its place: `signet restore FILE --replace`"
            }
            Self::DiskFull => "free space on the file system of the data directory",
            Self::Busy => {
                "try again; if it stays busy, look for another program that has the file open"
            }
            Self::LogInUse => {
                "repeat the command when there is less to do, or stop the instance meanwhile"
            }
            Self::ResealConflict { .. } => {
                "repeat the command: it starts again with the present values"
            }
            Self::CopyExists => "choose another name, or move that file away",
            Self::Io(_) => "check the data directory and its file system",
            Self::Closed | Self::Random(_) | Self::Database(_) => return None,
        })
    }
}

impl From<sqlx::Error> for RepositoryError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                Self::Damaged("a column holds a value of the wrong kind")
            }
            other => crate::sqlite::classify(other),
        }
    }
}

impl From<getrandom::Error> for RepositoryError {
    fn from(error: getrandom::Error) -> Self {
        Self::Random(error)
    }
}

/// Why a user was not created, changed or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserError {
    /// There is no such user, or only a tombstone.
    #[error("there is no user {0}")]
    Unknown(Subject),
    /// There is such a user already.
    #[error("there is a user {0} already")]
    Exists(Subject),
    /// People would take the id for that of another user, living or removed.
    #[error("the id {wanted} looks like that of the user {existing}")]
    LookAlike {
        /// The id that was refused.
        wanted: Subject,
        /// The id that is taken.
        existing: Subject,
    },
    /// The generation of the user cannot be raised any more, so nothing that needs that was done.
    #[error("the generation of the user {0} has reached its end")]
    GenerationExhausted(Subject),
    /// A password for a user who comes from an identity provider.
    #[error("{0} belongs to an identity provider and has no password here")]
    FromOutside(Subject),
    /// The repository itself failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl UserError {
    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unknown(_) => Some("signet user list shows who there is"),
            Self::Exists(_) => Some("change the user instead, or choose another id"),
            Self::LookAlike { .. } => {
                Some("choose an id that differs by more than case or look-alike letters")
            }
            Self::GenerationExhausted(_) => None,
            Self::FromOutside(_) => Some("the id of a local user has no ':'"),
            Self::Repository(error) => error.hint(),
        }
    }
}

impl From<sqlx::Error> for UserError {
    fn from(error: sqlx::Error) -> Self {
        Self::Repository(error.into())
    }
}
