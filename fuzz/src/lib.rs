#![doc = include_str!("../README.md")]

use signet_core::token::mint;
use signet_core::{
    Claims, Format, Generation, GroupSet, IndexKey, Key, KeyMaterial, KeyRing, KeyState, Marks,
    RingName, Seconds, SessionId, TokenPolicy, UnixSeconds, UserIndex, UserRecord, Verifier,
};

/// The present of every target: 2025-01-01, so that inputs mean the same on every run.
pub const NOW: UnixSeconds = UnixSeconds(1_735_689_600);

/// The initialisation vector of every sealed token here.
pub const IV: [u8; 16] = [5; 16];

/// What one instance knows: a key, a policy and the user `alice`.
pub struct Farm {
    /// Issuer `farm`, zone `www.example.com`, a skew of 60 seconds.
    pub policy: TokenPolicy,
    /// One active key.
    pub keys: KeyRing,
    index: UserIndex,
    marks: Marks,
}

impl Farm {
    /// The same farm on every call.
    pub fn new() -> Self {
        let mut key = Key::new(
            RingName::Hmac,
            "farm".parse().unwrap(),
            KeyMaterial::new([7; 32]),
            NOW,
        );
        key.state = KeyState::Active;
        let alice = UserRecord {
            subject: "alice".parse().expect("a valid id"),
            generation: Generation(1),
            enabled: true,
            deleted: false,
            groups: ["staff".parse().expect("a valid name")]
                .into_iter()
                .collect::<GroupSet>(),
        };
        Self {
            policy: TokenPolicy {
                zone: "www.example.com".parse().expect("a valid zone"),
                format: Format::Sealed,
                inactivity: Seconds(1_800),
                renewal_interval: Seconds(300),
                max_session: Seconds(43_200),
                skew: Seconds(60),
            },
            keys: KeyRing::new(&[key], []),
            index: UserIndex::new(IndexKey([3; 16])).with(&[alice]),
            marks: Marks::default(),
        }
    }

    /// The verifier of this farm.
    pub fn verifier(&self) -> Verifier<'_> {
        Verifier {
            policy: &self.policy,
            keys: &self.keys,
            index: &self.index,
            marks: &self.marks,
        }
    }

    /// A sealed and a signed token of `alice` that are valid now.
    pub fn valid_tokens(&self) -> [String; 2] {
        let claims = Claims {
            issuer: "farm".into(),
            audience: "www.example.com".into(),
            subject: "alice".into(),
            session: SessionId([1; 16]),
            generation: Generation(1),
            issued_at: NOW,
            expires_at: NOW.plus(Seconds(1_800)),
            auth_time: NOW,
            methods: ["pwd"].into_iter().collect(),
            session_end: NOW.plus(Seconds(43_200)),
            provider_session: None,
            name: None,
            email: None,
            groups: None,
        };
        [Format::Sealed, Format::Signed]
            .map(|format| mint(&claims, format, &self.keys, IV).expect("a valid token"))
    }
}

impl Default for Farm {
    fn default() -> Self {
        Self::new()
    }
}
