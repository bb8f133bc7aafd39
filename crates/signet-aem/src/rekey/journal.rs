//! What is going to happen to which file, and how far it is: read by whoever comes after a crash.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use signet_keys::{KeyFault, Lock, atomic, private};

use super::plan::Stamp;
use crate::dress::{self, Dress};
use crate::rekey::RekeyError;

/// The name of the journal in the directory of the backup.
const JOURNAL: &str = "journal.json";
const MAX_JOURNAL_BYTES: u64 = 256 * 1024 * 1024;
/// What the name of a successor begins with.
pub(super) const FRESH: &str = ".signet-rekey-";
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
    /// By what the file is known while it is the old one.
    pub(super) old: Stamp,
    /// By what its successor is known, once that is written.
    pub(super) new: Option<Stamp>,
    /// Owner, group and mode of the old file.
    pub(super) dress: Dress,
}

impl Change {
    /// Whether it names only what this program would have made: somebody else may have written the journal.
    fn is_ours(&self) -> bool {
        let is_plain = self.path.is_absolute()
            && self
                .path
                .components()
                .all(|part| !matches!(part, Component::ParentDir));
        let is_beside = self.fresh.parent() == self.path.parent();
        let name = self.fresh.file_name().and_then(|name| name.to_str());
        let digits = name.and_then(|name| name.strip_prefix(FRESH));
        let is_fresh = digits.is_some_and(|digits| {
            digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        let is_kept = self.kept.len() >= 6 && self.kept.bytes().all(|digit| digit.is_ascii_digit());
        is_plain && is_beside && is_fresh && is_kept
    }
}

impl Journal {
    pub(super) fn read(backup: &Path) -> Result<Option<Self>, RekeyError> {
        check_directory(backup)?;
        let path = backup.join(JOURNAL);
        let length = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.len().min(MAX_JOURNAL_BYTES),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RekeyError::read(&path, error)),
        };
        let limit = usize::try_from(length).unwrap_or(usize::MAX);
        let bytes = private::read(&path, limit).map_err(|fault| RekeyError::Custody {
            path: path.clone(),
            fault,
        })?;
        let damaged = || RekeyError::Journal(backup.to_owned());
        let journal: Self = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        match journal.changes.iter().all(Change::is_ours) {
            true => Ok(Some(journal)),
            false => Err(damaged()),
        }
    }

    pub(super) fn write(&self, backup: &Path) -> Result<(), RekeyError> {
        let path = backup.join(JOURNAL);
        // Piece by piece: there may be thousands of files, and as a text they would take more memory than all the rest.
        atomic::write_with(&path, |file| Ok(serde_json::to_writer(file, self)?))
            .map_err(|error| RekeyError::write(&path, error.source))
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
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_directory(backup),
        made => {
            made.map_err(|error| RekeyError::write(backup, error))?;
            // Were it lost, the files as they were would be, too.
            sync_directory(directory_of(backup))
        }
    }
}

/// The directory that holds `path`.
pub(super) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A journal says which files are replaced and removed, so it is believed only where nobody else could have written it.
fn check_directory(backup: &Path) -> Result<(), RekeyError> {
    match private::check_directory(backup) {
        Ok(()) | Err(KeyFault::Absent) => Ok(()),
        Err(fault) => Err(RekeyError::Custody {
            path: backup.to_owned(),
            fault,
        }),
    }
}

pub(super) fn sync_directory(directory: &Path) -> Result<(), RekeyError> {
    dress::sync_directory(directory).map_err(|error| RekeyError::write(directory, error))
}
