//! The two files that hold the keys, without showing them.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use md5::Md5;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::file;

/// Much larger than any key: what is larger is certainly something else.
pub(crate) const MAX_KEY_BYTES: u64 = 64 * 1024;

/// Which of the two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyName {
    /// Makes and checks tokens.
    Hmac,
    /// Seals secrets in configuration.
    Master,
}

impl KeyName {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Hmac, Self::Master];

    /// The name of its file, and of its property in the repository.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hmac => "hmac",
            Self::Master => "master",
        }
    }
}

/// What kind of thing stands in the place of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyKind {
    /// The bits themselves: 16 bytes for `master`, 32 for `hmac`.
    Raw,
    /// As long as one that AEM obfuscated. Nothing public says how, so it can be moved and compared, not used.
    ObfuscatedOrForeign,
    /// A page of a web server, mostly its login: whoever fetched it was not logged in.
    WebPage,
    /// Written as text, in digits of some kind.
    Text,
    /// Nothing.
    Empty,
    /// As long as no key is.
    WrongLength,
}

/// One key in the file where it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyFile {
    /// Which one.
    pub name: KeyName,
    /// Where it is.
    pub path: PathBuf,
    /// What is there; `None` if nothing is.
    pub found: Option<FoundKey>,
    /// Why what is there could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// What is known of a key without showing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FoundKey {
    /// How many bytes it has.
    pub bytes: usize,
    /// What kind of thing it is.
    pub kind: KeyKind,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// Its MD5, in hexadecimal digits: what Adobe's articles compare.
    pub md5: String,
    /// The permission bits of the file, in JSON as four octal digits.
    #[serde(serialize_with = "octal")]
    pub mode: u32,
    /// Its owner.
    pub owner: u32,
    /// Its group.
    pub group: u32,
}

fn octal<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}

impl KeyFile {
    /// Looks at the key `name` in `directory`.
    pub(crate) fn read(name: KeyName, directory: &Path) -> Self {
        let path = directory.join(name.as_str());
        let (found, unreadable) = match found(name, &path) {
            Ok(found) => (found, None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            name,
            path,
            found,
            unreadable,
        }
    }
}

fn found(name: KeyName, path: &Path) -> std::io::Result<Option<FoundKey>> {
    let Some((_, metadata)) = file::open(path)? else {
        return Ok(None);
    };
    let Some(bytes) = file::read(path, MAX_KEY_BYTES)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    Ok(Some(FoundKey {
        bytes: bytes.len(),
        kind: kind(name, &bytes),
        sha256: HEXLOWER.encode(&Sha256::digest(&*bytes)),
        md5: HEXLOWER.encode(&Md5::digest(&*bytes)),
        mode: metadata.mode() & 0o7777,
        owner: metadata.uid(),
        group: metadata.gid(),
    }))
}

/// What the bytes are. Only their length tells a raw key from an obfuscated one.
pub(crate) fn kind(name: KeyName, bytes: &[u8]) -> KeyKind {
    let text = bytes.trim_ascii();
    if bytes.is_empty() {
        return KeyKind::Empty;
    }
    if text.starts_with(b"<") && bytes.len() > 64 {
        return KeyKind::WebPage;
    }
    let is_written = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    // Random bytes are all printable with a chance below 10^-6 for 16, 10^-13 for 32.
    if bytes.iter().all(is_written) {
        return KeyKind::Text;
    }
    match (name, bytes.len()) {
        (KeyName::Master, 16) | (KeyName::Hmac, 32) => KeyKind::Raw,
        (KeyName::Master, 32) => KeyKind::ObfuscatedOrForeign,
        // How long an obfuscated one is, is not public.
        (KeyName::Hmac, 33..=256) => KeyKind::ObfuscatedOrForeign,
        _ => KeyKind::WrongLength,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_told_by_length_and_by_look() {
        let random: Vec<u8> = (0..=255).rev().collect();
        let page = format!("<!DOCTYPE html>{}", "x".repeat(100));
        for (name, bytes, expected) in [
            (KeyName::Master, &random[..16], KeyKind::Raw),
            (KeyName::Hmac, &random[..32], KeyKind::Raw),
            (KeyName::Master, &random[..32], KeyKind::ObfuscatedOrForeign),
            (KeyName::Hmac, &random[..48], KeyKind::ObfuscatedOrForeign),
            (KeyName::Master, &random[..17], KeyKind::WrongLength),
            (KeyName::Hmac, &random[..31], KeyKind::WrongLength),
            (KeyName::Hmac, b"", KeyKind::Empty),
            (KeyName::Hmac, page.as_bytes(), KeyKind::WebPage),
            (
                KeyName::Hmac,
                b"00112233445566778899aabbccddeeff\n",
                KeyKind::Text,
            ),
        ] {
            assert_eq!(kind(name, bytes), expected, "{name:?} of {}", bytes.len());
        }
    }

    #[test]
    fn digests_are_those_that_other_tools_print() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join("master"), "abc").unwrap();
        let key = KeyFile::read(KeyName::Master, scratch.path())
            .found
            .unwrap();
        assert_eq!(key.md5, "900150983cd24fb0d6963f7d28e17f72");
        assert!(key.sha256.starts_with("ba7816bf8f01cfea"));
        assert!(KeyFile::read(KeyName::Hmac, scratch.path()).found.is_none());
    }
}
