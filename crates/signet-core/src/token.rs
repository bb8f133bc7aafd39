//! The two encapsulated formats: their codecs, strict and without negotiation.
//!
//! The protected header is exactly `{"typ":"login+jwt","alg":…,["enc":…,]"kid":…}`, so a verifier compares the header
//! segment with those of the keys it holds, byte for byte, and has key and algorithm in one step (RFC 8725, section 3.1).

mod sealed;
mod signed;

use crate::ring::RingKey;
use crate::{Claims, Denied, Format, KeyId, KeyRing, base64url};

pub(crate) use sealed::SealedKey;
pub(crate) use signed::SignedKey;

/// The longest token that is made or read, in bytes.
///
/// With the name of its cookie and the attributes it stays below 3.5 KiB, well inside the 4,096 bytes browsers keep.
pub const MAX_TOKEN_BYTES: usize = 3_400;

/// Room for one payload while it is decoded. Make it once and use it again for every token.
#[derive(Debug)]
pub struct Scratch(Box<[u8; MAX_TOKEN_BYTES]>);

impl Default for Scratch {
    fn default() -> Self {
        Self(Box::new([0; MAX_TOKEN_BYTES]))
    }
}

/// Why no token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// No key is active.
    #[error("no key is active")]
    NoActiveKey,
    /// The claims name another farm than the active key.
    #[error("the claims name another farm than the active key")]
    IssuerForeign,
    /// The claims make a token longer than [`MAX_TOKEN_BYTES`].
    #[error("the token would have {0} bytes, the most is {MAX_TOKEN_BYTES}")]
    TooLarge(usize),
    /// Name, mail or groups do not travel in a signed token, which everybody can read.
    #[error("a signed token carries no name, mail or groups")]
    Personal,
}

/// A token whose MAC was verified, before anything is decided about what it says.
#[derive(Debug)]
pub(crate) struct Opened<'k, 't> {
    pub(crate) key: &'k RingKey,
    pub(crate) format: Format,
    pub(crate) payload: &'t [u8],
}

/// Makes a token that says `claims` with the active key of `keys`.
///
/// `iv` is 128 fresh bits from a cryptographic random source; the signed format does not use it.
///
/// # Errors
/// No active key, a key of another farm, claims that do not fit, personal claims in the signed format.
pub fn mint(
    claims: &Claims<'_>,
    format: Format,
    keys: &KeyRing,
    iv: [u8; 16],
) -> Result<String, MintError> {
    let key = keys.minting().ok_or(MintError::NoActiveKey)?;
    if claims.issuer != key.farm.as_str() {
        return Err(MintError::IssuerForeign);
    }
    let token = match format {
        Format::Sealed => key.sealed.seal(claims.to_json().as_bytes(), iv),
        Format::Signed if claims.is_personal() => return Err(MintError::Personal),
        Format::Signed => key.signed.sign(claims.to_json().as_bytes()),
    };
    if token.len() > MAX_TOKEN_BYTES {
        return Err(MintError::TooLarge(token.len()));
    }
    Ok(token)
}

/// Verifies the MAC of `token` and decodes its payload into `scratch`.
///
/// # Errors
/// [`Denied`] with the reason; nothing of the payload was looked at unless the MAC is right.
#[inline]
pub(crate) fn open<'k, 't>(
    token: &[u8],
    keys: &'k KeyRing,
    scratch: &'t mut Scratch,
) -> Result<Opened<'k, 't>, Denied> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Denied::TokenMalformed);
    }
    for key in keys.keys() {
        if let Some(rest) = token.strip_prefix(key.sealed.header()) {
            let payload = key.sealed.open(rest, &mut scratch.0[..])?;
            return Ok(Opened {
                key,
                format: Format::Sealed,
                payload,
            });
        }
        if let Some(rest) = token.strip_prefix(key.signed.header()) {
            let payload = key.signed.open(rest, &mut scratch.0[..])?;
            return Ok(Opened {
                key,
                format: Format::Signed,
                payload,
            });
        }
    }
    Err(unknown_header(token, keys))
}

/// Tells apart, for the log only, why no key has this header.
#[cold]
fn unknown_header(token: &[u8], keys: &KeyRing) -> Denied {
    let is = |id: &KeyId| {
        token.starts_with(&sealed::header(*id)) || token.starts_with(&signed::header(*id))
    };
    if keys.revoked().iter().any(is) {
        return Denied::KeyRevoked;
    }
    let dots = token.iter().filter(|&&b| b == b'.').count();
    if dots == 2 || dots == 4 {
        Denied::KeyUnknown
    } else {
        Denied::TokenMalformed
    }
}

fn encode_header(json: &str) -> String {
    base64url::encode(json.as_bytes())
}

#[cfg(test)]
mod tests;
