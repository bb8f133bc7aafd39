//! Keys on their way to other instances: sealed for each of them, signed by the one that sends them.

pub(crate) mod addressee;
pub(crate) mod error;
mod payload;

use signet_core::{Issuer, Key, KeyState, UnixSeconds};
use signet_keys::{LoadedKeys, Revocations};

use crate::envelope;
use crate::{NodeCard, NodeId, NodeIdentity, NodeName};

pub use error::BundleError;

/// The most that a bundle may hold, in bytes: room for thousands of keys.
pub const MAX_BUNDLE_BYTES: usize = 4 * 1024 * 1024;

/// What a bundle carries.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyBundle {
    /// The farm of the instance that sends it.
    pub farm: Issuer,
    /// When it was made.
    pub created: UnixSeconds,
    /// The keys. Revoked ones are only named, in `revoked`.
    pub keys: Vec<Key>,
    /// The keys that are revoked for ever.
    pub revoked: Revocations,
}

impl KeyBundle {
    /// Those keys of an instance that `is_chosen` names and that are not revoked, and all revocations.
    ///
    /// # Errors
    ///
    /// No key is left.
    pub fn gather(
        loaded: &LoadedKeys,
        is_chosen: impl Fn(&Key) -> bool,
        now: UnixSeconds,
    ) -> Result<Self, BundleError> {
        let usable = |key: &&Key| key.state != KeyState::Revoked;
        let keys = loaded.keys.iter().filter(usable);
        let keys: Vec<_> = keys.filter(|key| is_chosen(key)).cloned().collect();
        let newest = keys.iter().max_by_key(|key| (key.created, key.id));
        Ok(Self {
            farm: newest.ok_or(BundleError::NoKeys)?.farm.clone(),
            created: now,
            keys,
            revoked: loaded.revoked.clone(),
        })
    }

    /// Seals it for the instances whose cards these are, and signs it: an age file (binary).
    ///
    /// Ids and names of those instances stand outside, readable by anybody, so that another one can say for whom it is.
    ///
    /// # Errors
    ///
    /// There is no card, or it could not be sealed.
    pub fn seal(
        &self,
        sender: &NodeIdentity,
        name: &NodeName,
        cards: &[NodeCard],
    ) -> Result<Vec<u8>, BundleError> {
        let ids: Vec<_> = cards.iter().map(NodeCard::id).collect();
        let payload = payload::encode(self, sender, name, &ids);
        envelope::seal(&payload, cards)
    }
}

/// A bundle that was opened: it is for this instance, and exactly as its sender made it.
///
/// Who the sender is remains to be judged: anybody can make an identity and seal something for a card.
#[derive(Debug)]
pub struct ReceivedBundle {
    sender: NodeCard,
    bundle: KeyBundle,
}

impl ReceivedBundle {
    /// Opens a bundle that was sealed for this instance.
    ///
    /// # Errors
    ///
    /// Why it is not a bundle for this instance, whole and unaltered, of a version that this program knows.
    pub fn open(sealed: &[u8], identity: &NodeIdentity) -> Result<Self, BundleError> {
        let payload = envelope::open(sealed, identity)?;
        let (sender, recipients, bundle) = payload::decode(&payload)?;
        envelope::check_meant(&sender, &recipients, identity)?;
        Ok(Self { sender, bundle })
    }

    /// The card of the instance that made and signed it.
    #[must_use]
    pub const fn sender(&self) -> &NodeCard {
        &self.sender
    }

    /// What it carries.
    #[must_use]
    pub const fn content(&self) -> &KeyBundle {
        &self.bundle
    }
}

/// For whom the outside of a bundle says it is. Nobody has vouched for that.
#[must_use]
pub fn addressees(sealed: &[u8]) -> Vec<(NodeId, NodeName)> {
    addressee::named(sealed)
}

#[cfg(test)]
mod tests;
