//! What is on the disk and what is in memory, made one: the later state wins, and a bad file changes nothing.

use signet_core::{Key, KeyId, KeyState, RingName};

use crate::loaded::maker;
use crate::{Effect, Found, KeyFault, KeyProblem, KeyProvider, Revocations};

/// Takes in one ring after the other.
#[derive(Debug)]
pub(crate) struct Merge<'p> {
    previous: &'p [Key],
    pub(crate) revoked: Revocations,
    pub(crate) keys: Vec<Key>,
    pub(crate) problems: Vec<KeyProblem>,
    /// Keys whose file says an earlier state than this one.
    pub(crate) ahead: Vec<Key>,
    /// Keys in use whose file is gone.
    pub(crate) rescued: Vec<Key>,
}

impl<'p> Merge<'p> {
    /// Over the keys that are in memory, knowing which keys are revoked for ever.
    pub(crate) fn new(previous: &'p [Key], revoked: Revocations) -> Self {
        Self {
            previous,
            revoked,
            keys: Vec::new(),
            problems: Vec::new(),
            ahead: Vec::new(),
            rescued: Vec::new(),
        }
    }

    /// Takes in what was found of `ring`, which `provider` holds.
    pub(crate) fn take(
        &mut self,
        provider: &dyn KeyProvider,
        ring: RingName,
        scanned: Result<Vec<Found>, KeyProblem>,
    ) {
        let is_known = scanned.is_ok();
        let mut keys = match scanned {
            Ok(found) => found
                .into_iter()
                .filter_map(|found| self.take_one(ring, found))
                .collect(),
            Err(problem) => self.keep_all(ring, problem),
        };
        // Of a ring that cannot be read, nobody knows whether a key is missing.
        if is_known && maker(keys.iter()).is_none() {
            self.rescue(provider, ring, &mut keys);
        }
        self.keys.append(&mut keys);
    }

    fn take_one(&mut self, ring: RingName, found: Found) -> Option<Key> {
        match found {
            Found::Readable(key) => {
                let mut merged = self
                    .remembered(ring, key.id)
                    .map_or_else(|| key.clone(), |before| union(&key, before));
                self.revoke(&mut merged);
                if merged.state != key.state {
                    self.ahead.push(merged.clone());
                }
                Some(merged)
            }
            Found::Unreadable { id, problem } => {
                let before = id.and_then(|id| self.remembered(ring, id)).cloned();
                let effect = before.as_ref().map_or(Effect::Unused, |_| Effect::Kept);
                self.problems.push(problem.with(effect));
                before.map(|mut key| {
                    self.revoke(&mut key);
                    key
                })
            }
        }
    }

    /// Goes on with what is in memory of `ring`, because nothing is known about it; says what that means.
    pub(crate) fn keep(&mut self, ring: RingName) -> Effect {
        let (mut keys, effect) = self.kept(ring);
        self.keys.append(&mut keys);
        effect
    }

    fn keep_all(&mut self, ring: RingName, problem: KeyProblem) -> Vec<Key> {
        let (keys, effect) = self.kept(ring);
        self.problems.push(problem.with(effect));
        keys
    }

    fn kept(&mut self, ring: RingName) -> (Vec<Key>, Effect) {
        let mut keys: Vec<_> = self.before(ring).cloned().collect();
        keys.iter_mut().for_each(|key| self.revoke(key));
        let effect = match keys.is_empty() {
            true => Effect::Unused,
            false => Effect::Kept,
        };
        (keys, effect)
    }

    /// A ring whose last active key was removed keeps it: nobody could log in otherwise.
    fn rescue(&mut self, provider: &dyn KeyProvider, ring: RingName, keys: &mut Vec<Key>) {
        let lost = maker(self.before(ring)).filter(|key| {
            !self.revoked.contains(key.id) && keys.iter().all(|other| other.id != key.id)
        });
        let problem = if let Some(key) = lost {
            keys.push(key.clone());
            // Written back: a key that comes later must not make memory the last place it is kept.
            self.rescued.push(key.clone());
            let path = provider.place_of(ring, key.id);
            KeyProblem::new(path, KeyFault::LastActiveGone(ring)).with(Effect::Kept)
        } else {
            KeyProblem::new(provider.place(ring), KeyFault::NoActiveKey(ring))
        };
        self.problems.push(problem);
    }

    /// Applies what is known about revoked keys to one, and learns from it.
    fn revoke(&mut self, key: &mut Key) {
        if self.revoked.contains(key.id) {
            key.state = KeyState::Revoked;
        } else if key.state == KeyState::Revoked {
            self.revoked.insert(key.ring, key.id);
        }
    }

    fn before(&self, ring: RingName) -> impl Iterator<Item = &'p Key> + use<'p> {
        self.previous.iter().filter(move |key| key.ring == ring)
    }

    fn remembered(&self, ring: RingName, id: KeyId) -> Option<&'p Key> {
        self.before(ring).find(|key| key.id == id)
    }
}

/// Two copies of one key as one: whatever is later in its life wins.
pub(crate) fn union(one: &Key, other: &Key) -> Key {
    let mut key = one.clone();
    key.state = one.state.max(other.state);
    key.activated = one.activated.max(other.activated);
    key.created = one.created.min(other.created);
    key
}
