//! The directory in an installation that holds its keys as they were, and what is going to happen to them.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use signet_keys::private;

use super::ReplicationError;
use super::journal::{Journal, Stage};
use crate::backup::{self, Whose};
use crate::disk::{Disk, Signature};

/// The name of the directory. Those of finished runs have a number behind it.
const NAME: &str = "signet-replication";
/// In the names of files that have not taken their places yet.
pub(super) const SIGNATURE: Signature = Signature(NAME);

/// Where the backup for the keys in `directory` is, or is going to be, and how an earlier run left it.
pub(super) fn find(
    folder: &Path,
    cache: &Path,
    directory: &Path,
) -> Result<(PathBuf, Option<Journal>), ReplicationError> {
    let own = folder
        .canonicalize()
        .map_err(|error| ReplicationError::read(folder, error))?
        .join(NAME);
    match Journal::read(&own)? {
        Some(journal) if journal.directory == directory || journal.stage.is_end() => {
            return Ok((own, Some(journal)));
        }
        Some(_) => return Err(ReplicationError::Journal(own)),
        None => {
            let is_vacant =
                backup::is_vacant(&own).map_err(|error| ReplicationError::read(&own, error))?;
            if !is_vacant {
                return Err(ReplicationError::Foreign(own));
            }
        }
    }
    // The same installation may have been named by another folder, when it was cut short.
    match above(cache, directory, |journal| !journal.stage.is_end()) {
        Some(elsewhere) => Ok((elsewhere.clone(), Journal::read(&elsewhere)?)),
        None => Ok((own, None)),
    }
}

/// The backup for the keys in `directory` that lies nearest above the bundles and is as `wanted`.
pub(super) fn above(
    cache: &Path,
    directory: &Path,
    wanted: impl Fn(&Journal) -> bool,
) -> Option<PathBuf> {
    let places = cache.ancestors().take(4).map(|above| above.join(NAME));
    places.into_iter().find(|path| {
        let journal = Journal::read(path).ok().flatten();
        journal.is_some_and(|journal| journal.directory == directory && wanted(&journal))
    })
}

/// Something that a run left in an installation.
pub(crate) type Leftover = backup::Leftover<LeftoverState>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftoverState {
    /// Some of the keys may be others than before, and some not.
    Unfinished,
    /// The same, on the way back.
    GoingBack,
    /// It is over, and the backup has keys.
    Over,
    /// There is something that cannot be read.
    Unknown,
}

/// What runs left in `folder`, or above the directory of its bundles.
pub(crate) fn leftovers(folder: &Path, cache: &Path) -> Vec<Leftover> {
    backup::leftovers(folder, cache, NAME, |backup, whose| {
        let journal = match Journal::read(backup) {
            Ok(Some(journal)) => journal,
            Ok(None) if backup::is_vacant(backup).unwrap_or(false) => return None,
            _ => return Some(LeftoverState::Unknown),
        };
        let is_ours = whose == Whose::Ours || journal.directory.starts_with(cache);
        is_ours.then_some(match journal.stage {
            Stage::Preparing | Stage::Replacing => LeftoverState::Unfinished,
            Stage::PuttingBack => LeftoverState::GoingBack,
            Stage::Done | Stage::PutBack => LeftoverState::Over,
        })
    })
}

/// Makes the directory: for one user alone, since it holds keys.
pub(super) fn make(disk: &dyn Disk, path: &Path) -> Result<(), ReplicationError> {
    if fs::symlink_metadata(path).is_ok() {
        return check(path);
    }
    private::check_place(path)?;
    disk.make_directory(path, backup::own_dress(0o700))
        .map_err(|error| ReplicationError::write(path, error))
}

/// Writes a file of the backup: whole or not at all, and for one user alone.
pub(super) fn keep(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), ReplicationError> {
    SIGNATURE
        .replace(disk, path, bytes, backup::own_dress(0o600))
        .map_err(|error| ReplicationError::write(path, error))
}

/// Makes room for the next run.
pub(super) fn put_aside(disk: &dyn Disk, path: &Path) -> Result<(), ReplicationError> {
    backup::put_aside(disk, path).map_err(|error| ReplicationError::write(path, error))
}

/// Whether `path` is such a directory by its name, numbered or not.
pub(super) fn is_named(path: &Path) -> bool {
    backup::is_named(path, NAME)
}

/// A journal is believed only where nobody else could have written it.
pub(super) fn check(path: &Path) -> Result<(), ReplicationError> {
    backup::check(path).map_err(|fault| ReplicationError::Custody {
        path: path.to_owned(),
        fault,
    })
}

/// Held while the keys in a directory are changed. The directory itself is locked: nothing is left in it.
pub(super) struct Held {
    _directory: File,
}

/// One command at a time.
pub(super) fn hold(directory: &Path) -> Result<Held, ReplicationError> {
    let file = File::open(directory).map_err(|error| ReplicationError::read(directory, error))?;
    match file.try_lock() {
        Ok(()) => Ok(Held { _directory: file }),
        Err(TryLockError::WouldBlock) => Err(ReplicationError::Busy(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(ReplicationError::write(directory, error)),
    }
}
