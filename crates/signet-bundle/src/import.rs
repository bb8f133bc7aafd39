//! Taking in what a bundle carries: a union, in an order in which a crash leaves a ring that works.

mod loss;

use core::cmp::Reverse;
use std::collections::BTreeSet;

use signet_core::{Issuer, Key, KeyId, KeyState, RingName};
use signet_keys::{Insertion, KeyError, KeyStore, LoadedKeys, Revocations};

use crate::KeyBundle;

pub use loss::{EmptiedRing, Loss};

/// What to do with keys of a farm that this instance does not belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForeignFarm {
    /// Take none of them.
    Refuse,
    /// Take them: tokens of both farms verify here from then on.
    Merge,
}

/// Why a bundle was not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It comes from another farm, or holds keys of one.
    #[error(
        "the bundle is of another farm: it says {}, the keys here say {}",
        farms(theirs),
        farms(ours)
    )]
    ForeignFarm {
        /// Its farm and those of its keys, as far as they are not known here.
        theirs: Vec<Issuer>,
        /// The farms of the keys here.
        ours: Vec<Issuer>,
    },
    /// A ring would make nothing any more.
    #[error("the bundle would leave {}, and brings no other", emptied(.0))]
    Emptied(Vec<EmptiedRing>),
    /// The keys here could not be read or written.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl ImportError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::ForeignFarm { .. } => {
                "if two farms are to become one, add --merge-farms: tokens of both are accepted then, and users of the \
                 same id are one"
                    .into()
            }
            Self::Emptied(_) => {
                "ask for a bundle that also brings the new key of the ring: signet keys export there, without --ring and \
                 --key. If the key was stolen and must go at once, add --yes"
                    .into()
            }
            Self::Keys(error) => error.hint(),
        }
    }
}

/// What became of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Its ring.
    pub ring: RingName,
    /// The key.
    pub id: KeyId,
    /// Its state in the bundle.
    pub state: KeyState,
    /// What changed here.
    pub insertion: Insertion,
}

/// What became of a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportReport {
    /// What became of its keys, in the order in which they were written.
    pub keys: Vec<Imported>,
    /// Keys that were not known to be revoked here.
    pub revoked: Vec<(RingName, KeyId)>,
}

impl ImportReport {
    /// Whether anything here is different from before.
    #[must_use]
    pub fn is_change(&self) -> bool {
        let changed = |key: &Imported| key.insertion != Insertion::Unchanged;
        !self.revoked.is_empty() || self.keys.iter().any(changed)
    }
}

impl KeyBundle {
    /// Takes the bundle into `store`. Everything is verified before the first key is written; where writing stops in
    /// the middle, doing it again finishes it, and doing it twice changes nothing.
    ///
    /// # Errors
    ///
    /// It is of a farm that is not to be merged, a ring would be left without an active key and that is not accepted, or
    /// something could not be read or written.
    pub fn import(
        &self,
        store: &KeyStore,
        foreign: ForeignFarm,
        loss: Loss,
    ) -> Result<ImportReport, ImportError> {
        let is_damaged = |key: &&Key| key.material.id(key.ring) != key.id;
        if let Some(key) = self.keys.iter().find(is_damaged) {
            return Err(KeyError::Damaged { id: key.id }.into());
        }
        let here = store.load(None)?;
        if foreign == ForeignFarm::Refuse {
            self.check_farm(&here)?;
        }
        let mut revoked: Vec<_> = self.revoked.iter().collect();
        let gone = self
            .keys
            .iter()
            .filter(|key| key.state == KeyState::Revoked);
        revoked.extend(gone.map(|key| (key.ring, key.id)));
        let revoked: Revocations = revoked.into_iter().collect();
        let emptied = EmptiedRing::of(&here, &self.keys, &revoked);
        if loss == Loss::Refuse && !emptied.is_empty() {
            return Err(ImportError::Emptied(emptied));
        }

        let mut report = ImportReport::default();
        // First what makes tokens, so that a ring whose present key goes is never without.
        let mut keys: Vec<_> = self.keys.iter().collect();
        keys.retain(|key| !revoked.contains(key.id));
        keys.sort_by_key(|key| (order(key.state), Reverse(key.created), key.id));
        for key in keys {
            report.keys.push(imported(store, key)?);
        }
        report.revoked = store.unite_revocations(&revoked)?;
        // The files of revoked keys come last: they carry the news further, and are of no other use.
        for key in self.keys.iter().filter(|key| revoked.contains(key.id)) {
            let mut key = key.clone();
            key.state = KeyState::Revoked;
            report.keys.push(imported(store, &key)?);
        }
        // What else became revoked gets it written into its file.
        store.load(None)?;
        Ok(report)
    }

    fn check_farm(&self, here: &LoadedKeys) -> Result<(), ImportError> {
        let ours = farms_of(&here.keys);
        let mut theirs = farms_of(&self.keys);
        // A bundle may hold nothing but revocations, and what another farm revokes is none of the business of this one.
        if !theirs.contains(&self.farm) {
            theirs.push(self.farm.clone());
        }
        theirs.retain(|farm| !ours.contains(farm));
        if ours.is_empty() || theirs.is_empty() {
            return Ok(());
        }
        Err(ImportError::ForeignFarm { theirs, ours })
    }
}

fn imported(store: &KeyStore, key: &Key) -> Result<Imported, KeyError> {
    Ok(Imported {
        ring: key.ring,
        id: key.id,
        state: key.state,
        insertion: store.insert(key)?,
    })
}

const fn order(state: KeyState) -> u8 {
    match state {
        KeyState::Active => 0,
        KeyState::Pending => 1,
        KeyState::VerifyOnly => 2,
        KeyState::Revoked => 3,
    }
}

fn farms_of(keys: &[Key]) -> Vec<Issuer> {
    let farms: BTreeSet<_> = keys.iter().map(|key| key.farm.as_str()).collect();
    farms.iter().filter_map(|farm| farm.parse().ok()).collect()
}

fn emptied(rings: &[EmptiedRing]) -> String {
    let rings: Vec<_> = rings.iter().map(ToString::to_string).collect();
    rings.join(" and ")
}

fn farms(farms: &[Issuer]) -> String {
    let names: Vec<_> = farms.iter().map(Issuer::as_str).collect();
    names.join(" and ")
}

#[cfg(test)]
mod tests;
