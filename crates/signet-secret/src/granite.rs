//! Protected strings of Adobe Granite: `{` hexadecimal digits `}`, AES-128-CBC under a 16-byte `master`.

use core::fmt;
use core::str::FromStr;

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use signet_keys::granite::GraniteKey;
use zeroize::Zeroizing;

use crate::{MAX_SECRET_BYTES, SealError};

/// A protected string of Granite: an initialisation vector, and at least one block behind it.
#[derive(Clone, PartialEq, Eq)]
pub struct GraniteValue(Box<[u8]>);

/// Why a text is no protected string. Nothing of the text is part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraniteValueError {
    /// No braces around it.
    #[error("a Granite value stands between braces: {{…}}")]
    Braces,
    /// Something else than hexadecimal digits between them.
    #[error("a Granite value has only hexadecimal digits between its braces")]
    Digits,
    /// Not whole blocks.
    #[error(
        "a Granite value has 64 digits or a greater multiple of 32, and this one has {digits}: it was cut off, or is something else"
    )]
    Length {
        /// How many digits it has.
        digits: usize,
    },
    /// Longer than anything that is protected.
    #[error(
        "it is longer than any Granite value that is read, which holds at most {MAX_SECRET_BYTES} bytes"
    )]
    TooLarge,
}

/// The value does not open with this key.
///
/// The format has no seal of its own: only by its padding and its UTF-8 does a wrong key, or a damaged value, show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraniteOpenError {
    /// The padding at its end is none.
    #[error(
        "it does not open with this master: the key is another one, or the value is damaged (its padding is wrong)"
    )]
    Padding,
    /// What comes out is no text.
    #[error(
        "it does not open with this master: the key is another one, or the value is damaged (what comes out is not UTF-8)"
    )]
    NotText,
}

const BLOCK: usize = 16;
const LEAST_DIGITS: usize = 4 * BLOCK;

impl GraniteValue {
    /// Protects a text with the `master` of an installation, as that does itself: under an initialisation vector of its own.
    ///
    /// # Errors
    /// The text is larger than what is read again, or the system gives no randomness.
    pub fn protect(key: &GraniteKey, text: &str) -> Result<Self, SealError> {
        if text.len() > MAX_SECRET_BYTES {
            return Err(SealError::TooLarge { bytes: text.len() });
        }
        let mut vector = [0; BLOCK];
        getrandom::fill(&mut vector).map_err(|_| SealError::Cipher)?;
        Ok(Self::with_vector(key, text, vector))
    }

    fn with_vector(key: &GraniteKey, text: &str, vector: [u8; BLOCK]) -> Self {
        let encryptor = cbc::Encryptor::<Aes128>::new(key.expose().into(), (&vector).into());
        let blocks = encryptor.encrypt_padded_vec::<Pkcs7>(text.as_bytes());
        Self([&vector[..], &blocks].concat().into())
    }

    /// Opens the value with the `master` of the installation that protected it.
    ///
    /// One wrong key in 256 passes the padding, and what comes out of a damaged value can be nonsense: nothing in this
    /// format could tell.
    ///
    /// # Errors
    /// The padding is wrong, or what comes out is not UTF-8.
    pub fn open(&self, key: &GraniteKey) -> Result<Zeroizing<String>, GraniteOpenError> {
        let (vector, blocks) = self
            .0
            .split_first_chunk::<BLOCK>()
            .ok_or(GraniteOpenError::Padding)?;
        let mut text = Zeroizing::new(blocks.to_vec());
        let length = cbc::Decryptor::<Aes128>::new(key.expose().into(), vector.into())
            .decrypt_padded::<Pkcs7>(&mut text)
            .map_err(|_| GraniteOpenError::Padding)?
            .len();
        text.truncate(length);
        let text = core::str::from_utf8(&text).map_err(|_| GraniteOpenError::NotText)?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

impl FromStr for GraniteValue {
    type Err = GraniteValueError;

    /// Reads `{…}`, and `\{…\}` as it stands in XML files of the content repository.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > 2 * (MAX_SECRET_BYTES + 2 * BLOCK) + "\\{\\}".len() {
            return Err(GraniteValueError::TooLarge);
        }
        let digits = between(text, "{", "}")
            .or_else(|| between(text, "\\{", "\\}"))
            .ok_or(GraniteValueError::Braces)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(GraniteValueError::Digits);
        }
        let wrong = GraniteValueError::Length {
            digits: digits.len(),
        };
        if digits.len() < LEAST_DIGITS || digits.len() % (2 * BLOCK) != 0 {
            return Err(wrong);
        }
        let bytes = HEXLOWER_PERMISSIVE
            .decode(digits.as_bytes())
            .map_err(|_| GraniteValueError::Digits)?;
        Ok(Self(bytes.into()))
    }
}

/// As an installation writes it: `{…}`.
impl fmt::Display for GraniteValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for GraniteValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GraniteValue(..)")
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

#[cfg(test)]
mod tests;
