//! The way back: the keys as they were take their places again.

use std::path::{Path, PathBuf};

use serde::Serialize;
use signet_keys::private;
use zeroize::Zeroizing;

use super::backup;
use super::journal::{Change, Journal, Stage};
use super::target::{Layout, inspect};
use super::work::{digest, leftovers};
use super::{Ground, PlaceFault, ReplicationError};
use crate::disk::{Disk, Os};
use crate::key_file::MAX_KEY_BYTES;
use crate::{Digests, KeyName, Running, Storage};

/// A backup that can be put back. Nothing was changed yet.
#[derive(Debug)]
#[non_exhaustive]
pub struct Undo {
    /// The folder of the installation.
    pub folder: PathBuf,
    /// The directory of the backup.
    pub backup: PathBuf,
    /// Whether AEM runs on it.
    pub running: Running,
    /// The keys that are in it.
    pub keys: Vec<KeyName>,
    layout: Layout,
    pub(super) disk: &'static dyn Disk,
}

/// What was put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PutBack {
    /// The folder of the installation.
    pub folder: PathBuf,
    /// The keys that are as before.
    pub keys: Vec<KeyName>,
    /// Keys that somebody else changed since: they were left as they are.
    pub left_alone: Vec<PathBuf>,
    /// The backup, which stays.
    pub backup: PathBuf,
}

impl Undo {
    /// Looks for the backup of an installation: in its folder, or at `place` itself.
    ///
    /// # Errors
    ///
    /// There is none, or it is not to be trusted.
    pub fn find(place: &Path) -> Result<Self, ReplicationError> {
        let none = || ReplicationError::NoBackup(place.to_owned());
        let place = place.canonicalize().map_err(|_| none())?;
        let is_backup = backup::is_named(&place);
        let folder = match is_backup {
            true => place.parent().ok_or_else(none)?.to_owned(),
            false => place.clone(),
        };
        let inspection = inspect(&folder)?;
        let layout =
            Layout::of(&inspection).map_err(|fault: PlaceFault| ReplicationError::Place {
                folder: folder.clone(),
                fault,
            })?;
        let backup = match is_backup {
            true => place,
            false => match backup::find(&folder, &layout.cache, &layout.directory)? {
                (backup, Some(_)) => backup,
                // The installation may have been named by another folder when it got the keys.
                (backup, None) => {
                    backup::above(&layout.cache, &layout.directory, |_| true).unwrap_or(backup)
                }
            },
        };
        let journal = Journal::read(&backup)?.ok_or_else(none)?;
        // What is written goes where the installation keeps its keys, or nowhere.
        if journal.directory != layout.directory {
            return Err(ReplicationError::Journal(backup));
        }
        Ok(Self {
            folder,
            backup,
            running: inspection.running,
            keys: journal.changes.iter().map(|change| change.name).collect(),
            layout,
            disk: &Os,
        })
    }

    /// Puts the keys back as they were. The backup stays.
    ///
    /// # Errors
    ///
    /// A copy is damaged (nothing was put back then), or something could not be written; it can be repeated.
    pub fn apply(&self, ground: Ground) -> Result<PutBack, ReplicationError> {
        ground.check(&self.folder, &self.layout.cache)?;
        let _held = backup::hold(&self.layout.directory)?;
        let none = || ReplicationError::NoBackup(self.folder.clone());
        let mut journal = Journal::read(&self.backup)?.ok_or_else(none)?;
        if journal.directory != self.layout.directory {
            return Err(ReplicationError::Journal(self.backup.clone()));
        }
        let mut done = PutBack {
            folder: self.folder.clone(),
            keys: Vec::new(),
            left_alone: Vec::new(),
            backup: self.backup.clone(),
        };
        // Before the first key took its place there may be half of a copy, and nothing to put back.
        if journal.stage != Stage::Preparing {
            let old = journal.changes.iter().map(|change| self.kept(change));
            let old: Vec<_> = old.collect::<Result<_, _>>()?;
            journal.advance(self.disk, Stage::PuttingBack, &self.backup)?;
            for (change, old) in journal.changes.iter().zip(&old) {
                self.put_back(change, old.as_deref(), &mut done)?;
            }
            if journal.storage.is_some() {
                self.remove_storage()?;
            }
        }
        for path in leftovers(&journal, &self.layout.directory, &self.layout.storage) {
            self.disk
                .remove(&path)
                .map_err(|error| ReplicationError::write(&path, error))?;
        }
        let directory = &self.layout.directory;
        self.disk
            .sync_directory(directory)
            .map_err(|error| ReplicationError::write(directory, error))?;
        journal.advance(self.disk, Stage::PutBack, &self.backup)?;
        Ok(done)
    }

    /// The old key, exactly as it was; `None` if there was none.
    fn kept(&self, change: &Change) -> Result<Option<Zeroizing<Vec<u8>>>, ReplicationError> {
        let Some(old) = &change.old else {
            return Ok(None);
        };
        let path = self.backup.join(change.name.as_str());
        let bytes = private::read(&path, MAX_KEY_BYTES as usize).map_err(|fault| {
            ReplicationError::Custody {
                path: path.clone(),
                fault,
            }
        })?;
        match Digests::of(&bytes).sha256 == *old {
            true => Ok(Some(bytes)),
            false => Err(ReplicationError::DamagedBackup(path)),
        }
    }

    fn put_back(
        &self,
        change: &Change,
        old: Option<&Vec<u8>>,
        done: &mut PutBack,
    ) -> Result<(), ReplicationError> {
        let path = change.path(&self.layout.directory);
        let unwritten = |error| ReplicationError::write(&path, error);
        let now = digest(&path)?;
        if now == change.old {
            done.keys.push(change.name);
            return Ok(());
        }
        if now.is_some() && now.as_ref() != Some(&change.new) {
            done.left_alone.push(path);
            return Ok(());
        }
        match old {
            Some(old) => {
                let fresh = self.layout.directory.join(&change.fresh);
                self.disk.remove(&fresh).map_err(unwritten)?;
                self.disk
                    .write_new(&fresh, old, change.dress)
                    .map_err(unwritten)?;
                self.disk.rename(&fresh, &path).map_err(unwritten)?;
            }
            None => self.disk.remove(&path).map_err(unwritten)?,
        }
        done.keys.push(change.name);
        Ok(())
    }

    /// There was none before, and AEM was meant to write its own.
    fn remove_storage(&self) -> Result<(), ReplicationError> {
        let storage = &self.layout.storage;
        if Storage::read(storage) != Storage::Bundle {
            return Ok(());
        }
        self.disk
            .remove(storage)
            .and_then(|()| {
                self.disk
                    .sync_directory(storage.parent().unwrap_or(storage))
            })
            .map_err(|error| ReplicationError::write(storage, error))
    }
}
