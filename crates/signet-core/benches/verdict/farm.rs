//! The setting: a farm as large as the targets of the design say, in the state that it has after some time.

use std::error::Error;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use signet_core::token::mint;
use signet_core::{
    Claims, Format, Generation, GroupName, GroupSet, IndexKey, Issuer, Key, KeyMaterial, KeyRing,
    KeyState, Mark, MarkId, Marks, RingName, Seconds, SessionId, TokenPolicy, UnixSeconds,
    UserIndex, UserRecord, Verifier,
};

pub(crate) const ISSUER: &str = "k3q9x7c2m5n8p1r4";
pub(crate) const AUDIENCE: &str = "www.example.com";
pub(crate) const JSON_WEB_TOKEN_KEY: [u8; 32] = [0x33; 32];

/// The present is far ahead, because `jsonwebtoken` looks at the clock of the system and must not find a token expired.
pub(crate) const NOW: UnixSeconds = UnixSeconds(4_000_000_000);

/// So many different users' tokens are verified in turn.
const TOKENS: usize = 1_024;
const MARKS: u64 = 10_000;
/// So many of the users and marks changed since the base of their snapshot was built.
const RECENT: usize = 100;

pub(crate) struct Farm {
    policy: TokenPolicy,
    issuer: Issuer,
    keys: KeyRing,
    index: UserIndex,
    marks: Marks,
    users: usize,
}

/// One token in the forms that the sides need.
pub(crate) struct Token {
    /// As it stands in the cookie.
    pub(crate) text: String,
    /// What its MAC covers.
    pub(crate) authenticated: Vec<u8>,
    /// The same claims as a token of `HS256`.
    pub(crate) json_web_token: String,
}

impl Farm {
    pub(crate) fn new(users: usize) -> Result<Self, Box<dyn Error>> {
        let issuer: Issuer = ISSUER.parse()?;
        // One key that makes tokens, and the one before it, as after a rotation.
        let keys = [(1, KeyState::VerifyOnly), (2, KeyState::Active)].map(|(seed, state)| {
            let material = KeyMaterial::new([seed; 32]);
            let created = UnixSeconds(seed.into());
            let mut key = Key::new(RingName::Hmac, issuer.clone(), material, created);
            key.state = state;
            key
        });
        let records = (0..users).map(record).collect::<Result<Vec<_>, _>>()?;
        let (older, recent) = records.split_at(users - RECENT);
        let marks = |range: std::ops::Range<u64>| {
            range.map(|n| Mark {
                id: MarkId(session(n, 0x6d).0),
                until: NOW.plus(Seconds(86_400)),
            })
        };
        let recent_marks = MARKS - RECENT as u64;
        Ok(Self {
            policy: TokenPolicy {
                zone: AUDIENCE.parse()?,
                format: Format::Sealed,
                inactivity: Seconds(1_800),
                renewal_interval: Seconds(300),
                max_session: Seconds(43_200),
                skew: Seconds(60),
            },
            issuer,
            keys: KeyRing::new(&keys, []),
            index: UserIndex::new(IndexKey([9; 16])).with(older).with(recent),
            marks: Marks::default()
                .with(marks(0..recent_marks))
                .with(marks(recent_marks..MARKS)),
            users,
        })
    }

    pub(crate) fn verifier(&self) -> Verifier<'_> {
        Verifier {
            policy: &self.policy,
            keys: &self.keys,
            index: &self.index,
            marks: &self.marks,
        }
    }

    pub(crate) fn tokens(&self, format: Format) -> Result<Vec<Token>, Box<dyn Error>> {
        (0..TOKENS).map(|n| self.token(n, format)).collect()
    }

    fn token(&self, n: usize, format: Format) -> Result<Token, Box<dyn Error>> {
        let number = n * (self.users / TOKENS);
        let subject = subject(number);
        let issued_at = NOW.minus(Seconds(n as u64 % 1_200));
        let mut claims = Claims {
            issuer: self.issuer.as_str().into(),
            audience: AUDIENCE.into(),
            subject: subject.as_str().into(),
            session: session(n as u64, 0x73),
            generation: Generation(3),
            issued_at,
            expires_at: issued_at.plus(self.policy.inactivity),
            auth_time: issued_at.minus(Seconds(600)),
            methods: ["pwd"].into_iter().collect(),
            session_end: issued_at.plus(self.policy.max_session),
            provider_session: None,
            name: None,
            email: None,
            groups: None,
        };
        if format == Format::Sealed {
            claims.name = Some(format!("Given Family {number}").into());
            claims.email = Some(format!("{subject}@example.com").into());
        }
        let text = mint(&claims, format, &self.keys, session(n as u64, 0x69).0)?;
        Ok(Token {
            authenticated: authenticated(&text, format)?,
            json_web_token: json_web_token(&claims.to_json()),
            text,
        })
    }
}

fn record(number: usize) -> Result<UserRecord, Box<dyn Error>> {
    let names = ["staff", "editors", "reviewers", "visitors"];
    let groups = names.iter().enumerate();
    let groups: Result<GroupSet, _> = groups
        .filter(|(bit, _)| number >> bit & 1 == 1)
        .map(|(_, name)| name.parse::<GroupName>())
        .collect();
    Ok(UserRecord {
        subject: subject(number).parse()?,
        generation: Generation(1 + number as u32 % 3),
        enabled: true,
        deleted: false,
        groups: groups?,
    })
}

fn subject(number: usize) -> String {
    format!("user-{number:07}")
}

/// 128 bits that look random; `kind` keeps sessions, marks and initialisation vectors apart.
fn session(n: u64, kind: u8) -> SessionId {
    let spread = |n: u64| {
        let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    };
    let first = spread(n.wrapping_add(u64::from(kind) << 56).wrapping_add(1));
    let bits = u128::from(first) << 64 | u128::from(spread(first));
    SessionId(bits.to_be_bytes())
}

/// What the MAC of a token covers: of a JWS all before the signature (RFC 7515, section 5.1), of a JWE the header, the
/// initialisation vector, the ciphertext and the length of the header (RFC 7518, section 5.2.2.1).
fn authenticated(token: &str, format: Format) -> Result<Vec<u8>, Box<dyn Error>> {
    if format == Format::Signed {
        let (input, _) = token
            .rsplit_once('.')
            .ok_or("a token without a signature")?;
        return Ok(input.as_bytes().to_vec());
    }
    let segments: Vec<&str> = token.split('.').collect();
    let [header, _, iv, ciphertext, _] = segments[..] else {
        return Err("a sealed token has five segments".into());
    };
    let mut covered = header.as_bytes().to_vec();
    covered.extend(BASE64URL_NOPAD.decode(iv.as_bytes())?);
    covered.extend(BASE64URL_NOPAD.decode(ciphertext.as_bytes())?);
    covered.extend((header.len() as u64 * 8).to_be_bytes());
    Ok(covered)
}

fn json_web_token(claims: &str) -> String {
    let header = r#"{"typ":"JWT","alg":"HS256","kid":"0123456789abcdef0123456789abcdef"}"#;
    let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    let input = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    );
    let mut block = [0; 64];
    block[..JSON_WEB_TOKEN_KEY.len()].copy_from_slice(&JSON_WEB_TOKEN_KEY);
    let tag = Hmac::<Sha256>::new(&block.into())
        .chain_update(&input)
        .finalize()
        .into_bytes();
    format!("{input}.{}", encode(&tag))
}
