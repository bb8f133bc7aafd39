//! A lock that processes share: a file that the system locks for whoever holds it open.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Held while something in a directory is read, changed and written as one step; given back when dropped, or by the
/// system when its holder dies.
#[derive(Debug)]
#[must_use = "the lock is given back when this is dropped"]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock on the file at `path`, which is made (mode 0600, empty) where it is missing and stays.
    ///
    /// # Errors
    ///
    /// The file can be neither opened nor made, is a symbolic link, or its file system knows no locks.
    pub fn acquire(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        file.lock()?;
        Ok(Self { _file: file })
    }

    /// The lock, unless somebody has it.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    pub fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether somebody has the lock at this moment.
    pub(crate) fn is_held(path: &Path) -> bool {
        path.exists() && matches!(Self::try_acquire(path), Ok(None))
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
}
