//! A key on its way from one place to another.

use std::fmt;
use std::path::Path;

use data_encoding::HEXLOWER;
use md5::Md5;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::key_file::{self, MAX_KEY_BYTES};
use crate::{KeyKind, KeyName, file};

/// The bytes of a key, which can be one: neither empty, nor text, nor as long as no key is.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyBytes {
    name: KeyName,
    kind: KeyKind,
    bytes: Zeroizing<Vec<u8>>,
}

/// By what a key is known, without telling it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Digests {
    /// How many bytes it has.
    pub bytes: usize,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// Its MD5, in hexadecimal digits: what Adobe's articles compare.
    pub md5: String,
}

impl Digests {
    /// Those of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len(),
            sha256: HEXLOWER.encode(&Sha256::digest(bytes)),
            md5: HEXLOWER.encode(&Md5::digest(bytes)),
        }
    }
}

/// Why bytes are no key. They are not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", words(*name, *kind, *bytes))]
#[non_exhaustive]
pub struct NoKey {
    /// Which key it was to be.
    pub name: KeyName,
    /// What it is in its place.
    pub kind: KeyKind,
    /// How many bytes it has.
    pub bytes: usize,
}

fn words(name: KeyName, kind: KeyKind, bytes: usize) -> String {
    let name = name.as_str();
    match kind {
        KeyKind::WebPage => {
            format!("a web page came in the place of {name}, mostly that of a login")
        }
        KeyKind::Text => {
            format!(
                "what is there in the place of {name} is text of {bytes} bytes: a key is binary"
            )
        }
        KeyKind::Empty => format!("what is there in the place of {name} is empty"),
        _ => format!("what is there in the place of {name} has {bytes} bytes, which no {name} has"),
    }
}

impl NoKey {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self.kind {
            KeyKind::WebPage => {
                "fetch it again, logged in as an administrator; the right content is binary"
            }
            KeyKind::Text => "the bits themselves are needed, not their digits",
            KeyKind::Empty => "copy it again from the instance or from a backup",
            _ => "copy it again, as binary; a newline at its end is one byte too many",
        }
    }
}

/// Why a file holds no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyReadError {
    /// There is none.
    #[error("it does not exist")]
    Absent,
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] std::io::Error),
    /// It holds something else.
    #[error(transparent)]
    NoKey(#[from] NoKey),
}

impl KeyReadError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Absent => "name the file that holds the key",
            Self::Unreadable(_) => {
                "run this as the user who owns it; a symbolic link, a pipe and a directory are not read"
            }
            Self::NoKey(error) => error.hint(),
        }
    }
}

impl KeyBytes {
    /// These bytes as a key.
    ///
    /// # Errors
    ///
    /// They are none.
    pub fn new(name: KeyName, bytes: Zeroizing<Vec<u8>>) -> Result<Self, NoKey> {
        let kind = key_file::kind(name, &bytes);
        match kind {
            KeyKind::Raw | KeyKind::ObfuscatedOrForeign => Ok(Self { name, kind, bytes }),
            kind => Err(NoKey {
                name,
                kind,
                bytes: bytes.len(),
            }),
        }
    }

    /// Reads a key from the file at `path`.
    ///
    /// # Errors
    ///
    /// There is none, it cannot be read (a link is not followed), or it holds something else.
    pub fn read(name: KeyName, path: &Path) -> Result<Self, KeyReadError> {
        let bytes = file::read(path, MAX_KEY_BYTES)
            .map_err(KeyReadError::Unreadable)?
            .ok_or(KeyReadError::Absent)?;
        Ok(Self::new(name, Zeroizing::new(bytes))?)
    }

    /// Which key it is.
    #[must_use]
    pub const fn name(&self) -> KeyName {
        self.name
    }

    /// Whether it is raw or obfuscated, by its length.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// By what it is known.
    #[must_use]
    pub fn digests(&self) -> Digests {
        Digests::of(&self.bytes)
    }

    /// The key itself.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyBytes")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_refused_by_name_and_not_repeated() {
        let page = format!("<!DOCTYPE html>{}", "secret".repeat(20));
        for (name, bytes, words) in [
            (
                KeyName::Hmac,
                page.as_bytes(),
                "a web page came in the place of hmac",
            ),
            (KeyName::Master, b"secret in words", "is text of 15 bytes"),
            (KeyName::Hmac, b"", "is empty"),
            (
                KeyName::Master,
                &[0xa5; 17],
                "has 17 bytes, which no master has",
            ),
        ] {
            let refused = KeyBytes::new(name, Zeroizing::new(bytes.to_vec())).unwrap_err();
            let said = refused.to_string();
            assert!(said.contains(words), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }

    // K1
    #[test]
    fn a_key_is_never_shown() {
        let key = KeyBytes::new(KeyName::Master, Zeroizing::new(vec![0xa5; 16])).unwrap();
        assert_eq!(key.kind(), KeyKind::Raw);
        let shown = format!("{key:?}");
        assert!(!shown.contains("165") && !shown.contains("a5"), "{shown}");
    }
}
