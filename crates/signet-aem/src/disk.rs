//! The steps that change an installation or a backup, one method each, so that a test can let any of them fail.

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

use crate::dress::Dress;
use crate::spot::{self, Spot};

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

/// The disk that the operating system offers. No link is followed, wherever in a path it is.
#[derive(Debug)]
pub(crate) struct Os;

impl Disk for Os {
    fn make_directory(&self, path: &Path, dress: Dress) -> io::Result<()> {
        Spot::of(path)?.make_directory(dress)?;
        spot::sync_directory(directory_of(path))
    }

    fn write_new(&self, path: &Path, bytes: &[u8], dress: Dress) -> io::Result<()> {
        Spot::of(path)?.write_new(bytes, dress)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Spot::of(from)?.rename(&Spot::of(to)?)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        unless_absent(Spot::of(path).and_then(|spot| spot.remove()))
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        unless_absent(Spot::of(path).and_then(|spot| spot.remove_directory()))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        spot::sync_directory(path)
    }
}

fn unless_absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// What an operation names files that have not taken their places yet after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signature(pub(crate) &'static str);

impl Signature {
    /// Replaces the file at `path`, or makes it: whole or not at all.
    pub(crate) fn replace(
        self,
        disk: &dyn Disk,
        path: &Path,
        bytes: &[u8],
        dress: Dress,
    ) -> io::Result<()> {
        let fresh = self.fresh(path);
        // What an earlier run left that was killed.
        disk.remove(&fresh)?;
        let placed = disk
            .write_new(&fresh, bytes, dress)
            .and_then(|()| disk.rename(&fresh, path));
        if let Err(error) = placed {
            // If this fails too, the next run does it.
            let _ = disk.remove(&fresh);
            return Err(error);
        }
        disk.sync_directory(directory_of(path))
    }

    /// Makes a directory that has its owner from the first moment.
    pub(crate) fn make_directory(
        self,
        disk: &dyn Disk,
        path: &Path,
        dress: Dress,
    ) -> io::Result<()> {
        let fresh = self.fresh(path);
        disk.remove_directory(&fresh)?;
        disk.make_directory(&fresh, dress)?;
        disk.rename(&fresh, path)?;
        disk.sync_directory(directory_of(path))
    }

    /// Removes the file at `path`, if it is there, and makes sure that it stays removed.
    pub(crate) fn remove(self, disk: &dyn Disk, path: &Path) -> io::Result<()> {
        disk.remove(&self.fresh(path))?;
        disk.remove(path)?;
        disk.sync_directory(directory_of(path))
    }

    /// Where something is written before it takes its place.
    pub(crate) fn fresh(self, path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        directory_of(path).join(format!(".{}-{name}", self.0))
    }
}

/// The directory that `path` is in.
pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
