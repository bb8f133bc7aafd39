//! Protected strings of content sealed anew: all of them or none, file by file on the disk, and back again if need be.

mod error;
mod flush;
mod journal;
mod plan;
mod rewrite;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use signet_keys::granite::GraniteKey;

pub use error::RekeyError;
pub(crate) use plan::parse;
pub use plan::{FileReport, Fit, Plan, ValueReport};

use journal::{Change, Journal, Stage};
use rewrite::{Fate, Situation};

use crate::dress::Dress;

/// The keys between which values are moved.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'k> {
    /// What the values were sealed with.
    pub old: &'k GraniteKey,
    /// What they are to be sealed with.
    pub new: &'k GraniteKey,
}

/// How far a long operation is.
pub trait Progress {
    /// So many bytes more were read.
    fn read(&mut self, bytes: u64);
}

impl<F: FnMut(u64)> Progress for F {
    fn read(&mut self, bytes: u64) {
        self(bytes);
    }
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rekeyed {
    /// How many files were changed.
    pub files: usize,
    /// How many values in them.
    pub values: usize,
    /// Where the files as they were lie.
    pub backup: PathBuf,
    /// Files that somebody else changed in between: they were left as they are.
    pub left_alone: Vec<PathBuf>,
}

/// How a backup directory was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Left {
    /// There is nothing in it, or it is not there.
    Nothing,
    /// An operation was cut short before any file was changed.
    Prepared,
    /// An operation was cut short while files were changed.
    Halfway,
    /// An operation was completed: this is its backup.
    Done,
}

/// How the directory for a backup was left.
///
/// # Errors
///
/// It holds something else, or cannot be read.
pub fn left(backup: &Path) -> Result<Left, RekeyError> {
    Ok(match Journal::read(backup)? {
        None if journal::is_vacant(backup)? => Left::Nothing,
        None => return Err(RekeyError::Foreign(backup.to_owned())),
        Some(journal) => match journal.stage {
            Stage::Preparing => Left::Prepared,
            Stage::Replacing | Stage::PuttingBack => Left::Halfway,
            Stage::Done | Stage::PutBack => Left::Done,
        },
    })
}

impl Plan {
    /// Seals the values of the plan anew. The files as they were are copied into `backup` first, all new ones are written beside the
    /// old ones, and only then they take their places, with their owners and modes.
    ///
    /// # Errors
    ///
    /// A file changed since it was read, or something could not be written: nothing was changed then. After the first file was
    /// replaced, [`finish`] completes what was cut short.
    pub fn apply(
        &self,
        keys: Keys<'_>,
        backup: &Path,
        progress: &mut dyn Progress,
    ) -> Result<Rekeyed, RekeyError> {
        if left(backup)? == Left::Nothing {
            journal::make_directory(backup)?;
        }
        let _lock = journal::lock(backup)?;
        match left(backup)? {
            Left::Nothing => {}
            Left::Prepared => clear(backup)?,
            Left::Halfway => return Err(RekeyError::Halfway(backup.to_owned())),
            Left::Done => return Err(RekeyError::Used(backup.to_owned())),
        }
        let mut journal = Journal {
            stage: Stage::Preparing,
            changes: self.changes()?,
        };
        // First what is going to be there, so that whoever comes after a crash finds all of it.
        journal.write(backup)?;
        if let Err(error) = self.prepare(&mut journal, keys, backup, progress) {
            // If this fails too, the next run does it.
            let _ = clear(backup);
            return Err(error);
        }
        replace(journal, backup)
    }

    fn prepare(
        &self,
        journal: &mut Journal,
        keys: Keys<'_>,
        backup: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), RekeyError> {
        let mut batch = flush::Batch::default();
        for (file, change) in self.changing().zip(&mut journal.changes) {
            let (stamp, prepared) = rewrite::prepare(file, change, keys, backup, progress)?;
            change.new = Some(stamp);
            batch.add(prepared)?;
        }
        batch.flush()?;
        flush::names(&journal.changes)?;
        journal::sync_directory(backup)?;
        // Preparing takes a while; whoever edited a file meanwhile wins, and nothing is replaced.
        for change in &journal.changes {
            if rewrite::situation(change, backup)? != Situation::Old {
                return Err(RekeyError::Changed(change.path.clone()));
            }
        }
        journal.stage = Stage::Replacing;
        journal.write(backup)
    }

    fn changes(&self) -> Result<Vec<Change>, RekeyError> {
        self.changing()
            .enumerate()
            .map(|(number, file)| {
                Ok(Change {
                    path: file.path.clone(),
                    fresh: rewrite::fresh_path(&file.path)?,
                    kept: format!("{number:06}"),
                    values: file.count(Fit::Old),
                    old: file.stamp.clone(),
                    new: None,
                    dress: Dress::of(&file.path)
                        .map_err(|error| RekeyError::read(&file.path, error))?,
                })
            })
            .collect()
    }
}

/// Completes what was cut short while files were changed, or put back.
///
/// # Errors
///
/// Something could not be written; it can be repeated.
pub fn finish(backup: &Path) -> Result<Rekeyed, RekeyError> {
    let nothing = || RekeyError::NothingToFinish(backup.to_owned());
    if left(backup)? != Left::Halfway {
        return Err(nothing());
    }
    let _lock = journal::lock(backup)?;
    match Journal::read(backup)? {
        Some(journal) if journal.stage == Stage::Replacing => replace(journal, backup),
        Some(journal) if journal.stage == Stage::PuttingBack => put_back(journal, backup),
        _ => Err(nothing()),
    }
}

/// Puts the files back that are in a backup, whether or not the operation was completed. The backup stays.
///
/// # Errors
///
/// There is no backup, or something could not be written; it can be repeated.
pub fn undo(backup: &Path) -> Result<Rekeyed, RekeyError> {
    let nothing = || RekeyError::NoBackup(backup.to_owned());
    if !matches!(left(backup)?, Left::Halfway | Left::Done) {
        return Err(nothing());
    }
    let _lock = journal::lock(backup)?;
    let mut journal = Journal::read(backup)?.ok_or_else(nothing)?;
    // Said first: half of a file that is put back must never be taken for a new one.
    journal.stage = Stage::PuttingBack;
    journal.write(backup)?;
    put_back(journal, backup)
}

fn put_back(mut journal: Journal, backup: &Path) -> Result<Rekeyed, RekeyError> {
    let left_alone = each(&journal, |change| rewrite::put_back(change, backup))?;
    journal.stage = Stage::PutBack;
    journal.write(backup)?;
    Ok(done(&journal, backup, left_alone))
}

fn replace(mut journal: Journal, backup: &Path) -> Result<Rekeyed, RekeyError> {
    let left_alone = each(&journal, |change| rewrite::replace(change, backup))?;
    journal.stage = Stage::Done;
    journal.write(backup)?;
    Ok(done(&journal, backup, left_alone))
}

/// Does one thing with each file, and returns those that were left alone.
fn each(
    journal: &Journal,
    mut act: impl FnMut(&Change) -> Result<Fate, RekeyError>,
) -> Result<Vec<PathBuf>, RekeyError> {
    let mut left_alone = Vec::new();
    for change in &journal.changes {
        if act(change)? == Fate::LeftAlone {
            left_alone.push(change.path.clone());
        }
    }
    flush::names(&journal.changes)?;
    Ok(left_alone)
}

/// Removes what was prepared and never used.
fn clear(backup: &Path) -> Result<(), RekeyError> {
    let Some(journal) = Journal::read(backup)? else {
        return Ok(());
    };
    for change in &journal.changes {
        for path in [change.fresh.clone(), backup.join(&change.kept)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(RekeyError::write(&path, error));
                }
                _ => {}
            }
        }
    }
    flush::names(&journal.changes)?;
    Journal::remove(backup)
}

fn done(journal: &Journal, backup: &Path, left_alone: Vec<PathBuf>) -> Rekeyed {
    let changes = || {
        let changes = journal.changes.iter();
        changes.filter(|change| !left_alone.contains(&change.path))
    };
    Rekeyed {
        files: changes().count(),
        values: changes().map(|change| change.values).sum(),
        backup: backup.to_owned(),
        left_alone,
    }
}

#[cfg(test)]
mod tests;
