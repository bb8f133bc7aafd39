//! What a directory of keys comes to: the keys of both rings at one moment.

use core::cmp::Reverse;

use signet_core::{Key, KeyRing, KeyState, RingName, Seconds, UnixSeconds};

use crate::{KeyEntry, KeyProblem, ProviderName, Revocations};

/// The keys of both rings at one moment, and what was wrong meanwhile.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct LoadedKeys {
    /// The keys of both rings; in each ring the key that makes tokens comes first.
    pub keys: Vec<Key>,
    /// The keys that stay revoked, whether or not they are among `keys`.
    pub revoked: Revocations,
    /// What is wrong with the directory.
    pub problems: Vec<KeyProblem>,
    pub(crate) provider: ProviderName,
}

impl LoadedKeys {
    /// The `hmac` ring as the verifier needs it.
    #[must_use]
    pub fn ring(&self) -> KeyRing {
        KeyRing::new(&self.keys, self.revoked.ids())
    }

    /// The keys of one ring, the one that makes tokens first.
    pub fn of(&self, ring: RingName) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |key| key.ring == ring)
    }

    /// The key that `ring` makes tokens or seals secrets with, if any is active.
    #[must_use]
    pub fn maker(&self, ring: RingName) -> Option<&Key> {
        maker(self.of(ring))
    }

    /// The keys as a listing shows them; `inactivity` and `skew` are those of the tokens.
    #[must_use]
    pub fn entries(&self, inactivity: Seconds, skew: Seconds) -> Vec<KeyEntry> {
        let entry = |key: &Key| KeyEntry {
            kid: key.id,
            ring: key.ring,
            state: key.state,
            created: key.created,
            activated: key.activated,
            makes_tokens: self.maker(key.ring).is_some_and(|maker| maker.id == key.id),
            provider: self.provider,
            removable_at: removable_at(key, &self.keys, inactivity, skew),
        };
        self.keys.iter().map(entry).collect()
    }

    pub(crate) fn sort(&mut self) {
        self.keys.sort_by_key(|key| (key.ring, Reverse(rank(key))));
    }
}

/// When nothing that `key` made can be valid any more, so that its file may go; `keys` holds the other keys of its ring.
///
/// It stopped making tokens when another key was activated, so what counts is the last activation in its ring; the
/// tokens of that moment live for `inactivity`, and `skew` allows for clocks that differ.
/// `None` for a key that is not verify-only, and for one that seals secrets, which last until they are sealed anew.
#[must_use]
pub fn removable_at<'k>(
    key: &Key,
    keys: impl IntoIterator<Item = &'k Key>,
    inactivity: Seconds,
    skew: Seconds,
) -> Option<UnixSeconds> {
    if key.ring != RingName::Hmac || key.state != KeyState::VerifyOnly {
        return None;
    }
    let last_activation = keys
        .into_iter()
        .filter(|other| other.ring == key.ring && other.state != KeyState::Pending)
        .map(activation)
        .fold(activation(key), UnixSeconds::max);
    Some(last_activation.plus(inactivity).plus(skew))
}

/// Of several active keys the newest makes tokens (by creation, then id).
pub(crate) fn maker<'k>(keys: impl Iterator<Item = &'k Key>) -> Option<&'k Key> {
    keys.filter(|key| key.state == KeyState::Active)
        .max_by_key(|key| rank(key))
}

fn rank(key: &Key) -> impl Ord + use<> {
    (key.state == KeyState::Active, key.created, key.id)
}

pub(crate) fn activation(key: &Key) -> UnixSeconds {
    key.activated.unwrap_or(key.created)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::key;

    const INACTIVITY: Seconds = Seconds(1800);
    const SKEW: Seconds = Seconds(60);

    #[test]
    fn a_key_can_go_when_what_it_made_has_expired() {
        let mut old = key(RingName::Hmac, 1, KeyState::VerifyOnly, 100);
        old.activated = Some(UnixSeconds(100));
        let mut new = key(RingName::Hmac, 2, KeyState::Active, 5_000);
        new.activated = Some(UnixSeconds(9_000));
        let at = |key| removable_at(key, [&old, &new], INACTIVITY, SKEW);
        // It made tokens until the other was activated, not only when it was activated itself.
        assert_eq!(at(&old), Some(UnixSeconds(9_000 + 1800 + 60)));
        assert_eq!(at(&new), None);
    }

    #[test]
    fn a_pending_key_puts_nothing_off() {
        let old = key(RingName::Hmac, 1, KeyState::VerifyOnly, 100);
        let pending = key(RingName::Hmac, 2, KeyState::Pending, 9_000);
        let at = removable_at(&old, [&pending], INACTIVITY, SKEW);
        assert_eq!(at, Some(UnixSeconds(100 + 1860)));
    }

    #[test]
    fn no_time_tells_when_a_sealing_key_can_go() {
        let master = key(RingName::Master, 1, KeyState::VerifyOnly, 100);
        assert_eq!(removable_at(&master, [], INACTIVITY, SKEW), None);
    }
}
