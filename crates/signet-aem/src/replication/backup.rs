//! The directory in an installation that holds its keys as they were, and what is going to happen to them.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::{getegid, geteuid};
use signet_keys::{KeyFault, private};

use super::ReplicationError;
use super::journal::{Journal, Stage};
use crate::dress::Dress;
use crate::relocation::disk::Disk;

/// The name of the directory. Those of finished runs have a number behind it.
pub(crate) const NAME: &str = "signet-replication";

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
        None if is_vacant(&own)? => {}
        None => return Err(ReplicationError::Foreign(own)),
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leftover {
    /// The directory of the backup.
    pub(crate) backup: PathBuf,
    pub(crate) state: LeftoverState,
}

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
    let above = cache.ancestors().take(4).filter(|place| *place != folder);
    let mut found = Vec::new();
    for place in core::iter::once(folder).chain(above) {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let backup = entry.path();
            if !is_named(&backup) {
                continue;
            }
            let state = match Journal::read(&backup) {
                // A folder may lie above several installations.
                Ok(Some(journal)) if place != folder && !journal.directory.starts_with(cache) => {
                    continue;
                }
                Ok(Some(journal)) => match journal.stage {
                    Stage::Preparing | Stage::Replacing => LeftoverState::Unfinished,
                    Stage::PuttingBack => LeftoverState::GoingBack,
                    Stage::Done | Stage::PutBack => LeftoverState::Over,
                },
                Ok(None) if is_vacant(&backup).unwrap_or(false) => continue,
                _ => LeftoverState::Unknown,
            };
            found.push(Leftover { backup, state });
        }
    }
    found.sort_by(|one, other| one.backup.cmp(&other.backup));
    found
}

/// Makes the directory: for one user alone, since it holds keys.
pub(super) fn make(disk: &dyn Disk, path: &Path) -> Result<(), ReplicationError> {
    if fs::symlink_metadata(path).is_ok() {
        return check(path);
    }
    let parent = path.parent().unwrap_or_else(|| Path::new("/"));
    disk.make_directory(path, own_dress(0o700))
        .and_then(|()| disk.sync_directory(parent))
        .map_err(|error| ReplicationError::write(path, error))
}

/// Writes a file of the backup: whole or not at all, and for one user alone.
pub(super) fn keep(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), ReplicationError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = path.with_file_name(format!(".{NAME}-{name}"));
    let written = disk
        // What an earlier run left that was killed.
        .remove(&fresh)
        .and_then(|()| disk.write_new(&fresh, bytes, own_dress(0o600)))
        .and_then(|()| disk.rename(&fresh, path));
    if written.is_err() {
        // If this fails too, the next run does it.
        let _ = disk.remove(&fresh);
    }
    written
        .and_then(|()| disk.sync_directory(path.parent().unwrap_or(path)))
        .map_err(|error| ReplicationError::write(path, error))
}

/// For whoever runs this.
fn own_dress(mode: u32) -> Dress {
    Dress {
        owner: geteuid().as_raw(),
        group: getegid().as_raw(),
        mode,
    }
}

/// Gives the directory of a finished run a number, so that there is room for the next one.
pub(super) fn retire(disk: &dyn Disk, path: &Path) -> Result<(), ReplicationError> {
    let parent = path.parent().unwrap_or_else(|| Path::new("/"));
    let numbered = (1_u32..)
        .map(|number| parent.join(format!("{NAME}-{number}")))
        .find(|numbered| fs::symlink_metadata(numbered).is_err())
        .ok_or_else(|| ReplicationError::Foreign(path.to_owned()))?;
    disk.rename(path, &numbered)
        .and_then(|()| disk.sync_directory(parent))
        .map_err(|error| ReplicationError::write(path, error))
}

/// Whether `path` is such a directory by its name, numbered or not.
pub(super) fn is_named(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let rest = name.and_then(|name| name.strip_prefix(NAME));
    rest.is_some_and(|rest| {
        let number = rest.strip_prefix('-');
        rest.is_empty()
            || number.is_some_and(|number| {
                !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
            })
    })
}

/// A journal says which keys are replaced, so it is believed only where nobody else could have written it.
pub(super) fn check(path: &Path) -> Result<(), ReplicationError> {
    match private::check_directory(path) {
        Ok(()) | Err(KeyFault::Absent) => Ok(()),
        Err(fault) => Err(ReplicationError::Custody {
            path: path.to_owned(),
            fault,
        }),
    }
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

/// Whether nothing is at `path`, or a directory without anything that counts.
fn is_vacant(path: &Path) -> Result<bool, ReplicationError> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.all(|entry| {
            entry.is_ok_and(|entry| entry.file_name().as_encoded_bytes().starts_with(b"."))
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(ReplicationError::read(path, error)),
    }
}
