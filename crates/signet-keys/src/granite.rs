//! Master keys of Granite (AEM), which open values of Granite and nothing else.
//!
//! ```text
//! <data>/keys/granite/<kid>.jwk
//! ```

mod raw;

use core::fmt::Write;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use signet_core::{KeyId, UnixSeconds};
use zeroize::Zeroizing;

use crate::custody::Guard;
use crate::jwk::members_of_file;
use crate::{
    Custody, Insertion, KeyError, KeyFault, KeyFileError, KeyProblem, KeyStore, MAX_KEY_FILE_BYTES,
    atomic,
};

pub use raw::{MAX_RAW_KEY_BYTES, RawKeyError, RawKeyKind, parse_raw_hmac, parse_raw_master};

/// A master key of Granite: 128 bits for AES-CBC. It is in no ring, so nothing of Signet is ever sealed with it.
#[derive(Clone)]
pub struct GraniteKey {
    id: KeyId,
    created: UnixSeconds,
    bits: Zeroizing<[u8; 16]>,
}

impl GraniteKey {
    /// A key of these bits that came here at `created`.
    #[must_use]
    pub fn new(bits: Zeroizing<[u8; 16]>, created: UnixSeconds) -> Self {
        let digest = Sha256::new()
            .chain_update(b"signet key\0granite\0")
            .chain_update(*bits)
            .finalize();
        let mut id = [0; 16];
        id.iter_mut()
            .zip(digest.iter())
            .for_each(|(to, from)| *to = *from);
        Self {
            id: KeyId(id),
            created,
            bits,
        }
    }

    /// Its name: the first 128 bits of `SHA-256("signet key\0granite\0" bits)`.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// When it came here.
    #[must_use]
    pub const fn created(&self) -> UnixSeconds {
        self.created
    }

    /// The bits, for opening a value of Granite.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        &self.bits
    }
}

impl core::fmt::Debug for GraniteKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "GraniteKey({})", self.id)
    }
}

/// The Granite keys of an instance.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct GraniteKeys {
    /// The keys, the newest first.
    pub keys: Vec<GraniteKey>,
    /// Files that hold none, though they should.
    pub problems: Vec<KeyProblem>,
}

impl GraniteKeys {
    /// Reads the Granite keys in `directory`, which is `<data>/keys`. Most instances have none.
    ///
    /// # Errors
    ///
    /// Their directory is there, but not as its custody demands.
    pub fn load(directory: &Path, custody: Custody) -> Result<Self, KeyError> {
        let directory = directory.join(DIRECTORY);
        let guard = Guard::new(custody);
        match guard.check_directory(&directory) {
            Ok(()) => {}
            Err(KeyFault::Absent) => return Ok(Self::default()),
            Err(fault) => return Err(KeyError::unusable(&directory, fault)),
        }
        let unreadable =
            |error| KeyError::unusable(&directory, KeyFault::Unreadable(Arc::new(error)));
        let mut loaded = Self::default();
        for entry in fs::read_dir(&directory).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            if !name.as_encoded_bytes().ends_with(b".jwk") {
                continue;
            }
            let path = directory.join(&name);
            match read(guard, &path) {
                Ok(key) => loaded.keys.push(key),
                Err(KeyFault::Absent) => {}
                Err(fault) => loaded.problems.push(KeyProblem::new(path, fault)),
            }
        }
        loaded
            .keys
            .sort_by_key(|key| core::cmp::Reverse((key.created, key.id)));
        loaded
            .problems
            .sort_by(|one, other| one.path.cmp(&other.path));
        Ok(loaded)
    }
}

impl KeyStore {
    /// Adds a Granite key. A file of it that is damaged is written anew.
    ///
    /// # Errors
    ///
    /// Something could not be written, or the keys are a mounted secret.
    pub fn insert_granite(&self, key: &GraniteKey) -> Result<Insertion, KeyError> {
        let _lock = self.begin()?;
        let directory = self.directory().join(DIRECTORY);
        crate::private::create_directory(&directory)?;
        let path = path(&directory, key.id);
        let insertion = match read(Guard::new(Custody::Private), &path) {
            Ok(_) => return Ok(Insertion::Unchanged),
            Err(KeyFault::Absent) => Insertion::Added,
            Err(KeyFault::Content(_)) => Insertion::Repaired,
            Err(fault) => return Err(KeyError::unusable(&path, fault)),
        };
        atomic::write(&path, encode(key).as_bytes())?;
        Ok(insertion)
    }
}

const DIRECTORY: &str = "granite";
const ALGORITHM: &str = "A128CBC";

/// The length of 128 bits in base64url without padding.
const BITS_TEXT: usize = 22;

fn path(directory: &Path, id: KeyId) -> PathBuf {
    directory.join(format!("{id}.jwk"))
}

fn read(guard: Guard, path: &Path) -> Result<GraniteKey, KeyFault> {
    let bytes = guard.read_secret(path, MAX_KEY_FILE_BYTES)?;
    let stem = path.file_stem().and_then(OsStr::to_str);
    let stem = stem
        .and_then(|stem| stem.parse().ok())
        .ok_or(KeyFault::FileName)?;
    Ok(parse(stem, &bytes)?)
}

fn parse(name: KeyId, bytes: &[u8]) -> Result<GraniteKey, KeyFileError> {
    let members = members_of_file(bytes)?;
    if members.text("kty")? != "oct" {
        return Err(KeyFileError::KeyType);
    }
    if members.text("use")? != "enc" {
        return Err(KeyFileError::Use("enc"));
    }
    if members.text("alg")? != ALGORITHM {
        return Err(KeyFileError::Algorithm(ALGORITHM));
    }
    let text = members.text("k")?;
    let mut bits = Zeroizing::new([0; 16]);
    if text.len() != BITS_TEXT {
        return Err(KeyFileError::GraniteLength {
            bits: text.len() * 6 / 8 * 8,
        });
    }
    BASE64URL_NOPAD
        .decode_mut(text.as_bytes(), &mut *bits)
        .map_err(|_| KeyFileError::Base64Url)?;
    let key = GraniteKey::new(bits, UnixSeconds(members.seconds("created")?));
    let id: KeyId = members
        .text("kid")?
        .parse()
        .map_err(|_| KeyFileError::KeyId)?;
    if id != key.id {
        return Err(KeyFileError::Damaged);
    }
    if name != id {
        return Err(KeyFileError::Misnamed);
    }
    Ok(key)
}

fn encode(key: &GraniteKey) -> Zeroizing<String> {
    let mut bits = Zeroizing::new([0; BITS_TEXT]);
    BASE64URL_NOPAD.encode_mut(key.expose(), &mut *bits);
    // Large enough never to grow: growing would leave a copy of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(1024));
    text.push_str("{\"kty\":\"oct\",\"k\":\"");
    bits.iter().for_each(|byte| text.push(char::from(*byte)));
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "\",\"kid\":\"{}\",\"use\":\"enc\",\"alg\":\"{ALGORITHM}\",\"created\":{}}}",
        key.id, key.created
    );
    text
}

#[cfg(test)]
mod tests;
