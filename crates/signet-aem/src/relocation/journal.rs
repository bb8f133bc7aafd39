//! How far a move of the keys is, and what was there before: read by whoever comes after a crash.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use signet_keys::{KeyFault, Lock, private};

use super::site::Site;
use super::step::Moment;
use super::{BACKUP, RelocationError, SIGNATURE};
use crate::backup::{self, Whose};
use crate::console::KeyShape;
use crate::disk::Disk;
use crate::dress::Dress;
use crate::{BundlePlace, Digests, KeyName};

/// The name of the journal in the directory of the backup.
const JOURNAL: &str = "journal.json";
/// Much more than any journal has.
const MAX_JOURNAL_BYTES: usize = 64 * 1024;
const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    pub(super) version: u32,
    pub(super) stage: Stage,
    /// The directory of the bundles.
    pub(super) cache: PathBuf,
    pub(super) crypto: Bundle,
    pub(super) crypto_file: Bundle,
    /// The instance that the keys were fetched from.
    pub(super) url: Option<String>,
    /// Whether that answered, though no process of it could be seen.
    pub(super) is_unseen: bool,
    pub(super) hmac: Moved,
    pub(super) master: Moved,
    /// What was there before.
    pub(super) before: Before,
    /// When `storage` said for certain that the keys are in files.
    pub(super) switched: Option<Moment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stage {
    /// The backup is being made.
    Preparing,
    /// It is complete, and nothing else was changed.
    Kept,
    /// Files of the installation are being written.
    Writing,
    /// They are written.
    Switched,
    /// The properties in the repository are being removed.
    Removing,
    /// They are.
    Finished,
    /// Everything is put back as it was; what was removed from the repository is there again.
    GoingBack,
    /// It is.
    Undone,
}

/// By what a bundle is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bundle {
    pub(super) id: u64,
    pub(super) version: Option<String>,
}

impl From<&BundlePlace> for Bundle {
    fn from(place: &BundlePlace) -> Self {
        Self {
            id: place.id,
            version: place.version.clone(),
        }
    }
}

/// A key that is moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moved {
    pub(super) digests: Digests,
    /// What held it in the repository, if it was looked at there.
    pub(super) shape: Option<KeyShape>,
    /// Whether this operation removed it from there, or was about to.
    pub(super) is_removed: bool,
}

/// The files as they were; `None` where there was none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    pub(super) storage: Option<Kept>,
    pub(super) hmac: Option<Kept>,
    pub(super) master: Option<Kept>,
}

/// A file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) digests: Digests,
    pub(super) dress: Dress,
}

impl Journal {
    /// The journal in `backup`; `None` if there is none.
    pub(super) fn read(backup: &Path) -> Result<Option<Self>, RelocationError> {
        check_directory(backup)?;
        let path = backup.join(JOURNAL);
        let bytes = match private::read(&path, MAX_JOURNAL_BYTES) {
            Ok(bytes) => bytes,
            Err(KeyFault::Absent) => return Ok(None),
            Err(fault) => return Err(RelocationError::Custody { path, fault }),
        };
        let journal: Self = serde_json::from_slice(&bytes)
            .ok()
            .filter(|journal: &Self| journal.version == VERSION)
            .ok_or_else(|| RelocationError::Journal(backup.to_owned()))?;
        Ok(Some(journal))
    }

    pub(super) fn write(&self, disk: &dyn Disk, backup: &Path) -> Result<(), RelocationError> {
        let path = backup.join(JOURNAL);
        let unwritten = |error| RelocationError::write(&path, error);
        let text = serde_json::to_vec_pretty(self).map_err(|error| unwritten(error.into()))?;
        SIGNATURE
            .replace(disk, &path, &text, backup::own_dress(0o600))
            .map_err(unwritten)
    }

    /// Refuses a journal that is about other files: no path in it is ever written to.
    pub(super) fn check(&self, site: &Site, backup: &Path) -> Result<(), RelocationError> {
        let other = |difference| {
            Err(RelocationError::AnotherBackup {
                backup: backup.to_owned(),
                difference,
            })
        };
        if self.cache != site.cache() {
            return other(format!("to the bundles in {}", quoted(&self.cache)));
        }
        // Once it is all over, bundles may come and go.
        if matches!(self.stage, Stage::Finished | Stage::Undone) {
            return Ok(());
        }
        for (name, then, now) in [
            ("com.adobe.granite.crypto", &self.crypto, &site.crypto),
            (
                "com.adobe.granite.crypto.file",
                &self.crypto_file,
                &site.crypto_file,
            ),
        ] {
            if then.id != now.id {
                return other(format!(
                    "{name} was bundle {} then, and is bundle {} now",
                    then.id, now.id
                ));
            }
        }
        Ok(())
    }

    pub(super) fn new(site: &Site, hmac: Moved, master: Moved, before: Before) -> Self {
        Self {
            version: VERSION,
            stage: Stage::Preparing,
            cache: site.cache().to_owned(),
            crypto: (&site.crypto).into(),
            crypto_file: (&site.crypto_file).into(),
            url: None,
            is_unseen: false,
            hmac,
            master,
            before,
            switched: None,
        }
    }

    pub(super) const fn moved(&self, name: KeyName) -> &Moved {
        match name {
            KeyName::Hmac => &self.hmac,
            KeyName::Master => &self.master,
        }
    }

    pub(super) const fn moved_mut(&mut self, name: KeyName) -> &mut Moved {
        match name {
            KeyName::Hmac => &mut self.hmac,
            KeyName::Master => &mut self.master,
        }
    }
}

/// A path of a journal, for a message: whoever wrote it may have meant the reader's terminal.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let shown: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    shown
}

/// Held while files are changed: one command at a time.
pub(super) fn lock(backup: &Path) -> Result<Lock, RelocationError> {
    let path = backup.join(".lock");
    match Lock::try_acquire(&path) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(RelocationError::Busy(backup.to_owned())),
        Err(error) => Err(RelocationError::write(&path, error)),
    }
}

/// A journal is believed only where nobody else could have written it.
pub(super) fn check_directory(backup: &Path) -> Result<(), RelocationError> {
    backup::check(backup).map_err(|fault| RelocationError::Custody {
        path: backup.to_owned(),
        fault,
    })
}

/// Where the backup is: where an earlier run left it, else in the folder that was named.
pub(super) fn place(folder: &Path, cache: &Path) -> PathBuf {
    backup::places(folder, cache)
        .map(|place| place.join(BACKUP))
        .find(|backup| backup.join(JOURNAL).symlink_metadata().is_ok())
        .unwrap_or_else(|| folder.join(BACKUP))
}

/// Something that this operation left in an installation.
pub(crate) type Leftover = backup::Leftover<LeftoverState>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftoverState {
    /// AEM may be stopped for it, or must be.
    Unfinished,
    /// The keys are in files, and still in the repository.
    Switched,
    /// It is being taken back.
    GoingBack,
    /// It is over, and the backup still has the keys.
    Over,
    /// There is something that cannot be read.
    Unknown,
}

/// What this operation left in an installation.
pub(crate) fn leftovers(folder: &Path, cache: &Path) -> Vec<Leftover> {
    backup::leftovers(folder, cache, BACKUP, |backup, whose| {
        let journal = match Journal::read(backup) {
            Ok(Some(journal)) => journal,
            Ok(None) if backup::is_vacant(backup).unwrap_or(false) => return None,
            _ => return Some(LeftoverState::Unknown),
        };
        let is_ours = whose == Whose::Ours || journal.cache == cache;
        is_ours.then_some(match journal.stage {
            Stage::Preparing | Stage::Kept | Stage::Writing => LeftoverState::Unfinished,
            Stage::Switched | Stage::Removing => LeftoverState::Switched,
            Stage::GoingBack => LeftoverState::GoingBack,
            Stage::Finished | Stage::Undone => LeftoverState::Over,
        })
    })
}
