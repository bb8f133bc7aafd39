//! The steps that change an installation or a backup, one method each, so that a test can let any of them fail.

use std::fmt::Debug;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::dress::{self, Dress};

pub(crate) trait Disk: Debug + Send + Sync {
    /// Makes a directory, which is not there yet, and flushes the one that it is in.
    fn make_directory(&self, path: &Path, dress: Dress) -> io::Result<()>;
    /// Writes a file, which is not there yet, and flushes it.
    fn write_new(&self, path: &Path, bytes: &[u8], dress: Dress) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file, if it is there.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory, if it is there.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
}

/// The disk that the operating system offers.
#[derive(Debug)]
pub(crate) struct Os;

impl Disk for Os {
    fn make_directory(&self, path: &Path, dress: Dress) -> io::Result<()> {
        dress::make_directory(path, dress)
    }

    fn write_new(&self, path: &Path, bytes: &[u8], dress: Dress) -> io::Result<()> {
        dress::write_new(path, bytes, dress)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        dress::discard(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        match fs::remove_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        dress::sync_directory(path)
    }
}

/// Replaces the file at `path`, or makes it: whole or not at all.
pub(super) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8], dress: Dress) -> io::Result<()> {
    let fresh = fresh(path);
    // What an earlier run left that was killed.
    disk.remove(&fresh)?;
    disk.write_new(&fresh, bytes, dress)?;
    if let Err(error) = disk.rename(&fresh, path) {
        // If this fails too, the next run does it.
        let _ = disk.remove(&fresh);
        return Err(error);
    }
    disk.sync_directory(directory_of(path))
}

/// Makes a directory that has its owner from the first moment.
pub(super) fn make_directory(disk: &dyn Disk, path: &Path, dress: Dress) -> io::Result<()> {
    let fresh = fresh(path);
    disk.remove_directory(&fresh)?;
    disk.make_directory(&fresh, dress)?;
    disk.rename(&fresh, path)?;
    disk.sync_directory(directory_of(path))
}

/// Removes the file at `path`, if it is there, and makes sure that it stays removed.
pub(super) fn remove(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    disk.remove(&fresh(path))?;
    disk.remove(path)?;
    disk.sync_directory(directory_of(path))
}

/// Where a file is written before it takes its place.
pub(super) fn fresh(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    directory_of(path).join(format!(".signet-relocation-{name}"))
}

pub(super) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
