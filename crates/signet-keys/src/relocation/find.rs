//! Which keys there are, in both places together.

use std::collections::BTreeMap;

use signet_core::{Key, KeyId, KeyState, RingName};

use super::RelocationError;
use super::backup::Backup;
use crate::merge::union;
use crate::store::scan_if_any;
use crate::{Found, KeyFault, KeyProblem, KeyProvider, Revocations, encode_key_file};

/// What one place holds.
#[derive(Debug, Default)]
pub(crate) struct Holding {
    pub(crate) keys: Vec<Key>,
    /// What cannot be read, with the key that it would be by its name.
    pub(crate) damaged: Vec<(RingName, Option<KeyId>, KeyProblem)>,
}

impl Holding {
    /// A place that was never made holds nothing.
    pub(crate) fn of(provider: &dyn KeyProvider) -> Result<Self, RelocationError> {
        let mut holding = Self::default();
        for ring in RingName::ALL {
            for found in scan_if_any(provider, ring)? {
                match found {
                    Found::Readable(key) => holding.keys.push(key),
                    Found::Unreadable { id, problem } => holding.damaged.push((ring, id, problem)),
                }
            }
        }
        Ok(holding)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.damaged.is_empty()
    }

    pub(crate) fn find(&self, key: &Key) -> Option<&Key> {
        let mut keys = self.keys.iter();
        keys.find(|mine| (mine.ring, mine.id) == (key.ring, key.id))
    }

    /// Whether the key is there to the last byte as it is given.
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.find(key)
            .is_some_and(|mine| encode_key_file(mine) == encode_key_file(key))
    }

    /// The ids of everything there that has one.
    pub(crate) fn ids(&self) -> Vec<(RingName, KeyId)> {
        let damaged = self
            .damaged
            .iter()
            .filter_map(|(ring, id, _)| Some((*ring, (*id)?)));
        let keys = self.keys.iter().map(|key| (key.ring, key.id));
        keys.chain(damaged).collect()
    }
}

/// All keys together: the later state of each wins, and what was revoked stays so.
pub(crate) fn all_keys(
    here: &Holding,
    there: &Holding,
    backup: Option<&Backup>,
    revoked: &Revocations,
) -> Vec<Key> {
    let mut all: BTreeMap<(RingName, KeyId), Key> = BTreeMap::new();
    let mut add = |key: &Key| {
        all.entry((key.ring, key.id))
            .and_modify(|known| *known = union(known, key))
            .or_insert_with(|| key.clone());
    };
    here.keys.iter().chain(&there.keys).for_each(&mut add);
    let present: Vec<Key> = all.values().cloned().collect();
    for key in backup.map(|backup| &backup.keys).into_iter().flatten() {
        let mut key = key.clone();
        let is_gone = present.iter().all(|other| other.id != key.id);
        let has_successor = present
            .iter()
            .any(|other| other.ring == key.ring && other.state == KeyState::Active);
        // It was retired since; another has taken its place.
        if is_gone && has_successor && key.state == KeyState::Active {
            key.state = KeyState::VerifyOnly;
        }
        let known = all.entry((key.ring, key.id)).or_insert_with(|| key.clone());
        *known = union(known, &key);
    }
    let mut keys: Vec<_> = all.into_values().collect();
    for key in &mut keys {
        if revoked.contains(key.id) {
            key.state = KeyState::Revoked;
        }
    }
    keys
}

/// What keeps the keys from being moved: things that claim to be keys and cannot be read, while no other copy can be; and
/// in the new place (`here`) what a key could not be written over.
pub(crate) fn in_the_way(here: &Holding, there: &Holding, keys: &[Key]) -> Vec<KeyProblem> {
    let is_known = |ring: &RingName, id: &Option<KeyId>| {
        let known = |key: &Key| key.ring == *ring && Some(key.id) == *id;
        keys.iter().any(known)
    };
    let is_content =
        |problem: &KeyProblem| matches!(problem.fault, KeyFault::Content(_) | KeyFault::Row(_));
    here.damaged
        .iter()
        .chain(&there.damaged)
        .filter(|(ring, id, problem)| !is_known(ring, id) || !is_content(problem))
        .map(|(_, _, problem)| problem.clone())
        .collect()
}
