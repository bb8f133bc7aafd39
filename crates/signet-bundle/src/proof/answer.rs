//! The answer: which keys an instance holds, each authenticated by itself.

use core::fmt::{self, Write};
use std::collections::HashSet;

use aws_lc_rs::hmac;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use signet_core::{Key, KeyId, KeyMaterial, KeyState, Purpose, RingName, UnixSeconds};
use signet_keys::LoadedKeys;

use super::challenge::{self, Challenge};
use super::text::{self, Lines};
use super::{Comparison, ProofError};
use crate::framing::Framed;
use crate::{NodeCard, NodeIdentity, NodeName, Signature};

/// What an instance says to a [`Challenge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    challenge: Challenge,
    answerer: NodeCard,
    nonce: [u8; 32],
    created: UnixSeconds,
    pub(super) keys: Vec<HeldKey>,
    pub(super) revoked: Vec<(RingName, KeyId)>,
    signature: Signature,
}

/// A key that the answering instance holds, by its own account until `mac` is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeldKey {
    pub(super) ring: RingName,
    pub(super) id: KeyId,
    pub(super) state: KeyState,
    mac: [u8; 32],
}

const MARK: &str = "signet-answer-v1";

/// The purpose of the signature.
const PURPOSE: &str = "proof-answer";

impl Answer {
    /// Answers a challenge of another instance.
    ///
    /// # Errors
    ///
    /// The challenge is this instance's own or too old, or the system gives no randomness.
    pub fn make(
        challenge: Challenge,
        identity: &NodeIdentity,
        name: &NodeName,
        loaded: &LoadedKeys,
        now: UnixSeconds,
    ) -> Result<Self, ProofError> {
        if challenge.challenger().id() == identity.id() {
            return Err(ProofError::OwnChallenge);
        }
        challenge.check_time(now)?;
        let held: HashSet<_> = loaded.keys.iter().map(|key| key.id).collect();
        let mut answer = Self {
            challenge,
            answerer: identity.card(name),
            nonce: super::nonce()?,
            created: now,
            keys: Vec::new(),
            revoked: loaded
                .revoked
                .iter()
                .filter(|(_, id)| !held.contains(id))
                .collect(),
            signature: Signature([0; 64]),
        };
        answer.keys = loaded.keys.iter().map(|key| answer.held(key)).collect();
        answer.signature = identity.sign(PURPOSE, answer.unsigned().as_bytes());
        Ok(answer)
    }

    /// Reads an answer, and verifies that it is as the one who answered made it, and the challenge in it likewise.
    ///
    /// # Errors
    ///
    /// Why it is not one, whole and unaltered.
    pub fn read(bytes: &[u8]) -> Result<Self, ProofError> {
        let text = text::text(bytes, MARK)?;
        let mut lines = Lines::new(&text);
        let challenge = BASE64URL_NOPAD
            .decode(lines.value("challenge")?.as_bytes())
            .map_err(|_| ProofError::Malformed("challenge"))?;
        let mut answer = Self {
            challenge: Challenge::read(&challenge)?,
            answerer: lines.value("answerer")?.parse()?,
            nonce: challenge::nonce(lines.value("nonce")?)?,
            created: challenge::seconds(&mut lines, "created")?,
            keys: Vec::new(),
            revoked: Vec::new(),
            signature: Signature([0; 64]),
        };
        while let Some(line) = lines.if_named("key") {
            answer
                .keys
                .push(held_key(line).ok_or(ProofError::Malformed("key"))?);
        }
        while let Some(line) = lines.if_named("revoked") {
            let id = named_key(line).ok_or(ProofError::Malformed("revoked"))?;
            answer.revoked.push(id);
        }
        answer.signature = lines.value("signature")?.parse()?;
        lines.end()?;
        let unsigned = answer.unsigned();
        let is_signed = answer
            .answerer
            .verify(PURPOSE, unsigned.as_bytes(), &answer.signature);
        if !is_signed || answer.to_string() != *text {
            return Err(ProofError::Altered);
        }
        let ids = answer.keys.iter().map(|key| key.id);
        let ids = ids.chain(answer.revoked.iter().map(|(_, id)| *id));
        if ids.collect::<HashSet<_>>().len() != answer.keys.len() + answer.revoked.len() {
            return Err(ProofError::Malformed("key"));
        }
        Ok(answer)
    }

    /// Who answered.
    #[must_use]
    pub const fn answerer(&self) -> &NodeCard {
        &self.answerer
    }

    /// When it was made, by the clock of the one who answered.
    #[must_use]
    pub const fn created(&self) -> UnixSeconds {
        self.created
    }

    /// Compares what the other instance shows with the keys of this one, which must have made the challenge.
    ///
    /// # Errors
    ///
    /// The challenge is not this instance's or too old, or this instance answered itself.
    pub fn check(
        &self,
        identity: &NodeIdentity,
        loaded: &LoadedKeys,
        now: UnixSeconds,
    ) -> Result<Comparison, ProofError> {
        let challenger = self.challenge.challenger();
        if challenger.id() != identity.id() {
            return Err(ProofError::ForeignChallenge {
                name: challenger.name().clone(),
                id: challenger.id(),
            });
        }
        if self.answerer.id() == identity.id() {
            return Err(ProofError::OwnAnswer);
        }
        self.challenge.check_time(now)?;
        Ok(Comparison::of(self, loaded))
    }

    /// Whether whoever made the answer had these bits.
    pub(super) fn is_proven(&self, held: &HeldKey, material: &KeyMaterial) -> bool {
        let message = self.message(held.ring, held.id, held.state);
        hmac::verify(&proof_key(material), &message, &held.mac).is_ok()
    }

    fn held(&self, key: &Key) -> HeldKey {
        let message = self.message(key.ring, key.id, key.state);
        let tag = hmac::sign(&proof_key(&key.material), &message);
        let mut mac = [0; 32];
        mac.iter_mut()
            .zip(tag.as_ref())
            .for_each(|(to, from)| *to = *from);
        HeldKey {
            ring: key.ring,
            id: key.id,
            state: key.state,
            mac,
        }
    }

    /// What is authenticated with a key: so much of the exchange that it fits no other.
    fn message(&self, ring: RingName, id: KeyId, state: KeyState) -> Vec<u8> {
        Framed::of(&[
            b"signet/v1/key-proof/answer",
            self.challenge.to_string().as_bytes(),
            self.answerer.to_string().as_bytes(),
            &self.nonce,
            self.created.to_string().as_bytes(),
            ring.as_str().as_bytes(),
            &id.0,
            state.as_str().as_bytes(),
        ])
        .to_vec()
    }

    fn unsigned(&self) -> String {
        let challenge = BASE64URL_NOPAD.encode(self.challenge.to_string().as_bytes());
        let nonce = HEXLOWER.encode(&self.nonce);
        let Self {
            answerer, created, ..
        } = self;
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{MARK}\nchallenge {challenge}\nanswerer {answerer}");
        let _ = writeln!(text, "nonce {nonce}\ncreated {created}");
        for HeldKey {
            ring,
            id,
            state,
            mac,
        } in &self.keys
        {
            let mac = BASE64URL_NOPAD.encode(mac);
            let _ = writeln!(text, "key {ring} {id} {state} {mac}");
        }
        for (ring, id) in &self.revoked {
            let _ = writeln!(text, "revoked {ring} {id}");
        }
        text
    }
}

impl fmt::Display for Answer {
    /// The content of the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}signature {}", self.unsigned(), self.signature)
    }
}

fn proof_key(material: &KeyMaterial) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &*material.derive(Purpose::KeyProof))
}

fn held_key(line: &str) -> Option<HeldKey> {
    let mut words = line.split(' ');
    let held = HeldKey {
        ring: words.next()?.parse().ok()?,
        id: words.next()?.parse().ok()?,
        state: words.next()?.parse().ok()?,
        mac: BASE64URL_NOPAD
            .decode(words.next()?.as_bytes())
            .ok()?
            .try_into()
            .ok()?,
    };
    words.next().is_none().then_some(held)
}

fn named_key(line: &str) -> Option<(RingName, KeyId)> {
    let (ring, id) = line.split_once(' ')?;
    Some((ring.parse().ok()?, id.parse().ok()?))
}
