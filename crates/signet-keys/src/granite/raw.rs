//! Raw key files as AEM's tools make them: nothing but the bytes of the key. Nothing about them is ever guessed.

use core::fmt;

use signet_core::KeyMaterial;
use zeroize::Zeroizing;

/// The most of a raw key file that is worth reading, in bytes: enough to tell what else it may be.
pub const MAX_RAW_KEY_BYTES: usize = 64 * 1024;

/// Which of the two files it is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawKeyKind {
    /// `hmac`: 32 bytes.
    Hmac,
    /// `master`: 16 bytes.
    Master,
}

impl RawKeyKind {
    /// The size that the file must have, in bytes.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Hmac => 32,
            Self::Master => 16,
        }
    }

    /// The name that the file has in AEM.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hmac => "hmac",
            Self::Master => "master",
        }
    }
}

impl fmt::Display for RawKeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a file is not a raw key. What the file holds is never part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RawKeyError {
    /// No bytes at all.
    #[error("it is empty")]
    Empty,
    /// A page that a browser or `curl` saved instead of the key.
    #[error("it is a web page, not a key (a saved login page?)")]
    Html,
    /// The key, and a line end after it.
    #[error(
        "it has {size} bytes: the {expected} of the key and a line end after them, which does not belong there"
    )]
    LineEnd {
        /// The size of the file.
        size: usize,
        /// The size of the key.
        expected: usize,
    },
    /// The bytes of a key written as hexadecimal digits.
    #[error("it holds hexadecimal digits, not the {expected} bytes that they stand for")]
    Hexadecimal {
        /// The size of the key.
        expected: usize,
    },
    /// The bytes of a key written in base64.
    #[error("it holds base64, not the {expected} bytes that it stands for")]
    Base64 {
        /// The size of the key.
        expected: usize,
    },
    /// The right size, but letters and digits only.
    #[error("it has the size of a key, but is text: letters and digits only")]
    Text,
    /// One byte, over and over.
    #[error("all of its bytes are the same: this is no key")]
    Blank,
    /// A key file of Signet.
    #[error("it is a key file of Signet, not a raw key")]
    Signet,
    /// 32 bytes where a raw master has 16.
    #[error(
        "it has 32 bytes: a master obfuscated by AEM, or a foreign file; either way it cannot be used"
    )]
    Obfuscated,
    /// 16 bytes where a raw hmac has 32.
    #[error("it has 16 bytes, as a raw master has; a raw hmac has 32")]
    Swapped,
    /// Too few bytes.
    #[error("it has {size} bytes instead of {expected}: it is cut off, or no raw key")]
    Short {
        /// The size of the file.
        size: usize,
        /// The size of the key.
        expected: usize,
    },
    /// Too many bytes.
    #[error("it has {size} bytes instead of {expected}: it is no raw key")]
    Long {
        /// The size of the file.
        size: usize,
        /// The size of the key.
        expected: usize,
    },
}

impl RawKeyError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::LineEnd { .. } => {
                "copy the file again as it is; an editor or echo added the line end (head -c takes it away)"
            }
            Self::Hexadecimal { .. } => "turn it into bytes first: xxd -r -p FILE > RAW",
            Self::Base64 { .. } => "turn it into bytes first: base64 -d FILE > RAW",
            Self::Signet => "copy it into keys/hmac or keys/master under its own name",
            Self::Obfuscated => {
                "only a raw master of 16 bytes can be used, as tools such as CONGA make it; open the values in AEM \
                 and protect them anew with signet secret protect. If this is the hmac, use --granite-hmac"
            }
            Self::Swapped => {
                "were the two files mixed up? A master is imported with --granite-master"
            }
            Self::Text
            | Self::Blank
            | Self::Empty
            | Self::Html
            | Self::Short { .. }
            | Self::Long { .. } => {
                "copy the file again from the data directory of the bundle com.adobe.granite.crypto.file, in binary"
            }
        }
    }
}

/// Reads the raw `hmac` of Granite: exactly 32 bytes.
///
/// # Errors
///
/// What the file is instead.
pub fn parse_raw_hmac(bytes: &[u8]) -> Result<KeyMaterial, RawKeyError> {
    exact(RawKeyKind::Hmac, bytes).map(|bits| KeyMaterial::new(*bits))
}

/// Reads the raw `master` of Granite: exactly 16 bytes.
///
/// # Errors
///
/// What the file is instead.
pub fn parse_raw_master(bytes: &[u8]) -> Result<Zeroizing<[u8; 16]>, RawKeyError> {
    exact(RawKeyKind::Master, bytes)
}

fn exact<const N: usize>(
    kind: RawKeyKind,
    bytes: &[u8],
) -> Result<Zeroizing<[u8; N]>, RawKeyError> {
    let Ok(bits) = <&[u8; N]>::try_from(bytes) else {
        return Err(other(kind, bytes));
    };
    if bits.iter().all(|byte| Some(byte) == bits.first()) {
        return Err(RawKeyError::Blank);
    }
    // Of random keys of 16 bytes, one in two thousand million looks like this by chance.
    if bits.iter().all(|byte| is_base64(*byte)) {
        return Err(RawKeyError::Text);
    }
    Ok(Zeroizing::new(*bits))
}

/// What a file of another size is.
fn other(kind: RawKeyKind, bytes: &[u8]) -> RawKeyError {
    let (size, expected) = (bytes.len(), kind.size());
    let text = bytes.trim_ascii();
    if size == 0 {
        return RawKeyError::Empty;
    }
    if is_html(text) {
        return RawKeyError::Html;
    }
    if text.first() == Some(&b'{') && text.windows(5).any(|word| word == b"\"kty\"") {
        return RawKeyError::Signet;
    }
    if text.len() == 2 * expected && text.iter().all(u8::is_ascii_hexdigit) {
        return RawKeyError::Hexadecimal { expected };
    }
    // With padding or without.
    let encoded = [expected.div_ceil(3) * 4, (expected * 8).div_ceil(6)];
    if encoded.contains(&text.len()) && text.iter().all(|byte| is_base64(*byte)) {
        return RawKeyError::Base64 { expected };
    }
    let key = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let key = key.strip_suffix(b"\r").unwrap_or(key);
    if key.len() == expected {
        return RawKeyError::LineEnd { size, expected };
    }
    match (kind, size) {
        (RawKeyKind::Master, 32) => RawKeyError::Obfuscated,
        (RawKeyKind::Hmac, 16) => RawKeyError::Swapped,
        _ if size < expected => RawKeyError::Short { size, expected },
        _ => RawKeyError::Long { size, expected },
    }
}

fn is_html(text: &[u8]) -> bool {
    let head = text.get(..1024).unwrap_or(text).to_ascii_lowercase();
    let has = |word: &[u8]| head.windows(word.len()).any(|here| here == word);
    head.first() == Some(&b'<') && (has(b"<html") || has(b"<!doctype") || has(b"<head"))
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}
