//! One key for each purpose, so that a blob made for one never passes for another.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::KeyMaterial;

/// HMAC-SHA256 with its key already taken in (RFC 2104).
pub(crate) type KeyedHmac = Hmac<Sha256>;

/// What a derived key is used for. Each has a label of its own in the derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Session tokens in the signed format.
    SignedSession,
    /// Session tokens in the sealed format.
    SealedSession,
    /// The hidden field of a form that changes something.
    FormToken,
    /// Remembering for a minute that a user and password were right.
    BasicMemory,
    /// Secrets in configuration and repository, sealed with AES-256-GCM-SIV.
    SealedValue,
    /// Proving to another instance that a key is held, without showing it.
    KeyProof,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 6] = [
        Self::SignedSession,
        Self::SealedSession,
        Self::FormToken,
        Self::BasicMemory,
        Self::SealedValue,
        Self::KeyProof,
    ];

    /// The `info` of the derivation.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SignedSession => "signet/v1/session/HS256",
            Self::SealedSession => "signet/v1/session/A128CBC-HS256",
            Self::FormToken => "signet/v1/form-token",
            Self::BasicMemory => "signet/v1/basic-memory",
            Self::SealedValue => "signet/v1/sealed-value/A256GCMSIV",
            Self::KeyProof => "signet/v1/key-proof",
        }
    }
}

impl KeyMaterial {
    /// The 256-bit key for `purpose`: HKDF-SHA256 without salt, the purpose's label as `info` (RFC 5869, section 2).
    #[must_use]
    pub fn derive(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        let mut extract = keyed(&[]);
        extract.update(self.expose());
        let pseudorandom: Zeroizing<[u8; 32]> =
            Zeroizing::new(extract.finalize().into_bytes().into());
        // One block of output is all that 32 bytes need.
        let mut expand = keyed(&*pseudorandom);
        expand.update(purpose.label().as_bytes());
        expand.update(&[1]);
        Zeroizing::new(expand.finalize().into_bytes().into())
    }
}

/// HMAC-SHA256 under `key`, which is at most one block (64 bytes) long; what is longer is not taken in.
pub(crate) fn keyed(key: &[u8]) -> KeyedHmac {
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    KeyedHmac::new((&*block).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivation_is_that_of_rfc_5869() {
        let material = KeyMaterial::new([7; 32]);
        for purpose in Purpose::ALL {
            let mut expected = [0; 32];
            hkdf::Hkdf::<Sha256>::new(None, material.expose())
                .expand(purpose.label().as_bytes(), &mut expected)
                .unwrap();
            assert_eq!(*material.derive(purpose), expected);
        }
    }

    // T5, K3
    #[test]
    fn no_two_purposes_share_a_key() {
        let material = KeyMaterial::new([7; 32]);
        let mut keys: Vec<_> = Purpose::ALL.iter().map(|p| *material.derive(*p)).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), Purpose::ALL.len());
    }
}
