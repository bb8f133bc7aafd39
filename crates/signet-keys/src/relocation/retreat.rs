//! Taking back what a move did, as long as nothing was removed.

use std::path::PathBuf;

use signet_core::Key;

use super::RelocationError;
use super::find::Holding;
use super::journal::Journal;
use super::situation::Situation;
use crate::store::STORAGE;
use crate::{KeyError, KeyStore, atomic};

/// What a move did so far, and how it was before.
#[derive(Debug, Default)]
pub(crate) struct Retreat {
    /// The move was begun by somebody else, so its note stays.
    pub(crate) is_resumed: bool,
    pub(crate) noted: bool,
    pub(crate) backup: Option<PathBuf>,
    /// Each key that was written, with what was there before.
    pub(crate) written: Vec<(Key, Before)>,
    /// What `storage` held before it was switched; the outer `None` where it was not.
    pub(crate) storage: Option<Option<Vec<u8>>>,
}

/// What was at the place of a key before it was written.
#[derive(Debug)]
pub(crate) enum Before {
    Nothing,
    Copy(Box<Key>),
    /// It could not be read; the good copy stays.
    Damaged,
}

impl Retreat {
    /// Whether anything was changed that is taken back.
    pub(crate) fn is_needed(&self) -> bool {
        self.noted || self.backup.is_some() || !self.written.is_empty() || self.storage.is_some()
    }

    /// Puts everything back, last things first. The note goes only after all else did: until then asking again finishes.
    pub(crate) fn run(
        self,
        store: &KeyStore,
        situation: &Situation<'_>,
    ) -> Result<(), RelocationError> {
        let to = situation.to;
        let path = store.path(STORAGE);
        match &self.storage {
            Some(Some(bytes)) => {
                atomic::write_on(&*store.disk, &path, bytes).map_err(KeyError::from)?;
            }
            Some(None) if path.exists() => {
                atomic::remove_on(&*store.disk, &path).map_err(KeyError::from)?;
            }
            _ => {}
        }
        let present = Holding::of(to)?.ids();
        let mut is_removed = false;
        for (key, before) in self.written.iter().rev() {
            match before {
                // The attempt to write it failed.
                Before::Nothing if !present.contains(&(key.ring, key.id)) => {}
                Before::Nothing if self.is_elsewhere(situation, key)? => {
                    to.remove(key.ring, key.id)?;
                    is_removed = true;
                }
                // Somebody else removed it from the old place meanwhile: this is the last copy.
                Before::Nothing => {}
                Before::Copy(copy) => to.write(copy)?,
                Before::Damaged => {}
            }
        }
        if is_removed {
            to.purge()?;
        }
        if let Some(backup) = self.backup.as_ref().filter(|path| path.exists()) {
            atomic::remove_on(&*store.disk, backup).map_err(KeyError::from)?;
        }
        if self.noted && !self.is_resumed {
            Journal::remove(&*store.disk, &store.directory)?;
        }
        Ok(())
    }

    /// Whether a key can be taken from the new place: it is in the old one still, or came from a backup.
    fn is_elsewhere(&self, situation: &Situation<'_>, key: &Key) -> Result<bool, RelocationError> {
        match situation.from {
            Some(from) if situation.there.find(key).is_some() => {
                Ok(Holding::of(from)?.find(key).is_some())
            }
            _ => Ok(true),
        }
    }
}
