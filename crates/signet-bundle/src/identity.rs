//! Who this instance is towards the others: a key to sign with, and a separate key that others seal for.

mod backup;
mod error;
mod files;

use core::fmt;
use std::path::Path;

use age::x25519;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use crate::card::{self, CARD};
use crate::sealing::{self, SealError, UnsealError};
use crate::{NodeCard, NodeId, NodeName, Signature};

pub use error::NodeError;

/// This instance: an Ed25519 key (RFC 8032) in `signing.key` and an X25519 key (age) in `age.key`.
///
/// It has nothing to do with the rings: who knows the keys of the farm cannot sign as this instance.
pub struct NodeIdentity {
    signing: Ed25519KeyPair,
    verifying: [u8; 32],
    age: x25519::Identity,
}

impl NodeIdentity {
    /// Reads the identity in `directory`; `None` if none was made yet.
    ///
    /// # Errors
    ///
    /// The directory or a file is not for this user alone, damaged, or one of the two is missing.
    pub fn open(directory: &Path) -> Result<Option<Self>, NodeError> {
        files::read(directory)
    }

    /// Reads the identity in `directory`, and makes one first if there is none. What is damaged is never replaced.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and where nothing may or can be written.
    pub fn open_or_create(directory: &Path) -> Result<Self, NodeError> {
        match Self::open(directory)? {
            Some(identity) => Ok(identity),
            None => files::create(directory),
        }
    }

    /// A new identity, kept nowhere.
    ///
    /// # Errors
    ///
    /// The system gives no randomness.
    pub fn generate() -> Result<Self, NodeError> {
        let signing = Ed25519KeyPair::generate().map_err(|_| NodeError::Random)?;
        Self::of(signing, x25519::Identity::generate()).ok_or(NodeError::Random)
    }

    fn of(signing: Ed25519KeyPair, age: x25519::Identity) -> Option<Self> {
        Some(Self {
            verifying: signing.public_key().as_ref().try_into().ok()?,
            signing,
            age,
        })
    }

    /// The id of this instance.
    #[must_use]
    pub fn id(&self) -> NodeId {
        card::id_of(&self.verifying)
    }

    /// The card of this instance under a name.
    #[must_use]
    pub fn card(&self, name: &NodeName) -> NodeCard {
        let sign = |message: &[u8]| self.sign(CARD, message);
        NodeCard::new(name.clone(), self.verifying, self.recipient(), sign)
    }

    /// Signs `message` for `purpose`. What was signed for one purpose never passes for another.
    #[must_use]
    pub fn sign(&self, purpose: &str, message: &[u8]) -> Signature {
        let signature = self.signing.sign(&card::signed(purpose, message));
        let mut bytes = [0; 64];
        bytes
            .iter_mut()
            .zip(signature.as_ref())
            .for_each(|(to, from)| *to = *from);
        Signature(bytes)
    }

    /// The age key that others seal for.
    #[must_use]
    pub fn recipient(&self) -> x25519::Recipient {
        self.age.to_public()
    }

    /// The age key that opens what was sealed for this instance.
    #[must_use]
    pub const fn age_identity(&self) -> &x25519::Identity {
        &self.age
    }

    /// Seals `bytes` so that this instance alone can open them: an age file.
    ///
    /// # Errors
    ///
    /// It could not be sealed.
    pub fn seal_for_self(&self, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        sealing::seal(&[&self.recipient()], bytes)
    }

    /// Opens what was sealed for this instance.
    ///
    /// # Errors
    ///
    /// It was sealed for another, altered, or is no age file.
    pub fn open_own(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        sealing::open(&self.age, sealed)
    }
}

impl fmt::Debug for NodeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeIdentity({})", self.id())
    }
}

#[cfg(test)]
mod tests;
