//! Copying: a backup first, then the successors beside the old keys, and only when all of it is on the disk they take their places.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::backup;
use super::journal::{Change, Journal, Stage, fresh_name};
use super::{KeyChange, ReplicationError, Source, Target};
use crate::disk::Disk;
use crate::dress::Dress;
use crate::key_file::MAX_KEY_BYTES;
use crate::{KeyName, Running, file};

/// What an installation does while its keys change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ground {
    /// AEM must not run: it reads the keys when it starts.
    Stopped,
    /// It may run, and is told to read them again afterwards.
    Running,
}

impl Ground {
    pub(super) fn check(self, folder: &Path, cache: &Path) -> Result<(), ReplicationError> {
        match (self, Running::look(cache)) {
            (Self::Stopped, Running::Yes { process }) => Err(ReplicationError::Running {
                folder: folder.to_owned(),
                process,
            }),
            _ => Ok(()),
        }
    }
}

/// What was done on one installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Replicated {
    /// Its folder.
    pub folder: PathBuf,
    /// The keys that are others than before.
    pub keys: Vec<KeyName>,
    /// Whether `storage` was written.
    pub storage: bool,
    /// Where the keys as they were lie; `None` if nothing was changed.
    pub backup: Option<PathBuf>,
}

impl Target {
    /// Copies the keys. Each file takes its place whole, with the owner and mode of the old one or of its neighbours.
    ///
    /// # Errors
    ///
    /// Something changed since it was looked at, or could not be written: before the first key took its place nothing was changed,
    /// and after it the same command completes it.
    pub fn apply(&self, source: &Source, ground: Ground) -> Result<Replicated, ReplicationError> {
        let mut done = Replicated {
            folder: self.folder.clone(),
            keys: Vec::new(),
            storage: false,
            backup: None,
        };
        if self.is_done() {
            return Ok(done);
        }
        ground.check(&self.folder, &self.layout.cache)?;
        make_place(self.disk, &self.layout.directory, &self.layout.neighbour)?;
        let _held = backup::hold(&self.layout.directory)?;
        // Somebody else may have been here before the lock was had.
        let journal = Journal::read(&self.backup)?;
        self.check_earlier(journal.as_ref())?;
        match journal {
            Some(journal) if journal.stage == Stage::Replacing => {
                self.replace(journal, source, &mut done)?;
            }
            Some(journal) if journal.stage == Stage::Preparing => self.clear(&journal)?,
            _ => {}
        }
        if let Some(journal) = self.journal()? {
            if Journal::read(&self.backup)?.is_some_and(|earlier| earlier.stage.is_end()) {
                backup::put_aside(self.disk, &self.backup)?;
            }
            let prepared = self.prepare(journal, source)?;
            ground.check(&self.folder, &self.layout.cache)?;
            self.replace(prepared, source, &mut done)?;
        }
        Ok(done)
    }

    /// What there is to do now; nothing, if all is as it is meant to be.
    fn journal(&self) -> Result<Option<Journal>, ReplicationError> {
        let mut changes = Vec::new();
        for change in &self.keys {
            changes.extend(self.change(change)?);
        }
        let storage = match is_there(&self.layout.storage)? {
            true => None,
            false => Some(fresh_name()?),
        };
        if changes.is_empty() && storage.is_none() {
            return Ok(None);
        }
        Ok(Some(Journal {
            version: Journal::VERSION,
            stage: Stage::Preparing,
            directory: self.layout.directory.clone(),
            changes,
            storage,
        }))
    }

    fn change(&self, planned: &KeyChange) -> Result<Option<Change>, ReplicationError> {
        let path = self.layout.directory.join(planned.name.as_str());
        let now = digest(&path)?;
        if now.as_ref() == Some(&planned.new) {
            return Ok(None);
        }
        if now != planned.old {
            return Err(ReplicationError::Changed(path));
        }
        Ok(Some(Change {
            name: planned.name,
            dress: self.dress(&path)?,
            old: now,
            new: planned.new.clone(),
            fresh: fresh_name()?,
        }))
    }

    /// The dress of a key: its own, that of the other key, or that of what the framework wrote.
    fn dress(&self, path: &Path) -> Result<Dress, ReplicationError> {
        let own = Dress::of(path).ok();
        let other = || {
            let mut names = KeyName::ALL.into_iter();
            names.find_map(|name| Dress::of(&self.layout.directory.join(name.as_str())).ok())
        };
        let neighbour = &self.layout.neighbour;
        match own.or_else(|| other().map(Dress::for_secret)) {
            Some(dress) => Ok(dress),
            None => Dress::of(neighbour)
                .map(Dress::for_secret)
                .map_err(|error| ReplicationError::read(neighbour, error)),
        }
    }

    /// Writes the backup and all successors. If that fails, all of it is removed again.
    fn prepare(&self, mut journal: Journal, source: &Source) -> Result<Journal, ReplicationError> {
        backup::make(self.disk, &self.backup)?;
        // First what is going to be there, so that whoever comes after a crash finds all of it.
        let prepared = journal
            .write(self.disk, &self.backup)
            .and_then(|()| self.write_all(&journal, source))
            .and_then(|()| journal.advance(self.disk, Stage::Replacing, &self.backup));
        if let Err(error) = prepared {
            // If this fails too, the next run does it.
            let _ = self.clear(&journal);
            let _ = self.disk.remove_directory(&self.backup);
            return Err(error);
        }
        Ok(journal)
    }

    fn write_all(&self, journal: &Journal, source: &Source) -> Result<(), ReplicationError> {
        for change in &journal.changes {
            let path = change.path(&self.layout.directory);
            let kept = self.backup.join(change.name.as_str());
            if let Some(old) = read(&path)? {
                backup::keep(self.disk, &kept, &old)?;
            }
            if digest(&kept)? != change.old {
                return Err(ReplicationError::Changed(path));
            }
            self.stage(change, source)?;
        }
        if let Some(fresh) = &journal.storage {
            self.stage_storage(fresh)?;
        }
        let directory = &self.layout.directory;
        self.sync(directory)
    }

    /// Writes the successor of a key.
    fn stage(&self, change: &Change, source: &Source) -> Result<(), ReplicationError> {
        let fresh = self.layout.directory.join(&change.fresh);
        let unwritten = |error| ReplicationError::write(&fresh, error);
        let key = source
            .key(change.name)
            .ok_or(ReplicationError::NotCarried { name: change.name })?;
        self.disk
            .remove(&fresh)
            .and_then(|()| self.disk.write_new(&fresh, key.expose(), change.dress))
            .map_err(unwritten)
    }

    fn stage_storage(&self, fresh: &str) -> Result<PathBuf, ReplicationError> {
        let (storage, neighbour) = (&self.layout.storage, &self.layout.storage_neighbour);
        let data = storage.parent().unwrap_or(storage);
        make_place(self.disk, data, neighbour)?;
        let fresh = data.join(fresh);
        let unwritten = |error| ReplicationError::write(&fresh, error);
        let dress = Dress::of(neighbour)
            .map_err(|error| ReplicationError::read(neighbour, error))?
            .for_secret();
        self.disk
            .remove(&fresh)
            .and_then(|()| self.disk.write_new(&fresh, b"Bundle", dress))
            .and_then(|()| self.disk.sync_directory(data))
            .map_err(unwritten)?;
        Ok(fresh)
    }

    /// Lets the successors take their places: the keys first, `storage` last.
    fn replace(
        &self,
        mut journal: Journal,
        source: &Source,
        done: &mut Replicated,
    ) -> Result<(), ReplicationError> {
        let directory = &self.layout.directory;
        for change in &journal.changes {
            let path = change.path(directory);
            let fresh = directory.join(&change.fresh);
            let unwritten = |error| ReplicationError::write(&path, error);
            let now = digest(&path)?;
            if now.as_ref() == Some(&change.new) {
                self.disk.remove(&fresh).map_err(unwritten)?;
            } else if now == change.old {
                // Somebody may have tidied up since.
                if digest(&fresh)?.as_ref() != Some(&change.new) {
                    self.stage(change, source)?;
                }
                self.disk.rename(&fresh, &path).map_err(unwritten)?;
            } else {
                return Err(ReplicationError::Changed(path));
            }
            done.keys.push(change.name);
        }
        self.sync(directory)?;
        if let Some(fresh) = &journal.storage {
            self.replace_storage(fresh)?;
            done.storage = true;
        }
        journal.advance(self.disk, Stage::Done, &self.backup)?;
        done.backup = Some(self.backup.clone());
        Ok(())
    }

    fn replace_storage(&self, fresh: &str) -> Result<(), ReplicationError> {
        let storage = &self.layout.storage;
        let data = storage.parent().unwrap_or(storage);
        let unwritten = |error| ReplicationError::write(storage, error);
        if is_there(storage)? {
            return self.disk.remove(&data.join(fresh)).map_err(unwritten);
        }
        let mut staged = data.join(fresh);
        if read(&staged)?.is_none_or(|bytes| *bytes != b"Bundle") {
            staged = self.stage_storage(fresh)?;
        }
        self.disk
            .rename(&staged, storage)
            .and_then(|()| self.disk.sync_directory(data))
            .map_err(unwritten)
    }

    fn sync(&self, directory: &Path) -> Result<(), ReplicationError> {
        self.disk
            .sync_directory(directory)
            .map_err(|error| ReplicationError::write(directory, error))
    }

    /// Removes what was prepared and never used.
    fn clear(&self, journal: &Journal) -> Result<(), ReplicationError> {
        for path in leftovers(journal, &self.layout.directory, &self.layout.storage) {
            self.remove(&path)?;
        }
        for change in &journal.changes {
            let kept = self.backup.join(change.name.as_str());
            self.remove(&kept)?;
        }
        Journal::remove(self.disk, &self.backup)
    }

    fn remove(&self, path: &Path) -> Result<(), ReplicationError> {
        self.disk
            .remove(path)
            .map_err(|error| ReplicationError::write(path, error))
    }
}

/// The successors that may be there still.
pub(super) fn leftovers(journal: &Journal, directory: &Path, storage: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = journal
        .changes
        .iter()
        .map(|change| directory.join(&change.fresh))
        .collect();
    paths.extend(
        journal
            .storage
            .iter()
            .map(|fresh| storage.with_file_name(fresh)),
    );
    paths
}

/// The SHA-256 of what is in a file, in hexadecimal digits; `None` if there is none.
pub(super) fn digest(path: &Path) -> Result<Option<String>, ReplicationError> {
    Ok(read(path)?.map(|bytes| HEXLOWER.encode(&Sha256::digest(&*bytes))))
}

fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, ReplicationError> {
    let bytes =
        file::read(path, MAX_KEY_BYTES).map_err(|error| ReplicationError::read(path, error))?;
    Ok(bytes.map(Zeroizing::new))
}

fn is_there(path: &Path) -> Result<bool, ReplicationError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        found => found
            .map(|_| true)
            .map_err(|error| ReplicationError::read(path, error)),
    }
}

/// Makes the data folder of a bundle, which the framework makes when it is first needed.
fn make_place(disk: &dyn Disk, data: &Path, neighbour: &Path) -> Result<(), ReplicationError> {
    if data.is_dir() {
        return Ok(());
    }
    let bundle = data.parent().unwrap_or(neighbour);
    Dress::of(bundle)
        .and_then(|dress| backup::SIGNATURE.make_directory(disk, data, dress.for_directory()))
        .map_err(|error| ReplicationError::write(data, error))
}
