//! The keys that tokens are made and verified with, ready for use: an immutable snapshot.

use hmac::Mac;
use subtle::ConstantTimeEq;

use crate::purpose::keyed;
use crate::token::{SealedKey, SignedKey};
use crate::{Issuer, Key, KeyId, KeyMaterial, KeyState, Purpose, RingName};

/// The keys of the `hmac` ring as a verifier needs them: what each purpose takes from a key is derived beforehand.
///
/// Of several active keys the newest makes tokens (by creation, then id); all that are not revoked verify.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    /// The key that makes tokens comes first.
    keys: Vec<RingKey>,
    has_active: bool,
    revoked: Vec<KeyId>,
}

#[derive(Clone, Debug)]
pub(crate) struct RingKey {
    pub(crate) id: KeyId,
    pub(crate) farm: Issuer,
    pub(crate) signed: SignedKey,
    pub(crate) sealed: SealedKey,
    material: KeyMaterial,
}

impl KeyRing {
    /// Prepares those of `keys` that belong to the `hmac` ring; `revoked` names keys that stay revoked whatever their file says.
    #[must_use]
    pub fn new<'k>(
        keys: impl IntoIterator<Item = &'k Key>,
        revoked: impl IntoIterator<Item = KeyId>,
    ) -> Self {
        let mut revoked: Vec<_> = revoked.into_iter().collect();
        let mut usable = Vec::new();
        for key in keys.into_iter().filter(|key| key.ring == RingName::Hmac) {
            if key.state == KeyState::Revoked || revoked.contains(&key.id) {
                revoked.push(key.id);
            } else {
                usable.push(key);
            }
        }
        // Active keys first, the newest of them before the others; then the rest, newest first.
        usable.sort_by_key(|key| {
            core::cmp::Reverse((key.state == KeyState::Active, key.created, key.id))
        });
        usable.dedup_by_key(|key| key.id);
        revoked.sort_unstable();
        revoked.dedup();
        Self {
            has_active: usable
                .first()
                .is_some_and(|key| key.state == KeyState::Active),
            keys: usable.into_iter().map(RingKey::new).collect(),
            revoked,
        }
    }

    /// The id of the key that makes tokens, if any is active.
    #[must_use]
    pub fn active(&self) -> Option<KeyId> {
        self.minting().map(|key| key.id)
    }

    /// The farm that tokens are made for, if any key is active.
    #[must_use]
    pub fn issuer(&self) -> Option<&Issuer> {
        self.minting().map(|key| &key.farm)
    }

    /// The ids of the keys that verify, the one that makes tokens first.
    pub fn verifying(&self) -> impl ExactSizeIterator<Item = KeyId> {
        self.keys.iter().map(|key| key.id)
    }

    /// Authenticates `parts` for `purpose` with the active key: HMAC-SHA256 over the parts, each with its length before it.
    ///
    /// `None` while no key is active.
    #[must_use]
    pub fn authenticate(&self, purpose: Purpose, parts: &[&[u8]]) -> Option<[u8; 32]> {
        self.minting().map(|key| tag(key, purpose, parts))
    }

    /// Whether one of the keys that verify made `tag` for this purpose over these parts.
    #[must_use]
    pub fn is_authentic(&self, purpose: Purpose, parts: &[&[u8]], received: &[u8]) -> bool {
        self.keys
            .iter()
            .any(|key| tag(key, purpose, parts).ct_eq(received).into())
    }

    pub(crate) fn minting(&self) -> Option<&RingKey> {
        self.keys.first().filter(|_| self.has_active)
    }

    pub(crate) fn keys(&self) -> &[RingKey] {
        &self.keys
    }

    pub(crate) fn revoked(&self) -> &[KeyId] {
        &self.revoked
    }
}

impl RingKey {
    fn new(key: &Key) -> Self {
        Self {
            id: key.id,
            farm: key.farm.clone(),
            signed: SignedKey::new(key.id, &key.material),
            sealed: SealedKey::new(key.id, &key.material),
            material: key.material.clone(),
        }
    }
}

fn tag(key: &RingKey, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed(&*key.material.derive(purpose));
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixSeconds;

    fn key(seed: u8, state: KeyState, created: u64) -> Key {
        let mut key = Key::new(
            RingName::Hmac,
            "farm".parse().unwrap(),
            KeyMaterial::new([seed; 32]),
            UnixSeconds(created),
        );
        key.state = state;
        key
    }

    #[test]
    fn the_newest_active_key_makes_tokens() {
        let keys = [
            key(1, KeyState::Active, 10),
            key(2, KeyState::Active, 20),
            key(3, KeyState::Pending, 30),
            key(4, KeyState::VerifyOnly, 40),
        ];
        let ring = KeyRing::new(&keys, []);
        assert_eq!(ring.active(), Some(keys[1].id));
        assert_eq!(ring.verifying().len(), 4);
    }

    #[test]
    fn without_an_active_key_nothing_is_made() {
        let ring = KeyRing::new(&[key(1, KeyState::Pending, 1)], []);
        assert_eq!(ring.active(), None);
        assert_eq!(ring.authenticate(Purpose::FormToken, &[b"x"]), None);
    }

    // K5
    #[test]
    fn a_revoked_key_stays_revoked_though_its_file_comes_back() {
        let back = key(1, KeyState::Active, 1);
        let ring = KeyRing::new([&back], [back.id]);
        assert_eq!((ring.active(), ring.verifying().len()), (None, 0));
    }

    #[test]
    fn keys_of_the_other_ring_make_no_tokens() {
        let mut master = Key::new(
            RingName::Master,
            "farm".parse().unwrap(),
            KeyMaterial::new([1; 32]),
            UnixSeconds(1),
        );
        master.state = KeyState::Active;
        assert_eq!(KeyRing::new(&[master], []).active(), None);
    }

    // T5, T6
    #[test]
    fn a_tag_holds_for_its_purpose_and_its_parts_only() {
        let ring = KeyRing::new(&[key(1, KeyState::Active, 1)], []);
        let tag = ring
            .authenticate(Purpose::FormToken, &[b"ab", b"c"])
            .unwrap();
        assert!(ring.is_authentic(Purpose::FormToken, &[b"ab", b"c"], &tag));
        assert!(!ring.is_authentic(Purpose::FormToken, &[b"a", b"bc"], &tag));
        assert!(!ring.is_authentic(Purpose::BasicMemory, &[b"ab", b"c"], &tag));
        assert!(!ring.is_authentic(Purpose::FormToken, &[b"ab", b"c"], &tag[..31]));
    }
}
