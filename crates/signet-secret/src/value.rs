//! A sealed value as it is written: `sealed:v1:<kid>:<base64url>`.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use signet_core::{KeyId, base64url};

/// What every sealed value begins with, whatever its version.
pub(crate) const SEALED: &str = "sealed:";

/// What a sealed value of the version that this program writes begins with.
pub const SEALED_PREFIX: &str = "sealed:v1:";

/// The most that a secret may hold, in bytes. Private keys and access tokens have a few thousand.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// The nonce that stands at the front of the sealed bytes.
pub(crate) const NONCE_BYTES: usize = 12;
/// The tag that stands at their end.
pub(crate) const TAG_BYTES: usize = 16;
const OVERHEAD: usize = NONCE_BYTES + TAG_BYTES;
/// Digits of a key's id.
const KEY_DIGITS: usize = 32;
/// The longest text of a sealed value, in bytes.
const LONGEST: usize =
    SEALED_PREFIX.len() + KEY_DIGITS + 1 + (MAX_SECRET_BYTES + OVERHEAD).div_ceil(3) * 4;

/// A secret that was sealed with a key of the `master` ring. Exactly one text stands for each.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SealedValue {
    key: KeyId,
    /// Nonce, ciphertext and tag.
    bytes: Box<[u8]>,
}

/// Why a text is no sealed value of the version that this program knows. Nothing of the text is part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealedValueError {
    /// It does not begin as a sealed value does.
    #[error("it does not begin with \"{SEALED_PREFIX}\"")]
    NotSealed,
    /// Sealed by a program of another version.
    #[error("it has a version that this program does not know: it knows \"v1\"")]
    Version,
    /// A space or the end of a line within it, or at an end of it.
    #[error("there is a space or the end of a line in it")]
    Space,
    /// The key is not named by 32 digits.
    #[error(
        "after \"{SEALED_PREFIX}\" it must name its key with 32 lower-case hexadecimal digits and a colon"
    )]
    Key,
    /// What follows the key's id is not strict base64url.
    #[error(
        "what follows the key's id is not base64url without padding: characters are missing, or foreign"
    )]
    Encoding,
    /// Too short to be anything sealed.
    #[error(
        "what follows the key's id has {bytes} bytes, but the shortest sealed value has {OVERHEAD}: it was cut off"
    )]
    TooShort {
        /// How many there are.
        bytes: usize,
    },
    /// Longer than anything that is sealed.
    #[error(
        "it is longer than the longest sealed value, which holds a secret of {MAX_SECRET_BYTES} bytes"
    )]
    TooLarge,
}

impl SealedValueError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotSealed => {
                "seal the secret with signet secret protect, and write what that prints"
            }
            Self::Version => "use the version of signet that sealed it, or a newer one",
            Self::Space => "copy it again, on one line and without spaces",
            Self::Key | Self::Encoding | Self::TooShort { .. } => {
                "copy it again from where it came, whole; if that is lost, seal the secret anew with signet secret protect"
            }
            Self::TooLarge => "check what was written there; only secrets up to 64 KiB are sealed",
        }
    }
}

impl SealedValue {
    /// The key that it was sealed with.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// Whether a text means to be a sealed value, of whatever version: then it must be one.
    #[must_use]
    pub fn is_meant_by(text: &str) -> bool {
        text.trim_ascii_start().starts_with(SEALED)
    }

    /// `bytes` are nonce, ciphertext and tag.
    pub(crate) fn new(key: KeyId, bytes: Vec<u8>) -> Self {
        Self {
            key,
            bytes: bytes.into(),
        }
    }

    /// The nonce, and the ciphertext with its tag.
    pub(crate) fn parts(&self) -> Option<(&[u8; NONCE_BYTES], &[u8])> {
        self.bytes.split_first_chunk()
    }
}

impl FromStr for SealedValue {
    type Err = SealedValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err(SealedValueError::TooLarge);
        }
        if !Self::is_meant_by(text) {
            return Err(SealedValueError::NotSealed);
        }
        if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
            return Err(SealedValueError::Space);
        }
        let rest = text
            .strip_prefix(SEALED_PREFIX)
            .ok_or(SealedValueError::Version)?;
        let (key, sealed) = rest.split_once(':').ok_or(SealedValueError::Key)?;
        let key = key.parse().map_err(|_| SealedValueError::Key)?;
        let bytes = base64url::decode(sealed.as_bytes()).ok_or(SealedValueError::Encoding)?;
        if bytes.len() < OVERHEAD {
            return Err(SealedValueError::TooShort { bytes: bytes.len() });
        }
        Ok(Self::new(key, bytes))
    }
}

impl fmt::Display for SealedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sealed = base64url::encode(&self.bytes);
        write!(f, "{SEALED_PREFIX}{}:{sealed}", self.key)
    }
}

/// Names the key and hides the rest: it may be written to logs.
impl fmt::Debug for SealedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedValue({SEALED_PREFIX}{}:..)", self.key)
    }
}

impl Serialize for SealedValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SealedValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
