//! The format of a key file: a JWK of type `oct` (RFC 7517; RFC 7518, section 6.4), read strictly.

mod error;
mod members;

use core::fmt::Write;

use data_encoding::BASE64URL_NOPAD;
use signet_core::{Issuer, Key, KeyId, KeyMaterial, KeyState, RingName, UnixSeconds};
use zeroize::Zeroizing;

pub use error::KeyFileError;
pub(crate) use members::Members;

/// The most that a key file may hold, in bytes; what is larger is not read. A real one has about 250.
pub const MAX_KEY_FILE_BYTES: usize = 16 * 1024;

/// Reads the content of the file `<file_stem>.jwk` in the directory of `ring`.
///
/// A byte order mark at the start and white space at the end are harmless; anything else unexpected is an error, and
/// the key's id must be that of its ring and bits, and the name of the file.
///
/// # Errors
///
/// What is wrong with the content, without repeating any of it.
pub fn parse_key_file(ring: RingName, file_stem: &str, bytes: &[u8]) -> Result<Key, KeyFileError> {
    let members = members_of_file(bytes)?;
    let key = key(ring, &members)?;
    check_id(&key, &members, file_stem)?;
    Ok(key)
}

/// The members of a file's object, once it is not evidently something else.
pub(crate) fn members_of_file(bytes: &[u8]) -> Result<Members<'_>, KeyFileError> {
    if bytes.len() > MAX_KEY_FILE_BYTES {
        return Err(KeyFileError::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // A file system that lost its content in a crash may show zero bytes.
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    match bytes.iter().find(|byte| !is_blank(byte)) {
        None => return Err(KeyFileError::Empty),
        Some(b'<') => return Err(KeyFileError::Html),
        Some(_) => {}
    }
    Members::read(bytes)
}

/// The content of a key's file, which [`parse_key_file`] reads: one line of JSON and a newline.
#[must_use]
pub fn encode_key_file(key: &Key) -> Zeroizing<String> {
    let mut bits = Zeroizing::new([0; BITS_TEXT]);
    BASE64URL_NOPAD.encode_mut(key.material.expose(), &mut *bits);
    // Large enough never to grow: growing would leave a copy of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(1024));
    let (usage, algorithm) = (usage(key.ring), algorithm(key.ring));
    text.push_str("{\"kty\":\"oct\",\"k\":\"");
    bits.iter().for_each(|byte| text.push(char::from(*byte)));
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "\",\"kid\":\"{}\",\"use\":\"{usage}\",\"alg\":\"{algorithm}\",\"iss\":\"{}\",\"created\":{},",
        key.id, key.farm, key.created
    );
    if let Some(activated) = key.activated {
        let _ = write!(text, "\"activated\":{activated},");
    }
    let _ = writeln!(text, "\"state\":\"{}\"}}", key.state);
    text
}

/// The length of 256 bits in base64url without padding.
const BITS_TEXT: usize = 43;

const fn usage(ring: RingName) -> &'static str {
    match ring {
        RingName::Hmac => "sig",
        RingName::Master => "enc",
    }
}

const fn algorithm(ring: RingName) -> &'static str {
    match ring {
        RingName::Hmac => "HS256",
        RingName::Master => "A256GCMSIV",
    }
}

fn key(ring: RingName, members: &Members<'_>) -> Result<Key, KeyFileError> {
    if members.text("kty")? != "oct" {
        return Err(KeyFileError::KeyType);
    }
    if members.text("use")? != usage(ring) {
        return Err(KeyFileError::Use(usage(ring)));
    }
    if members.text("alg")? != algorithm(ring) {
        return Err(KeyFileError::Algorithm(algorithm(ring)));
    }
    let farm: Issuer = members
        .text("iss")?
        .parse()
        .map_err(|_| KeyFileError::Farm)?;
    let state = members.text("state")?.parse::<KeyState>();
    let mut key = Key::new(
        ring,
        farm,
        material(members.text("k")?)?,
        UnixSeconds(members.seconds("created")?),
    );
    key.state = state.map_err(|_| KeyFileError::State)?;
    key.activated = members.optional_seconds("activated")?.map(UnixSeconds);
    Ok(key)
}

fn material(text: &str) -> Result<KeyMaterial, KeyFileError> {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !text.bytes().all(is_base64url) {
        return Err(KeyFileError::Base64Url);
    }
    if text.len() != BITS_TEXT {
        return Err(KeyFileError::Length {
            bits: text.len() * 6 / 8 * 8,
        });
    }
    let mut bits = Zeroizing::new([0; 32]);
    BASE64URL_NOPAD
        .decode_mut(text.as_bytes(), &mut *bits)
        .map_err(|_| KeyFileError::Base64Url)?;
    Ok(KeyMaterial::new(*bits))
}

/// `kid`, file name, ring and bits must all tell the same.
fn check_id(key: &Key, members: &Members<'_>, file_stem: &str) -> Result<(), KeyFileError> {
    let id: KeyId = members
        .text("kid")?
        .parse()
        .map_err(|_| KeyFileError::KeyId)?;
    if id != key.id {
        let owner = RingName::ALL
            .into_iter()
            .find(|ring| key.material.id(*ring) == id);
        return Err(owner.map_or(KeyFileError::Damaged, KeyFileError::Misplaced));
    }
    if file_stem.parse() != Ok(id) {
        return Err(KeyFileError::Misnamed);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
