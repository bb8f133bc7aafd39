//! The note of a move of the keys that is under way, so that one that was cut short can be finished.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::custody::Guard;
use crate::disk::Disk;
use crate::{KeyError, KeyFault, KeyProblem, KeyStore, Lock, ProviderName, atomic};

/// The file's name in the directory of the keys.
pub(crate) const JOURNAL: &str = "relocation";

/// What is known about a move that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) to: ProviderName,
    /// The file that the keys were sealed into beforehand.
    pub(crate) backup: PathBuf,
}

/// As it is written.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Note<'n> {
    v: u32,
    to: &'n str,
    backup: PathBuf,
}

const VERSION: u32 = 1;
/// The longest note that makes sense: a path of the largest length, and what stands around it.
const LIMIT: usize = 16 * 1024;

impl Journal {
    /// The note, if there is one.
    pub(crate) fn read(directory: &Path, guard: Guard) -> Result<Option<Self>, KeyFault> {
        let bytes = match guard.read_plain(&directory.join(JOURNAL), LIMIT) {
            Ok(bytes) => bytes,
            Err(KeyFault::Absent) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        Self::parse(&bytes).map(Some).ok_or(KeyFault::Journal)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let note: Note<'_> = serde_json::from_slice(bytes).ok()?;
        if note.v != VERSION {
            return None;
        }
        Some(Self {
            to: note.to.parse().ok()?,
            backup: note.backup,
        })
    }

    pub(crate) fn write(&self, disk: &dyn Disk, directory: &Path) -> Result<(), KeyError> {
        let note = Note {
            v: VERSION,
            to: self.to.as_str(),
            backup: self.backup.clone(),
        };
        // Names and paths of this machine always have a form in JSON, but for paths that are not UTF-8.
        let path = directory.join(JOURNAL);
        let text = serde_json::to_string(&note).map_err(|error| {
            KeyError::Write(atomic::WriteError {
                path: path.clone(),
                step: atomic::Step::Write,
                source: error.into(),
            })
        })?;
        atomic::write_on(disk, &path, format!("{text}\n").as_bytes())?;
        Ok(())
    }

    pub(crate) fn remove(disk: &dyn Disk, directory: &Path) -> Result<(), KeyError> {
        let path = directory.join(JOURNAL);
        if path.exists() {
            atomic::remove_on(disk, &path)?;
        }
        Ok(())
    }
}

/// Whether somebody moves the keys.
#[derive(Debug)]
pub(crate) enum Moving {
    /// Nobody.
    Not,
    /// Somebody does, at this moment.
    Now,
    /// Somebody did, and did not finish.
    Stuck(KeyProblem),
}

impl KeyStore {
    pub(crate) fn moving(&self) -> Moving {
        let journal = Journal::read(&self.directory, self.guard);
        if matches!(journal, Ok(None)) {
            return Moving::Not;
        }
        if Lock::is_held(&self.path(crate::store::LOCK)) {
            return Moving::Now;
        }
        let fault = match journal {
            Ok(None) => return Moving::Not,
            Ok(Some(journal)) => KeyFault::Unfinished { to: journal.to },
            Err(fault) => fault,
        };
        Moving::Stuck(KeyProblem::new(self.path(JOURNAL), fault))
    }
}
