//! What is there before a move, and what it comes to.

use std::path::Path;

use signet_core::{Key, RingName};

use super::backup::{Backup, relocation_backups};
use super::find::{Holding, all_keys};
use super::journal::Journal;
use super::needle::Needles;
use super::{BackupSealer, Destination, JOURNAL, RelocationError, RelocationOrder, RelocationStep};
use crate::store::{REVOKED, STORAGE};
use crate::{KeyError, KeyProvider, KeyStore, ProviderName, Revocations};

/// What is there before a move, and what it comes to.
pub(super) struct Situation<'s> {
    pub(super) to: &'s dyn KeyProvider,
    /// The other place, where there is one.
    pub(super) from: Option<&'s dyn KeyProvider>,
    /// What the place has that the keys go to.
    pub(super) here: Holding,
    /// What the other place has.
    pub(super) there: Holding,
    /// All keys together.
    pub(super) keys: Vec<Key>,
    /// The revoked keys, those that a backup names among them.
    pub(super) revoked: Revocations,
    /// What `storage` says, if it says anything that makes sense.
    pub(super) storage: Option<ProviderName>,
    /// The note of a move that was cut short.
    pub(super) journal: Option<Journal>,
    pub(super) is_undo: bool,
}

impl<'s> Situation<'s> {
    pub(super) fn find(
        store: &'s KeyStore,
        order: &RelocationOrder,
        sealer: &dyn BackupSealer,
    ) -> Result<Self, RelocationError> {
        let journal = Journal::read(&store.directory, store.guard)
            .map_err(|fault| KeyError::unusable(&store.path(JOURNAL), fault))?;
        let (to, backup) = match order.to {
            Destination::Place(to) => (to, None),
            Destination::Back => way_back(store, &order.backups, journal.as_ref(), sealer)?,
        };
        let storage = match ProviderName::read(&store.path(STORAGE), store.guard) {
            Ok(name) => Some(name),
            Err(KeyError::Storage { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let revoked = store.path(REVOKED);
        let mut revoked = Revocations::read(&revoked, store.guard)
            .map_err(|fault| KeyError::unusable(&revoked, fault))?;
        if let Some(backup) = &backup {
            revoked.extend(&backup.revoked);
        }
        let from = store.provider_of(to.other());
        let to = store.provider_of(to).ok_or(RelocationError::NoRepository)?;
        let here = Holding::of(to)?;
        let there = from.map(Holding::of).transpose()?.unwrap_or_default();
        let keys = all_keys(&here, &there, backup.as_ref(), &revoked);
        Ok(Self {
            to,
            from,
            here,
            there,
            keys,
            revoked,
            storage,
            journal,
            is_undo: order.to == Destination::Back,
        })
    }

    /// Whether everything is as it should be already.
    pub(super) fn is_done(&self) -> Result<bool, RelocationError> {
        Ok(self.journal.is_none()
            && self.there.is_empty()
            && self.storage == Some(self.to.name())
            && self.keys.iter().all(|key| self.here.has(key))
            && self.find_trace()?.is_none())
    }

    /// Bytes of keys in the files of the other place, which is not to have any.
    pub(super) fn find_trace(&self) -> Result<Option<RelocationError>, RelocationError> {
        let Some(from) = self.from else {
            return Ok(None);
        };
        let needles = Needles::of(&self.keys);
        for path in from.traces() {
            let found = needles
                .find(&path)
                .map_err(|source| RelocationError::Search {
                    path: path.clone(),
                    source,
                })?;
            if let Some(id) = found {
                return Ok(Some(RelocationError::Traces { id, path }));
            }
        }
        Ok(None)
    }

    /// In words, where the keys are.
    pub(super) fn in_words(&self) -> String {
        let count = |provider: &dyn KeyProvider, holding: &Holding| {
            let place = provider.name().in_words();
            match holding.keys.len() + holding.damaged.len() {
                0 => format!("none in {place}"),
                count => format!("{count} in {place}"),
            }
        };
        let mut words = match self.from {
            Some(from) => format!("{}, ", count(from, &self.there)),
            None => String::new(),
        };
        words.push_str(&count(self.to, &self.here));
        words.push_str(&match self.storage {
            Some(name) => format!("; keys/storage says \"{name}\""),
            None => "; keys/storage makes no sense".to_owned(),
        });
        if let Some(journal) = &self.journal {
            let place = journal.to.in_words();
            words.push_str(&format!("; a move to {place} was cut short"));
        }
        words
    }

    /// What each step that changes something would do.
    pub(super) fn plan(&self, backup: &Path) -> Vec<(RelocationStep, String)> {
        use RelocationStep as Step;
        let (to, place) = (self.to.name(), self.to.name().in_words());
        let count = self.keys.len();
        let new = self.keys.iter().filter(|key| !self.here.has(key)).count();
        let old = self.there.ids().len();
        let tokens = self.keys.iter().filter(|key| key.ring == RingName::Hmac);
        vec![
            (
                Step::Journal,
                "in keys/relocation, until all is done".into(),
            ),
            (
                Step::Backup,
                format!("{}, into {}", keys(count), backup.display()),
            ),
            (Step::Restore, "compare it with what was sealed".into()),
            (
                Step::Write,
                match new {
                    0 => format!("all are in {place} already"),
                    new => format!("{} into {place}", keys(new)),
                },
            ),
            (Step::Compare, format!("SHA-256 of {}", keys(count))),
            (
                Step::Switch,
                match self.storage {
                    Some(name) if name == to => format!("it says \"{to}\" already"),
                    _ => format!("to \"{to}\", without a newline"),
                },
            ),
            (Step::ReadBack, "compare it to the byte".into()),
            (
                Step::Verify,
                format!("{}, with the keys of {place}", of(tokens.count(), "token")),
            ),
            (Step::OpenAgain, format!("with the keys of {place}")),
            (
                Step::Remove,
                match self.from {
                    None => "there is none".into(),
                    Some(from) => format!("{} from {}", keys(old), from.name().in_words()),
                },
            ),
            (
                Step::Trace,
                match self.from.map(KeyProvider::traces) {
                    Some(files) if !files.is_empty() => {
                        "write the database anew, and search its files".into()
                    }
                    _ => "see that no file is left".into(),
                },
            ),
        ]
    }
}

/// Where the keys were before, and the backup that has them.
fn way_back(
    store: &KeyStore,
    backups: &Path,
    journal: Option<&Journal>,
    sealer: &dyn BackupSealer,
) -> Result<(ProviderName, Option<Backup>), RelocationError> {
    let read = |path: &Path| Backup::read(path, store.guard, sealer);
    if let Some(journal) = journal {
        let path = backups.join(&journal.backup);
        let backup = path.exists().then(|| read(&path)).transpose()?;
        let to = match journal.is_undo {
            // Going back was cut short itself.
            true => journal.to,
            false => journal.to.other(),
        };
        return Ok((to, backup));
    }
    let newest = relocation_backups(backups)
        .pop()
        .ok_or_else(|| RelocationError::NoBackup {
            directory: backups.to_owned(),
        })?;
    let backup = read(&newest)?;
    let to = match backup.is_undo {
        // They went back already, and are to stay there.
        true => backup.to,
        false => backup.from,
    };
    Ok((to, Some(backup)))
}

pub(super) fn keys(count: usize) -> String {
    of(count, "key")
}

pub(super) fn of(count: usize, thing: &str) -> String {
    match count {
        0 => format!("no {thing}"),
        1 => format!("1 {thing}"),
        several => format!("{several} {thing}s"),
    }
}
