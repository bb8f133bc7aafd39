//! The file itself: there, private, writable, before the database opens it.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::{IfMissing, RepositoryError};

/// Only the owner reads and writes; the database gives its side files the mode of the main one.
const PRIVATE: u32 = 0o600;

/// Which file was opened, so that one that takes its place is noticed.
#[derive(Clone, Debug)]
pub(crate) struct FileIdentity {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl FileIdentity {
    pub(crate) fn of(path: &Path) -> Result<Self, RepositoryError> {
        let metadata = path.metadata().map_err(classify)?;
        Ok(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    pub(crate) fn is_in_place(&self) -> bool {
        let metadata = self.path.metadata();
        metadata.is_ok_and(|found| found.dev() == self.device && found.ino() == self.inode)
    }
}

/// Makes sure that `path` is a file that only its owner can open, and creates it if that was asked for.
pub(crate) fn prepare(path: &Path, if_missing: IfMissing) -> Result<(), RepositoryError> {
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => Err(RepositoryError::NotARepository),
        Ok(metadata) => check(
            metadata.permissions().mode() & 0o7777,
            metadata.len(),
            if_missing,
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => match if_missing {
            IfMissing::Create => create(path),
            IfMissing::Refuse => Err(RepositoryError::Missing),
        },
        Err(error) => Err(classify(error)),
    }
}

/// Opens a file for writing, and changes nothing.
pub(crate) fn try_to_write(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path).map(drop)
}

/// Makes an empty private file for a copy; one that exists already is refused.
pub(crate) fn create_for_copy(path: &Path) -> Result<(), RepositoryError> {
    match make(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(RepositoryError::CopyExists),
        Err(error) => Err(classify(error)),
    }
}

/// Flushes the directory of a file, so that the file's name is on the disk.
pub(crate) fn sync_directory_of(path: &Path) -> Result<(), RepositoryError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(classify)
}

fn check(mode: u32, length: u64, if_missing: IfMissing) -> Result<(), RepositoryError> {
    if mode & 0o077 != 0 {
        return Err(RepositoryError::TooOpen { mode });
    }
    // Said here because the super-user could write all the same.
    if mode & 0o200 == 0 {
        return Err(RepositoryError::ReadOnly);
    }
    // An emptied repository is not a new one, unless a new one is what was asked for.
    if length == 0 && if_missing == IfMissing::Refuse {
        return Err(RepositoryError::NotARepository);
    }
    Ok(())
}

fn create(path: &Path) -> Result<(), RepositoryError> {
    let file = match make(path) {
        Ok(file) => file,
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(classify(error)),
    };
    file.sync_all().map_err(classify)?;
    sync_directory_of(path)
}

fn make(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(path)?;
    // The mask of the process may have taken more than it should.
    file.set_permissions(Permissions::from_mode(PRIVATE))?;
    Ok(file)
}

pub(crate) fn classify(error: io::Error) -> RepositoryError {
    match error.kind() {
        ErrorKind::NotFound => RepositoryError::Missing,
        ErrorKind::PermissionDenied => RepositoryError::PermissionDenied,
        ErrorKind::ReadOnlyFilesystem => RepositoryError::ReadOnly,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => RepositoryError::DiskFull,
        _ => RepositoryError::Io(error),
    }
}
