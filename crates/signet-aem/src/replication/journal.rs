//! What is going to happen to which key, and how far it is: read by whoever comes after a crash.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use signet_keys::private;

use super::{ReplicationError, backup};
use crate::KeyName;
use crate::disk::Disk;
use crate::dress::Dress;

/// The name of the journal in the directory of the backup.
const JOURNAL: &str = "journal.json";
const MAX_JOURNAL_BYTES: usize = 64 * 1024;
/// What the name of a successor begins with.
const FRESH: &str = ".signet-replication-";
const FRESH_DIGITS: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    pub(super) version: u32,
    pub(super) stage: Stage,
    /// The directory of the keys. It is never believed: what is written goes where the installation keeps its keys.
    pub(super) directory: PathBuf,
    pub(super) changes: Vec<Change>,
    /// Where there was no `storage`: the name of the one that is written, until it takes its place.
    pub(super) storage: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stage {
    /// Successors and copies of the old keys are written; no old key was touched.
    Preparing,
    /// All of them are there, and the successors take their places.
    Replacing,
    /// They have.
    Done,
    /// The old keys are put back.
    PuttingBack,
    /// They are.
    PutBack,
}

impl Stage {
    /// Whether nothing is left to do.
    pub(super) const fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::PutBack)
    }
}

/// What happens to one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    pub(super) name: KeyName,
    /// The SHA-256 of the old one, if there is one. Its copy in the backup has the name of the key.
    pub(super) old: Option<String>,
    /// That of the new one.
    pub(super) new: String,
    /// The name of the successor, beside the old one.
    pub(super) fresh: String,
    /// Owner, group and mode of the file.
    pub(super) dress: Dress,
}

impl Change {
    /// The file of the key.
    pub(super) fn path(&self, directory: &Path) -> PathBuf {
        directory.join(self.name.as_str())
    }

    /// Whether it names only what this program would have made.
    fn is_ours(&self) -> bool {
        let is_digest = |digest: &str| digest.len() == 64 && is_hexadecimal(digest);
        is_fresh(&self.fresh) && is_digest(&self.new) && self.old.as_deref().is_none_or(is_digest)
    }
}

fn is_fresh(name: &str) -> bool {
    let digits = name.strip_prefix(FRESH).unwrap_or_default();
    digits.len() == FRESH_DIGITS && is_hexadecimal(digits)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes()
        .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// A new name for a successor.
pub(super) fn fresh_name() -> Result<String, ReplicationError> {
    let mut random = [0; FRESH_DIGITS / 2];
    getrandom::fill(&mut random).map_err(|_| ReplicationError::Random)?;
    Ok(FRESH.to_owned() + &data_encoding::HEXLOWER.encode(&random))
}

impl Journal {
    pub(super) const VERSION: u32 = 1;

    /// The journal in `backup`; `None` if there is none.
    pub(super) fn read(backup: &Path) -> Result<Option<Self>, ReplicationError> {
        backup::check(backup)?;
        let path = backup.join(JOURNAL);
        match fs::symlink_metadata(&path) {
            Ok(_) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(ReplicationError::read(&path, error)),
        }
        let bytes =
            private::read(&path, MAX_JOURNAL_BYTES).map_err(|fault| ReplicationError::Custody {
                path: path.clone(),
                fault,
            })?;
        let damaged = || ReplicationError::Journal(backup.to_owned());
        let journal: Self = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        let names: Vec<_> = journal.changes.iter().map(|change| change.name).collect();
        let is_ours = journal.version == Self::VERSION
            && matches!(
                names.as_slice(),
                [] | [_] | [KeyName::Hmac, KeyName::Master]
            )
            && journal.changes.iter().all(Change::is_ours)
            && journal.storage.as_deref().is_none_or(is_fresh);
        match is_ours {
            true => Ok(Some(journal)),
            false => Err(damaged()),
        }
    }

    pub(super) fn write(&self, disk: &dyn Disk, backup: &Path) -> Result<(), ReplicationError> {
        let path = backup.join(JOURNAL);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| ReplicationError::write(&path, error.into()))?;
        backup::keep(disk, &path, &text)
    }

    /// The same, with another stage.
    pub(super) fn advance(
        &mut self,
        disk: &dyn Disk,
        stage: Stage,
        backup: &Path,
    ) -> Result<(), ReplicationError> {
        self.stage = stage;
        self.write(disk, backup)
    }

    pub(super) fn remove(disk: &dyn Disk, backup: &Path) -> Result<(), ReplicationError> {
        let path = backup.join(JOURNAL);
        disk.remove(&path)
            .and_then(|()| disk.sync_directory(backup))
            .map_err(|error| ReplicationError::write(&path, error))
    }
}
