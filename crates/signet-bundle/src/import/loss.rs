//! What an import would take away: the rings that make something now, and would not any more.

use core::fmt;
use std::collections::BTreeMap;

use signet_core::{Key, KeyId, KeyState, RingName};
use signet_keys::{LoadedKeys, Revocations};

/// What to do where a ring that has an active key would be left without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// Change nothing.
    Refuse,
    /// Let it go: a key that was stolen must not be used for a moment longer, whatever that costs.
    Accept,
}

/// A ring that an import would leave without an active key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmptiedRing {
    /// The ring.
    pub ring: RingName,
    /// Its keys that are active here, with the state that each would have.
    pub keys: Vec<(KeyId, KeyState)>,
}

impl EmptiedRing {
    /// The rings of `here` that taking in `keys` and `revoked` would leave without an active key.
    pub(super) fn of(here: &LoadedKeys, keys: &[Key], revoked: &Revocations) -> Vec<Self> {
        let emptied = RingName::ALL
            .into_iter()
            .map(|ring| Self::of_ring(ring, here, keys, revoked));
        emptied.flatten().collect()
    }

    fn of_ring(
        ring: RingName,
        here: &LoadedKeys,
        keys: &[Key],
        revoked: &Revocations,
    ) -> Option<Self> {
        let mut after: BTreeMap<KeyId, KeyState> = BTreeMap::new();
        for key in here
            .of(ring)
            .chain(keys.iter().filter(|key| key.ring == ring))
        {
            let is_revoked = revoked.contains(key.id) || here.revoked.contains(key.id);
            let state = match is_revoked {
                true => KeyState::Revoked,
                false => key.state,
            };
            let known = after.entry(key.id).or_insert(state);
            *known = state.max(*known);
        }
        if after.values().any(|state| *state == KeyState::Active) {
            return None;
        }
        let active = here.of(ring).filter(|key| key.state == KeyState::Active);
        let keys: Vec<_> = active
            .filter_map(|key| Some((key.id, *after.get(&key.id)?)))
            .collect();
        (!keys.is_empty()).then_some(Self { ring, keys })
    }
}

impl fmt::Display for EmptiedRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.iter().map(|(id, state)| format!("{id} {state}"));
        let keys: Vec<_> = keys.collect();
        write!(
            f,
            "the {} ring here without an active key, by making {}",
            self.ring,
            keys.join(" and ")
        )
    }
}
