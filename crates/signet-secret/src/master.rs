//! The keys of the `master` ring, ready to seal and to open.

use core::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use signet_core::{Key, KeyId, KeyState, Purpose, RingName};
use signet_keys::LoadedKeys;
use zeroize::Zeroizing;

use crate::value::{NONCE_BYTES, TAG_BYTES};
use crate::{MAX_SECRET_BYTES, OpenError, Place, SealError, SealedValue};

/// The keys of the `master` ring at one moment: the active one seals, all that are not revoked open.
#[derive(Default)]
pub struct MasterKeys {
    /// The one that seals comes first, if there is one.
    keys: Vec<MasterKey>,
    sealing: Option<KeyId>,
}

struct MasterKey {
    id: KeyId,
    is_revoked: bool,
    /// Derived for this one purpose.
    bits: Zeroizing<[u8; 32]>,
}

impl MasterKeys {
    /// Takes the keys of the `master` ring.
    #[must_use]
    pub fn new(loaded: &LoadedKeys) -> Self {
        let is_revoked =
            |key: &Key| key.state == KeyState::Revoked || loaded.revoked.contains(key.id);
        let keys: Vec<_> = loaded
            .of(RingName::Master)
            .map(|key| MasterKey {
                id: key.id,
                is_revoked: is_revoked(key),
                bits: key.material.derive(Purpose::SealedValue),
            })
            .collect();
        let sealing = loaded
            .of(RingName::Master)
            .filter(|key| key.state == KeyState::Active && !is_revoked(key))
            .max_by_key(|key| (key.created, key.id))
            .map(|key| key.id);
        Self { keys, sealing }
    }

    /// The key that seals: of the active ones the newest.
    #[must_use]
    pub fn sealing(&self) -> Option<KeyId> {
        self.sealing
    }

    /// The ids of all keys of the ring that are here, revoked ones included.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = KeyId> {
        self.keys.iter().map(|key| key.id)
    }

    /// Seals a secret for one place.
    ///
    /// # Errors
    /// No key is active, the secret is too large, or the system gives no randomness.
    pub fn seal(&self, place: &Place, secret: &[u8]) -> Result<SealedValue, SealError> {
        if secret.len() > MAX_SECRET_BYTES {
            return Err(SealError::TooLarge {
                bytes: secret.len(),
            });
        }
        let key = self
            .sealing
            .and_then(|id| self.find(id))
            .ok_or(SealError::NoActiveKey)?;
        let nonce = fresh_nonce()?;
        // Room for all of it at once, so that no copy of the secret is left behind by growing.
        let mut bytes = Vec::with_capacity(NONCE_BYTES + secret.len() + TAG_BYTES);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(secret);
        let tag = key.cipher().and_then(|cipher| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            let associated = Aad::from(associated_data(key.id, place));
            let text = bytes.get_mut(NONCE_BYTES..)?;
            cipher
                .seal_in_place_separate_tag(nonce, associated, text)
                .ok()
        });
        let Some(tag) = tag else {
            // The secret may still stand there.
            drop(Zeroizing::new(bytes));
            return Err(SealError::Cipher);
        };
        bytes.extend_from_slice(tag.as_ref());
        Ok(SealedValue::new(key.id, bytes))
    }

    /// Opens a value that was sealed for this place.
    ///
    /// # Errors
    /// Its key is not here or revoked, or the value was not sealed for this place, or altered.
    pub fn open(
        &self,
        place: &Place,
        value: &SealedValue,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let key = self.key_of(value)?;
        if key.is_revoked {
            return Err(OpenError::KeyRevoked { key: key.id });
        }
        key.open(place, value)
    }

    /// Opens a value as it is written somewhere.
    ///
    /// # Errors
    /// It is no sealed value, or [`open`](Self::open) refuses it.
    pub fn open_text(&self, place: &Place, text: &str) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        self.open(place, &text.parse()?)
    }

    /// Opens a value in order to seal it anew, though its key may be revoked.
    ///
    /// Revoking a stolen key must not destroy the secrets that were sealed with it: the thief has them, and the owner
    /// would be the only one without. So what is sealed with a revoked key is refused in use, which is what an alarm is
    /// for, and is opened here, under another key, by somebody who was asked.
    ///
    /// # Errors
    /// As [`open`](Self::open), but never because the key is revoked.
    pub fn open_for_resealing(
        &self,
        place: &Place,
        value: &SealedValue,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        self.key_of(value)?.open(place, value)
    }

    fn key_of(&self, value: &SealedValue) -> Result<&MasterKey, OpenError> {
        self.find(value.key()).ok_or_else(|| OpenError::KeyMissing {
            key: value.key(),
            here: self.ids().collect(),
        })
    }

    fn find(&self, id: KeyId) -> Option<&MasterKey> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl MasterKey {
    fn open(&self, place: &Place, value: &SealedValue) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let refused = || OpenError::NotForThisPlace {
            key: self.id,
            place: place.clone(),
        };
        let (nonce, sealed) = value.parts().ok_or_else(refused)?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let associated = Aad::from(associated_data(self.id, place));
        let length = self
            .cipher()
            .and_then(|cipher| {
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let opened = cipher.open_in_place(nonce, associated, &mut text).ok()?;
                Some(opened.len())
            })
            .ok_or_else(refused)?;
        text.truncate(length);
        Ok(text)
    }

    /// Never `None`: the key has the right length.
    fn cipher(&self) -> Option<LessSafeKey> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, &*self.bits).ok()?;
        Some(LessSafeKey::new(key))
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        list.entries(self.keys.iter().map(|key| key.id)).finish()
    }
}

/// A nonce for one value, from the kernel.
///
/// `RandomizedNonceKey` would take it from the library's own generator, which each process seeds anew by measuring jitter of the
/// processor: tens of milliseconds whenever a command seals one secret, for nothing that the kernel does not have already.
/// Should a nonce ever come twice (a cloned machine), AES-GCM-SIV only tells that two equal secrets of one place are equal.
fn fresh_nonce() -> Result<[u8; NONCE_BYTES], SealError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|_| SealError::Cipher)?;
    Ok(nonce)
}

/// What a value is sealed together with: version, key and place, each with its length before it (SECURITY.md T6).
fn associated_data(key: KeyId, place: &Place) -> Vec<u8> {
    let mut framed = Vec::with_capacity(64 + place.as_str().len());
    for part in [b"v1", &key.0[..], place.as_str().as_bytes()] {
        framed.extend_from_slice(&(part.len() as u64).to_be_bytes());
        framed.extend_from_slice(part);
    }
    framed
}

#[cfg(test)]
mod tests;
