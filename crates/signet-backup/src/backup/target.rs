//! The file of a backup: whole or not there at all, and never in the place of another.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::BackupError;

/// Where a backup is written, and where it goes when it is whole.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    part: PathBuf,
    /// Locked, so that nobody else writes to the same place.
    file: File,
    is_complete: bool,
}

impl Target {
    /// Makes `<path>.part`, or takes the one that a crashed backup left.
    pub(crate) fn new(path: &Path, data: &Path) -> Result<Self, BackupError> {
        let failed = |source| BackupError::Write {
            path: path.to_owned(),
            source,
        };
        let path = std::path::absolute(path).map_err(failed)?;
        if fs::symlink_metadata(&path).is_ok() {
            return Err(BackupError::Exists(path));
        }
        let directory = directory_of(&path).canonicalize().map_err(failed)?;
        if data
            .canonicalize()
            .is_ok_and(|data| directory.starts_with(data))
        {
            return Err(BackupError::InsideData(path));
        }
        let mut part = path.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&part)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::Busy(path)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // One that was left may have been made with another mode.
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .and_then(|()| file.set_len(0))
            .map_err(failed)?;
        Ok(Self {
            path,
            part,
            file,
            is_complete: false,
        })
    }

    /// The file to write into.
    pub(crate) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Gives the file its name, now that all of it is on the disk. Returns its size.
    pub(crate) fn complete(mut self) -> Result<u64, BackupError> {
        let failed = |source| BackupError::Write {
            path: self.path.clone(),
            source,
        };
        let size = self.file.metadata().map_err(failed)?.len();
        match renameat_with(CWD, &self.part, CWD, &self.path, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(BackupError::Exists(self.path.clone())),
            // A file system that cannot do both at once.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                if fs::symlink_metadata(&self.path).is_ok() {
                    return Err(BackupError::Exists(self.path.clone()));
                }
                fs::rename(&self.part, &self.path).map_err(failed)?;
            }
            Err(error) => return Err(failed(error.into())),
        }
        self.is_complete = true;
        File::open(directory_of(&self.path))
            .and_then(|directory| directory.sync_all())
            .map_err(failed)?;
        Ok(size)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.is_complete {
            // If this fails, the next backup to the same place takes it.
            let _ = fs::remove_file(&self.part);
        }
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
