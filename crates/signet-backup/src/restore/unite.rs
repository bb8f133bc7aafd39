//! What must never be taken back, from what is there into what is put in its place.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use signet_core::UnixSeconds;
use signet_keys::Insertion;
use signet_repository::United;

use super::check::Checked;
use super::present::{Installation, is_lost};
use super::steps::{Step, Steps};
use super::work::written;
use crate::RestoreError;
use crate::name::{AUDIT_HEAD, AUDIT_LOG};

/// What was united.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// Keys that are here and not in the backup.
    pub keys: u64,
    /// Keys that are later in their life here than in the backup.
    pub advanced: u64,
    /// Keys that were revoked since.
    pub revoked: u64,
    /// What became of sessions and users; `None` where the repository is gone or damaged, and nobody knows.
    pub repository: Option<United>,
    /// Whether the log of changes is the longer one that is here.
    pub audit: bool,
}

impl Kept {
    /// Whether what was there knows which of the sessions in the backup ended since: its repository goes on from the one
    /// in the backup.
    #[must_use]
    pub fn tells_what_ended(&self) -> bool {
        self.repository.is_some_and(|united| united.continues)
    }
}

/// Unites what is in `here` with what was restored.
pub(crate) async fn unite(
    here: &Installation,
    restored: &Checked,
    now: UnixSeconds,
    steps: &Steps,
) -> Result<Kept, RestoreError> {
    let data = restored.directory.path();
    let mut kept = Kept::default();
    written(steps.reach(Step::UniteKeys), data)?;
    keys(here, restored, &mut kept)?;

    written(steps.reach(Step::UniteRepository), data)?;
    kept.repository = match restored
        .repository
        .unite_from(&here.repository(), now)
        .await
    {
        Ok(united) => Some(united),
        Err(error) if is_lost(&error) => None,
        Err(error) => return Err(error.into()),
    };

    written(steps.reach(Step::UniteAudit), data)?;
    kept.audit = audit(here.path(), data)?;
    Ok(kept)
}

/// No key is lost, the later state of each counts, and a revoked one stays so.
fn keys(here: &Installation, restored: &Checked, kept: &mut Kept) -> Result<(), RestoreError> {
    let store = restored.directory.key_store(&restored.config)?;
    store.prepare()?;
    kept.revoked = store.unite_revocations(&here.revoked()?)?.len() as u64;
    for key in here.keys()? {
        match store.insert(&key)? {
            Insertion::Added => kept.keys += 1,
            Insertion::Advanced => kept.advanced += 1,
            _ => {}
        }
    }
    for key in here.granite().keys {
        if store.insert_granite(&key)? == Insertion::Added {
            kept.keys += 1;
        }
    }
    // Writes what is revoked into the files of the keys.
    store.load(None)?;
    Ok(())
}

/// The log that is here goes on from the one in the backup, unless one of them was tampered with: then the backup's counts,
/// and the other one stays aside.
fn audit(here: &Path, data: &Path) -> Result<bool, RestoreError> {
    let (newer, older) = (here.join(AUDIT_LOG), data.join(AUDIT_LOG));
    let unread = |source| RestoreError::Write {
        path: newer.clone(),
        source,
    };
    if !continues(&newer, &older).map_err(unread)? {
        return Ok(false);
    }
    for name in [AUDIT_LOG, AUDIT_HEAD] {
        let (from, to) = (here.join(name), data.join(name));
        match fs::remove_file(&to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(RestoreError::Write {
                    path: to,
                    source: error,
                });
            }
            _ => {}
        }
        if from.is_file() {
            // The mode is copied, too.
            written(fs::copy(&from, &to), &to)?;
            written(fs::File::open(&to).and_then(|file| file.sync_all()), &to)?;
        }
    }
    Ok(true)
}

/// Whether `newer` begins with all of `older` and goes on.
fn continues(newer: &Path, older: &Path) -> io::Result<bool> {
    let Ok(newer) = fs::File::open(newer) else {
        return Ok(false);
    };
    let older = match fs::File::open(older) {
        Ok(older) => older,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let length = older.metadata()?.len();
    if newer.metadata()?.len() <= length {
        return Ok(false);
    }
    let mut pairs = io::BufReader::new(older)
        .bytes()
        .zip(io::BufReader::new(newer).bytes());
    pairs.try_fold(true, |same, (one, other)| Ok(same && one? == other?))
}
