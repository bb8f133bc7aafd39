//! What is going to happen to which file, and how far it is: read by whoever comes after a crash.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use signet_keys::{Lock, atomic};

use crate::file;
use crate::rekey::RekeyError;

/// The name of the journal in the directory of the backup.
const JOURNAL: &str = "journal.json";
const MAX_JOURNAL_BYTES: u64 = 1024 * 1024 * 1024;
/// What the lock of another process and temporary files begin with.
const HIDDEN: &str = ".";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    pub(super) stage: Stage,
    pub(super) changes: Vec<Change>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stage {
    /// New files and copies of the old ones are written; no old file was touched.
    Preparing,
    /// All of them are there, and the new ones take their places.
    Replacing,
    /// They have.
    Done,
    /// The old files are put back.
    PuttingBack,
    /// They are all back.
    PutBack,
}

/// What happens to one file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// The file.
    pub(super) path: PathBuf,
    /// The new one, beside it.
    pub(super) fresh: PathBuf,
    /// The name of the old one's copy in the directory of the backup.
    pub(super) kept: String,
    /// How many values are sealed anew in it.
    pub(super) values: usize,
}

impl Journal {
    pub(super) fn read(backup: &Path) -> Result<Option<Self>, RekeyError> {
        let path = backup.join(JOURNAL);
        let bytes =
            file::read(&path, MAX_JOURNAL_BYTES).map_err(|error| RekeyError::read(&path, error))?;
        let damaged = |_| RekeyError::Journal(backup.to_owned());
        bytes
            .map(|bytes| serde_json::from_slice(&bytes).map_err(damaged))
            .transpose()
    }

    pub(super) fn write(&self, backup: &Path) -> Result<(), RekeyError> {
        let path = backup.join(JOURNAL);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| RekeyError::write(&path, error.into()))?;
        atomic::write(&path, &text).map_err(|error| RekeyError::write(&path, error.source))
    }

    pub(super) fn remove(backup: &Path) -> Result<(), RekeyError> {
        let path = backup.join(JOURNAL);
        fs::remove_file(&path).map_err(|error| RekeyError::write(&path, error))?;
        sync_directory(backup)
    }
}

/// Held while files are changed: one command at a time.
pub(super) fn lock(backup: &Path) -> Result<Lock, RekeyError> {
    let path = backup.join(".lock");
    Lock::acquire(&path).map_err(|error| RekeyError::write(&path, error))
}

/// Whether nothing is at `backup`, or an empty directory.
pub(super) fn is_vacant(backup: &Path) -> Result<bool, RekeyError> {
    match fs::read_dir(backup) {
        Ok(mut entries) => Ok(entries.all(|entry| {
            entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(HIDDEN))
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(RekeyError::read(backup, error)),
    }
}

/// Makes the directory: for one user alone, since what it holds can be opened with the old key.
pub(super) fn make_directory(backup: &Path) -> Result<(), RekeyError> {
    match DirBuilder::new().mode(0o700).create(backup) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(|error| RekeyError::write(backup, error)),
    }
}

pub(super) fn sync_directory(directory: &Path) -> Result<(), RekeyError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| RekeyError::write(directory, error))
}
