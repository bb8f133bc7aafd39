//! The small names that travel in tokens: farm, zone, session, key, generation.

use core::fmt;
use core::str::FromStr;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

/// Why a text is not an identifier of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentifierError {
    /// Not exactly 32 lower-case hexadecimal digits.
    #[error("expected 32 lower-case hexadecimal digits")]
    NotHex,
    /// Not exactly 22 characters of unpadded base64url holding 128 bits.
    #[error("expected 22 characters of base64url")]
    NotBase64Url,
    /// Empty, or longer than 255 bytes.
    #[error("expected 1 to 255 bytes")]
    Length,
    /// A character that has no place in the name.
    #[error("expected only lower-case letters, digits, '.', '-', ':' and '_'")]
    Character,
}

/// Names one key: the first 128 bits of a SHA-256 over ring name and key, as 32 hexadecimal digits.
///
/// It is derived from the key, so a damaged or misplaced key is noticed when it is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 16]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        decode_exact(&HEXLOWER, text, &mut bytes)
            .map(|()| Self(bytes))
            .ok_or(IdentifierError::NotHex)
    }
}

/// Names one session for its whole life, renewals included: 128 random bits (the claim `sid`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

impl FromStr for SessionId {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        decode_exact(&BASE64URL_NOPAD, text, &mut bytes)
            .map(|()| Self(bytes))
            .ok_or(IdentifierError::NotBase64Url)
    }
}

fn decode_exact(encoding: &data_encoding::Encoding, text: &str, into: &mut [u8; 16]) -> Option<()> {
    if encoding.decode_len(text.len()).ok()? != into.len() {
        return None;
    }
    encoding.decode_mut(text.as_bytes(), into).ok().map(|_| ())
}

/// The generation of a user's record: raised by password change, disabling, deletion and "end all sessions".
///
/// A token is good only while its generation is at least that of the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

impl Generation {
    /// The next generation; the last one has no successor and stays.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! name {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as it stands in a claim.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdentifierError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                plain(text).map(|()| Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The farm's id (the claim `iss`): random, made at the first start of the first author.
    Issuer
}

name! {
    /// Whom a token is for (the claim `aud`): by default the host of the public address.
    ///
    /// Compared for equality, never as a part of something longer.
    Zone
}

fn plain(text: &str) -> Result<(), IdentifierError> {
    if text.is_empty() || text.len() > 255 {
        return Err(IdentifierError::Length);
    }
    let allowed = |b: u8| {
        b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b':' | b'_')
    };
    text.bytes()
        .all(allowed)
        .then_some(())
        .ok_or(IdentifierError::Character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_round_trip() {
        let key = KeyId([0xa5; 16]);
        assert_eq!(key.to_string().parse(), Ok(key));
        let session = SessionId([0x5a; 16]);
        assert_eq!(session.to_string().parse(), Ok(session));
    }

    #[test]
    fn only_the_canonical_form_is_read() {
        assert_eq!(
            "A5".repeat(16).parse::<KeyId>(),
            Err(IdentifierError::NotHex)
        );
        assert_eq!(
            "../../etc/passwd".parse::<KeyId>(),
            Err(IdentifierError::NotHex)
        );
        // The last character carries four unused bits, which must be zero.
        assert_eq!(
            "AAAAAAAAAAAAAAAAAAAAAB".parse::<SessionId>(),
            Err(IdentifierError::NotBase64Url)
        );
        assert_eq!("".parse::<Zone>(), Err(IdentifierError::Length));
        assert_eq!(
            "WWW.example.com".parse::<Zone>(),
            Err(IdentifierError::Character)
        );
    }
}
