//! A token for the peers: `HS256` (RFC 7515, appendix A.1), with the claims that a signed token of Signet has.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

pub(super) const ISSUER: &str = "k3q9x7c2m5n8p1r4";
pub(super) const AUDIENCE: &str = "localhost";

/// 256 bits that protect nothing; printable, because HAProxy takes a key as text.
const SECRET: &str = "measured-beside-signet-0123456789";

/// The key as text.
pub(super) fn secret() -> &'static str {
    SECRET
}

/// The key as a JWK writes it (RFC 7518, section 6.4.1).
pub(super) fn secret_base64url() -> String {
    BASE64URL_NOPAD.encode(SECRET.as_bytes())
}

/// A token that is good for half a day.
pub(super) fn make() -> Result<String> {
    let now = now()?;
    let claims = json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-0000042",
        "sid": "AAECAwQFBgcICQoLDA0ODw",
        "gen": 1,
        "iat": now,
        "exp": now + 43_200,
        "auth_time": now,
        "amr": ["pwd"],
        "max": now + 43_200,
    });
    let header = r#"{"typ":"JWT","alg":"HS256","kid":"one"}"#;
    let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    let input = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.to_string().as_bytes())
    );
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).context("a key of any length")?;
    let tag = mac.chain_update(&input).finalize().into_bytes();
    Ok(format!("{input}.{}", encode(&tag)))
}

/// The same token with one character of its signature or tag changed.
pub(super) fn spoilt(token: &str) -> String {
    let place = token.len() - 10;
    let other = if token.as_bytes().get(place) == Some(&b'A') {
        "B"
    } else {
        "A"
    };
    let mut spoilt = token.to_owned();
    spoilt.replace_range(place..=place, other);
    spoilt
}

#[expect(clippy::disallowed_methods, reason = "the peers look at the clock")]
fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spoilt_token_differs_in_one_character() {
        let token = make().unwrap();
        let spoilt = spoilt(&token);
        let differing = token.chars().zip(spoilt.chars()).filter(|(a, b)| a != b);
        assert_eq!((differing.count(), token.len()), (1, spoilt.len()));
    }
}
