//! Writing a file whole or not at all, a crash or a full disk included.
//!
//! The bytes go into a temporary file of the same directory, mode 0600 before the first byte; it is flushed, renamed
//! over the old file, and the directory is flushed.
//! Before the rename the old file is untouched; after it the new one is complete.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use rustix::fs::OFlags;

use crate::disk::{Disk, Os};

/// Replaces the file at `path` by one that holds `bytes`, readable by its owner only (mode 0600), or makes it.
///
/// Safe against other writers of the same file, the last of which wins; to read, change and write a file as one step,
/// hold a [`Lock`](crate::Lock) meanwhile.
/// A symbolic link at `path` is replaced, not followed. What crashed writers left in the directory is removed.
///
/// # Errors
///
/// The step that failed. Unless that is [`Step::SyncDirectory`], the old file is untouched.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_on(&Os, path, bytes)
}

/// As [`write()`], with what `content` writes: none of it needs to be in memory at once.
///
/// # Errors
///
/// As there; what `content` returns is a failure of [`Step::Write`].
pub fn write_with(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    replace_on(&Os, path, |file| {
        let mut buffered = BufWriter::with_capacity(BUFFER, file);
        content(&mut buffered)?;
        buffered.flush()
    })
}

/// The temporary files in `directory` whose writers are gone, which the next [`write()`] there removes.
#[must_use]
pub fn leftovers(directory: &Path) -> Vec<PathBuf> {
    let is_left = |path: &PathBuf| {
        open_temporary(OpenOptions::new().read(true), path)
            .is_ok_and(|file| file.try_lock_shared().is_ok())
    };
    temporary_files(directory).filter(is_left).collect()
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {step} failed", path.display())]
#[non_exhaustive]
pub struct WriteError {
    /// The file that was to be written.
    pub path: PathBuf,
    /// The step that failed.
    pub step: Step,
    /// Why it failed.
    pub source: io::Error,
}

impl WriteError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        io_hint(&self.source, &self.path)
    }
}

/// One step of writing a file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Making the temporary file.
    Create,
    /// Writing into the temporary file.
    Write,
    /// Flushing the temporary file to the disk.
    Sync,
    /// Renaming the temporary file over the old one.
    Rename,
    /// Flushing the directory to the disk. The new file is in its place already.
    SyncDirectory,
    /// Making a directory.
    CreateDirectory,
    /// Removing a file.
    Remove,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Create => "making a temporary file beside it",
            Self::Write => "writing a temporary file beside it",
            Self::Sync => "flushing it to the disk",
            Self::Rename => "moving the new file into its place",
            Self::SyncDirectory => "flushing its directory to the disk",
            Self::CreateDirectory => "making the directory",
            Self::Remove => "removing it",
        })
    }
}

pub(crate) fn write_on(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    replace_on(disk, path, |file| file.write_all(bytes))
}

fn replace_on(
    disk: &dyn Disk,
    path: &Path,
    content: impl FnOnce(&mut Pen<'_>) -> io::Result<()>,
) -> Result<(), WriteError> {
    let directory = directory_of(path);
    sweep(disk, directory);
    let failed = |step| move |source| failure(path, step, source);
    let temporary = directory.join(temporary_name().map_err(failed(Step::Create))?);
    let file = disk.create(&temporary).map_err(failed(Step::Create))?;
    let mut pen = Pen { disk, file };
    let written = content(&mut pen)
        .map_err(failed(Step::Write))
        .and_then(|()| disk.sync(&pen.file).map_err(failed(Step::Sync)))
        .and_then(|()| disk.rename(&temporary, path).map_err(failed(Step::Rename)));
    if let Err(error) = written {
        // If this fails too, the next writer removes it.
        let _ = disk.remove(&temporary);
        return Err(error);
    }
    disk.sync_directory(directory)
        .map_err(failed(Step::SyncDirectory))
}

/// Writes into a file of this disk.
struct Pen<'d> {
    disk: &'d dyn Disk,
    file: File,
}

impl Write for Pen<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.write(&mut self.file, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn remove_on(disk: &dyn Disk, path: &Path) -> Result<(), WriteError> {
    disk.remove(path)
        .map_err(|source| failure(path, Step::Remove, source))?;
    disk.sync_directory(directory_of(path))
        .map_err(|source| failure(path, Step::SyncDirectory, source))
}

/// Makes `path` and what is missing above it, each with mode 0700.
pub(crate) fn create_directory_on(disk: &dyn Disk, path: &Path) -> Result<(), WriteError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = directory_of(path);
    create_directory_on(disk, parent)?;
    disk.create_directory(path)
        .map_err(|source| failure(path, Step::CreateDirectory, source))?;
    disk.sync_directory(parent)
        .map_err(|source| failure(path, Step::SyncDirectory, source))
}

/// Removes the temporary files of writers that are gone: a living one holds a lock on its own.
pub(crate) fn sweep(disk: &dyn Disk, directory: &Path) {
    for path in temporary_files(directory) {
        // Some network file systems lock only what is open for writing.
        let opened = open_temporary(OpenOptions::new().write(true), &path);
        // The lock is held until it is gone: a writer waits for it, and then makes another.
        if let Ok(file) = opened
            && file.try_lock().is_ok()
        {
            let _ = disk.remove(&path);
        }
    }
}

fn temporary_files(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| is_temporary(&entry.file_name()))
        .map(|entry| entry.path())
}

fn open_temporary(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
}

/// What to do when the system refuses to read or write `path`.
pub(crate) fn io_hint(error: &io::Error, path: &Path) -> String {
    let path = path.display();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!("the disk that holds {path} is full: make room and repeat; nothing was lost")
        }
        ErrorKind::FileTooLarge => {
            "the limit for the size of files is too low (ulimit -f): raise it and repeat; nothing was lost".into()
        }
        ErrorKind::ReadOnlyFilesystem => {
            format!("{path} is on a read-only file system: change it where it is mounted from")
        }
        ErrorKind::PermissionDenied => {
            format!("run this as the user who owns {path}, or change its owner or mode")
        }
        ErrorKind::NotFound => format!("check that the directory of {path} exists"),
        _ => format!("check the disk and the mode of the directory that holds {path}"),
    }
}

/// How much of what is written piece by piece is written at once.
const BUFFER: usize = 64 * 1024;

const TEMPORARY: &str = ".tmp-";

fn temporary_name() -> io::Result<String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(format!("{TEMPORARY}{}", HEXLOWER.encode(&random)))
}

fn is_temporary(name: &OsStr) -> bool {
    name.to_str()
        .and_then(|name| name.strip_prefix(TEMPORARY))
        .is_some_and(|rest| rest.len() == 16 && HEXLOWER.decode(rest.as_bytes()).is_ok())
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn failure(path: &Path, step: Step, source: io::Error) -> WriteError {
    WriteError {
        path: path.to_owned(),
        step,
        source,
    }
}

#[cfg(test)]
mod tests;
