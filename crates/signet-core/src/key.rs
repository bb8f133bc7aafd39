//! One key: what it is called, what it is for, and how far along its life it is.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Issuer, KeyId, UnixSeconds};

/// Which of the two rings a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RingName {
    /// Tokens are made and verified with this ring.
    Hmac,
    /// Secrets in configuration are sealed with this ring.
    Master,
}

/// The text names no ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected \"hmac\" or \"master\"")]
pub struct RingNameError;

impl RingName {
    /// Both rings.
    pub const ALL: [Self; 2] = [Self::Hmac, Self::Master];

    /// The ring's name in paths and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hmac => "hmac",
            Self::Master => "master",
        }
    }
}

impl fmt::Display for RingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RingName {
    type Err = RingNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|ring| ring.as_str() == text)
            .ok_or(RingNameError)
    }
}

/// How far along its life a key is. The order is that of life: when two copies of a key meet, the later state wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyState {
    /// Here already, so that its tokens verify, but it makes none yet.
    Pending,
    /// Makes tokens if it is the newest of the active keys; verifies.
    Active,
    /// Verifies what it made before.
    VerifyOnly,
    /// Verifies nothing, for ever.
    Revoked,
}

/// The text names no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected \"pending\", \"active\", \"verify-only\" or \"revoked\"")]
pub struct KeyStateError;

impl KeyState {
    const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::VerifyOnly, Self::Revoked];

    /// The state's name in key files and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::VerifyOnly => "verify-only",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for KeyState {
    type Err = KeyStateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(KeyStateError)
    }
}

/// The 256 secret bits of a key. Cleared from memory when dropped, and never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct KeyMaterial([u8; 32]);

impl KeyMaterial {
    /// Takes 256 bits from a cryptographic random source or from a key file.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bits, for deriving from them or for writing them into a key file.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id that a key of these bits has in `ring`: the first 128 bits of `SHA-256("signet key\0" ring "\0" bits)`.
    #[must_use]
    pub fn id(&self, ring: RingName) -> KeyId {
        let digest = Sha256::new()
            .chain_update(b"signet key\0")
            .chain_update(ring.as_str())
            .chain_update(b"\0")
            .chain_update(self.0)
            .finalize();
        let mut id = [0; 16];
        id.iter_mut()
            .zip(digest.iter())
            .for_each(|(to, from)| *to = *from);
        KeyId(id)
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMaterial(..)")
    }
}

/// One key of a ring.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name, derived from ring and bits.
    pub id: KeyId,
    /// The ring it belongs to.
    pub ring: RingName,
    /// The farm it was made for: tokens made with the key name it, and must name it to be accepted.
    pub farm: Issuer,
    /// How far along its life it is.
    pub state: KeyState,
    /// When it was made.
    pub created: UnixSeconds,
    /// When it last became active, if it ever was.
    pub activated: Option<UnixSeconds>,
    /// Its secret bits.
    pub material: KeyMaterial,
}

impl Key {
    /// A key of `ring` for `farm`, made at `created`, in the state it starts life in.
    #[must_use]
    pub fn new(ring: RingName, farm: Issuer, material: KeyMaterial, created: UnixSeconds) -> Self {
        Self {
            id: material.id(ring),
            ring,
            farm,
            state: KeyState::Pending,
            created,
            activated: None,
            material,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_depends_on_ring_and_bits() {
        let a = KeyMaterial::new([1; 32]);
        let b = KeyMaterial::new([2; 32]);
        assert_ne!(a.id(RingName::Hmac), b.id(RingName::Hmac));
        assert_ne!(a.id(RingName::Hmac), a.id(RingName::Master));
    }

    // K5
    #[test]
    fn later_states_win() {
        assert!(KeyState::Pending < KeyState::Active);
        assert!(KeyState::Active < KeyState::VerifyOnly);
        assert!(KeyState::VerifyOnly < KeyState::Revoked);
    }

    // K9
    #[test]
    fn a_key_does_not_print_its_bits() {
        let farm = "farm".parse().unwrap();
        let material = KeyMaterial::new([0xab; 32]);
        let key = Key::new(RingName::Hmac, farm, material, UnixSeconds(0));
        let printed = format!("{key:?}");
        assert!(
            !printed.contains("171") && !printed.contains("abab"),
            "{printed}"
        );
    }
}
