//! The note of a move of the keys that is under way, so that one that was cut short can be finished.

use std::path::Path;

use serde::Deserialize;

use super::backup::is_name;

use crate::custody::Guard;
use crate::disk::Disk;
use crate::store::LOCK;
use crate::{
    Custody, Effect, KeyError, KeyFault, KeyProblem, KeyStore, Lock, ProviderName, atomic,
};

/// The file's name in the directory of the keys.
pub(crate) const JOURNAL: &str = "relocation";

/// What is known about a move that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) to: ProviderName,
    /// Whether it goes back to where the keys were.
    pub(crate) is_undo: bool,
    /// The name of the file that the keys are sealed into beforehand.
    pub(crate) backup: String,
}

/// As it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note<'n> {
    v: u32,
    to: &'n str,
    undo: bool,
    backup: &'n str,
}

const VERSION: u32 = 1;
/// Much more than any note has.
const LIMIT: usize = 1024;

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
        if note.v != VERSION || !is_name(note.backup) {
            return None;
        }
        Some(Self {
            to: note.to.parse().ok()?,
            is_undo: note.undo,
            backup: note.backup.to_owned(),
        })
    }

    pub(crate) fn write(&self, disk: &dyn Disk, directory: &Path) -> Result<(), KeyError> {
        // Neither needs an escape.
        let (to, undo, backup) = (self.to, self.is_undo, &self.backup);
        let note = format!(
            "{{\"v\":{VERSION},\"to\":\"{to}\",\"undo\":{undo},\"backup\":\"{backup}\"}}\n"
        );
        atomic::write_on(disk, &directory.join(JOURNAL), note.as_bytes())?;
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

impl Moving {
    fn of(directory: &Path, guard: Guard) -> Self {
        let journal = Journal::read(directory, guard);
        if matches!(journal, Ok(None)) {
            return Self::Not;
        }
        if Lock::is_held(&directory.join(LOCK)) {
            return Self::Now;
        }
        let fault = match journal {
            Ok(None) => return Self::Not,
            Ok(Some(journal)) => KeyFault::Unfinished { to: journal.to },
            Err(fault) => fault,
        };
        Self::Stuck(KeyProblem::new(directory.join(JOURNAL), fault))
    }
}

impl KeyStore {
    pub(crate) fn moving(&self) -> Moving {
        Moving::of(&self.directory, self.guard)
    }
}

/// What is wrong with the note of a move of the keys in `directory` that nobody is at: [`KeyFault::Unfinished`] if the move
/// was cut short, and another fault if it is no such note.
#[must_use]
pub fn unfinished_relocation(directory: &Path, custody: Custody) -> Option<KeyProblem> {
    match Moving::of(directory, Guard::new(custody)) {
        Moving::Stuck(problem) => Some(problem.with(Effect::Noted)),
        Moving::Not | Moving::Now => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_note_is_one() {
        let good = br#"{"v":1,"to":"file","undo":false,"backup":"keys-20260101T000000Z.sealed"}"#;
        let journal = Journal::parse(good).unwrap();
        assert_eq!(journal.to, ProviderName::File);
        for bad in [
            r#""#,
            r#"{}"#,
            r#"{"v":2,"to":"file","undo":false,"backup":"keys-1.sealed"}"#,
            r#"{"v":1,"to":"files","undo":false,"backup":"keys-1.sealed"}"#,
            r#"{"v":1,"to":"file","undo":false,"backup":"../keys-1.sealed"}"#,
            r#"{"v":1,"to":"file","undo":false,"backup":"keys-1.sealed","x":1}"#,
            r#"{"v":1,"to":"file","undo":false,"backup":"keys-1.sealed"#,
        ] {
            assert_eq!(Journal::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
