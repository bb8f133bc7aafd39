//! The keys that are revoked for ever, whatever becomes of their files.

use core::fmt::Write;
use std::collections::BTreeMap;
use std::path::Path;

use signet_core::{KeyId, RingName};

use crate::KeyFault;
use crate::custody::Guard;

/// The keys that are revoked for ever. It only grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations(BTreeMap<KeyId, RingName>);

impl Revocations {
    /// Whether the key is revoked.
    #[must_use]
    pub fn contains(&self, id: KeyId) -> bool {
        self.0.contains_key(&id)
    }

    /// The ids of the revoked keys of both rings.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = KeyId> {
        self.0.keys().copied()
    }

    /// The revoked keys with their rings.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (RingName, KeyId)> {
        self.0.iter().map(|(id, ring)| (*ring, *id))
    }

    /// Adds a key; `true` if it is new here.
    pub fn insert(&mut self, ring: RingName, id: KeyId) -> bool {
        self.0.insert(id, ring).is_none()
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    pub(crate) fn is_superset(&self, other: &Self) -> bool {
        other.ids().all(|id| self.contains(id))
    }

    /// Reads the file; one that is missing names no key.
    pub(crate) fn read(path: &Path, guard: Guard) -> Result<Self, KeyFault> {
        match guard.read_plain(path, LIMIT) {
            Ok(bytes) => Self::parse(&bytes),
            Err(KeyFault::Absent) => Ok(Self::default()),
            Err(fault) => Err(fault),
        }
    }

    /// One bad line spoils all: it may be the one that keeps a stolen key out.
    fn parse(bytes: &[u8]) -> Result<Self, KeyFault> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        bytes
            .split(|byte| *byte == b'\n')
            .zip(1..)
            .map(|(line, number)| (line.trim_ascii(), number))
            .filter(|(line, _)| !line.is_empty())
            .map(|(line, number)| entry(line).ok_or(KeyFault::RevokedLine(number)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The content of the file: `ring kid` a line.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::new();
        for (ring, id) in self.iter() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{ring} {id}");
        }
        text
    }
}

impl FromIterator<(RingName, KeyId)> for Revocations {
    fn from_iter<I: IntoIterator<Item = (RingName, KeyId)>>(keys: I) -> Self {
        Self(keys.into_iter().map(|(ring, id)| (id, ring)).collect())
    }
}

/// Room for more than twenty thousand keys.
const LIMIT: usize = 1024 * 1024;

fn entry(line: &[u8]) -> Option<(KeyId, RingName)> {
    let (ring, id) = core::str::from_utf8(line).ok()?.split_once(' ')?;
    Some((id.parse().ok()?, ring.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut revoked = Revocations::default();
        assert!(revoked.insert(RingName::Hmac, KeyId([1; 16])));
        assert!(revoked.insert(RingName::Master, KeyId([2; 16])));
        assert!(!revoked.insert(RingName::Master, KeyId([2; 16])));
        let text = revoked.encode();
        assert_eq!(
            text,
            format!("hmac {}\nmaster {}\n", "01".repeat(16), "02".repeat(16))
        );
        assert_eq!(Revocations::parse(text.as_bytes()).unwrap(), revoked);
    }

    #[test]
    fn byte_order_mark_line_ends_and_empty_lines_are_harmless() {
        let text = format!("\u{feff}\r\nhmac {}\r\n\n", "01".repeat(16));
        assert_eq!(Revocations::parse(text.as_bytes()).unwrap().ids().len(), 1);
    }

    // K5
    #[test]
    fn a_bad_line_is_named() {
        let good = format!("hmac {}", "01".repeat(16));
        for bad in ["hmac", "hmac 01", "other 00", "\u{0}", "hmac  "] {
            let text = format!("{good}\n{bad}x\n");
            let fault = Revocations::parse(text.as_bytes()).unwrap_err();
            assert_eq!(fault.to_string(), "line 2 is not a ring and a key id");
        }
    }
}
