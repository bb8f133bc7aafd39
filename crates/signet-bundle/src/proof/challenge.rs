//! The question: a nonce, and who asks.

use core::fmt::{self, Write};

use data_encoding::HEXLOWER;
use signet_core::UnixSeconds;

use super::text::{self, Lines};
use super::{PROOF_LIFE, ProofError, SKEW};
use crate::{NodeCard, NodeIdentity, NodeName, Signature};

/// A challenge to show which keys an instance holds.
///
/// It is signed by the one who makes it, who so recognises it again in an answer and need not keep anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    challenger: NodeCard,
    nonce: [u8; 32],
    created: UnixSeconds,
    expires: UnixSeconds,
    signature: Signature,
}

pub(super) const MARK: &str = "signet-challenge-v1";

/// The purpose of the signature.
const PURPOSE: &str = "proof-challenge";

impl Challenge {
    /// A new challenge, which can be used for [`PROOF_LIFE`].
    ///
    /// # Errors
    ///
    /// The system gives no randomness.
    pub fn make(
        identity: &NodeIdentity,
        name: &NodeName,
        now: UnixSeconds,
    ) -> Result<Self, ProofError> {
        let mut challenge = Self {
            challenger: identity.card(name),
            nonce: super::nonce()?,
            created: now,
            expires: now.plus(PROOF_LIFE),
            signature: Signature([0; 64]),
        };
        challenge.signature = identity.sign(PURPOSE, challenge.unsigned().as_bytes());
        Ok(challenge)
    }

    /// Reads a challenge, and verifies that it is as its challenger made it.
    ///
    /// # Errors
    ///
    /// Why it is not one, whole and unaltered.
    pub fn read(bytes: &[u8]) -> Result<Self, ProofError> {
        let text = text::text(bytes, MARK)?;
        let mut lines = Lines::new(&text);
        let challenge = Self {
            challenger: lines.value("challenger")?.parse()?,
            nonce: nonce(lines.value("nonce")?)?,
            created: seconds(&mut lines, "created")?,
            expires: seconds(&mut lines, "expires")?,
            signature: lines.value("signature")?.parse()?,
        };
        lines.end()?;
        let unsigned = challenge.unsigned();
        let signature = &challenge.signature;
        let is_signed = challenge
            .challenger
            .verify(PURPOSE, unsigned.as_bytes(), signature);
        if !is_signed || challenge.to_string() != *text {
            return Err(ProofError::Altered);
        }
        Ok(challenge)
    }

    /// Who made it.
    #[must_use]
    pub const fn challenger(&self) -> &NodeCard {
        &self.challenger
    }

    /// Until when it can be used.
    #[must_use]
    pub const fn expires(&self) -> UnixSeconds {
        self.expires
    }

    /// Whether it can be used now.
    pub(super) fn check_time(&self, now: UnixSeconds) -> Result<(), ProofError> {
        // Whoever makes it signs any time; nobody accepts a longer life than the usual one.
        let expires = self.expires.min(self.created.plus(PROOF_LIFE));
        if now > expires {
            return Err(ProofError::Expired { at: expires });
        }
        if self.created > now.plus(SKEW) {
            return Err(ProofError::FromTheFuture { at: self.created });
        }
        Ok(())
    }

    fn unsigned(&self) -> String {
        let Self {
            challenger,
            created,
            expires,
            ..
        } = self;
        let nonce = HEXLOWER.encode(&self.nonce);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{MARK}\nchallenger {challenger}\nnonce {nonce}");
        let _ = writeln!(text, "created {created}\nexpires {expires}");
        text
    }
}

impl fmt::Display for Challenge {
    /// The content of the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}signature {}", self.unsigned(), self.signature)
    }
}

pub(super) fn nonce(text: &str) -> Result<[u8; 32], ProofError> {
    HEXLOWER
        .decode(text.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(ProofError::Malformed("nonce"))
}

pub(super) fn seconds(
    lines: &mut Lines<'_>,
    name: &'static str,
) -> Result<UnixSeconds, ProofError> {
    lines
        .value(name)?
        .parse()
        .map(UnixSeconds)
        .map_err(|_| ProofError::Malformed(name))
}
