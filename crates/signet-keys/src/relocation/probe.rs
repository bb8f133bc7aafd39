//! Tokens made before the keys are moved, which must verify afterwards.

use signet_core::token::mint;
use signet_core::{
    Claims, Denied, Format, Generation, IndexKey, Key, KeyId, KeyRing, KeyState, Marks, RingName,
    Scratch, Seconds, SessionId, TokenPolicy, UnixSeconds, UserIndex, Verifier, Zone,
};

use crate::LoadedKeys;

/// One token of each key that verifies.
pub(crate) struct Probes {
    tokens: Vec<(KeyId, String)>,
    policy: TokenPolicy,
    now: UnixSeconds,
}

impl Probes {
    pub(crate) fn make(keys: &[Key], now: UnixSeconds) -> Result<Self, ProbeError> {
        let policy = policy()?;
        let usable = keys
            .iter()
            .filter(|key| key.ring == RingName::Hmac && key.state != KeyState::Revoked);
        let mut tokens = Vec::new();
        for key in usable {
            tokens.push((key.id, token(key, &policy, now)?));
        }
        Ok(Self {
            tokens,
            policy,
            now,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The first token that does not verify with `keys`, by its key, and why.
    pub(crate) fn verify(&self, keys: &LoadedKeys) -> Result<(), (KeyId, Denied)> {
        let ring = keys.ring();
        let index = UserIndex::new(IndexKey([0; 16]));
        let marks = Marks::new(UnixSeconds(0));
        let verifier = Verifier {
            policy: &self.policy,
            keys: &ring,
            index: &index,
            marks: &marks,
        };
        let mut scratch = Scratch::default();
        for (id, token) in &self.tokens {
            verifier
                .verify(token.as_bytes(), self.now, &mut scratch)
                .map_err(|denied| (*id, denied))?;
        }
        Ok(())
    }
}

/// Why no token could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    #[error("the system gives no randomness")]
    Random,
    #[error(transparent)]
    Mint(#[from] signet_core::MintError),
    #[error("the token would say what no token says")]
    Claims,
}

/// The token is for nobody, and for a zone that no site has: `.invalid` is never a name (RFC 6761, section 6.4).
const ZONE: &str = "relocation.invalid";
const SUBJECT: &str = "relocation:nobody";

fn policy() -> Result<TokenPolicy, ProbeError> {
    let zone: Zone = ZONE.parse().map_err(|_| ProbeError::Claims)?;
    Ok(TokenPolicy {
        zone,
        format: Format::Sealed,
        inactivity: Seconds(60),
        renewal_interval: Seconds(60),
        max_session: Seconds(60),
        skew: Seconds(0),
    })
}

fn token(key: &Key, policy: &TokenPolicy, now: UnixSeconds) -> Result<String, ProbeError> {
    let alone = Key {
        state: KeyState::Active,
        ..key.clone()
    };
    let end = now.plus(policy.max_session);
    let claims = Claims {
        issuer: key.farm.as_str().into(),
        audience: ZONE.into(),
        subject: SUBJECT.into(),
        session: SessionId(random()?),
        generation: Generation(0),
        issued_at: now,
        expires_at: end,
        auth_time: now,
        methods: ["pwd"].into_iter().collect(),
        session_end: end,
        provider_session: None,
        name: None,
        email: None,
        groups: Some([].into_iter().collect()),
    };
    let ring = KeyRing::new([&alone], []);
    Ok(mint(&claims, policy.format, &ring, random()?)?)
}

fn random() -> Result<[u8; 16], ProbeError> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|_| ProbeError::Random)?;
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, key};

    #[test]
    fn a_token_of_each_key_verifies_only_while_the_key_is_there() {
        let keys = [
            key(RingName::Hmac, 1, KeyState::Active, 1),
            key(RingName::Hmac, 2, KeyState::VerifyOnly, 2),
            key(RingName::Hmac, 3, KeyState::Pending, 3),
            key(RingName::Hmac, 4, KeyState::Revoked, 4),
            key(RingName::Master, 5, KeyState::Active, 5),
        ];
        let probes = Probes::make(&keys, NOW).unwrap();
        assert_eq!(probes.len(), 3);
        let with = |keys: &[Key]| LoadedKeys {
            keys: keys.to_vec(),
            ..LoadedKeys::default()
        };
        assert_eq!(probes.verify(&with(&keys)), Ok(()));
        let without = [keys[0].clone(), keys[2].clone()];
        assert_eq!(
            probes.verify(&with(&without)),
            Err((keys[1].id, Denied::KeyUnknown))
        );
    }
}
