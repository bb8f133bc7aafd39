//! The two files of an identity, and how they come into being together.
//!
//! A file `new` is there from before the first key is written until after the last one is: while it is there, nobody
//! has ever used the identity, so whoever finds it begins anew. Without it, a missing key is a lost one.

use std::path::Path;

use age::secrecy::ExposeSecret;
use age::x25519;
use aws_lc_rs::signature::Ed25519KeyPair;
use data_encoding::BASE64;
use signet_keys::{KeyError, KeyFault, Lock, atomic, private};
use zeroize::Zeroizing;

use super::{NodeError, NodeIdentity};

const SIGNING: &str = "signing.key";
const AGE: &str = "age.key";
const NEW: &str = "new";
const LOCK: &str = ".lock";

/// Neither file has more than a few hundred bytes.
const LIMIT: usize = 4 * 1024;

pub(super) fn read(directory: &Path) -> Result<Option<NodeIdentity>, NodeError> {
    let unusable = |path: &Path, fault| NodeError::Unusable {
        path: path.to_owned(),
        fault,
    };
    match private::check_directory(directory) {
        Ok(()) => {}
        Err(KeyFault::Absent) => return Ok(None),
        Err(fault) => return Err(unusable(directory, fault)),
    }
    private::check_place(directory)?;
    if directory.join(NEW).exists() {
        return Ok(None);
    }
    let content = |name| {
        let path = directory.join(name);
        match private::read(&path, LIMIT) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(KeyFault::Absent) => Ok(None),
            Err(fault) => Err(unusable(&path, fault)),
        }
    };
    let missing = |name| NodeError::Missing {
        path: directory.join(name),
    };
    let (signing, age) = match (content(SIGNING)?, content(AGE)?) {
        (Some(signing), Some(age)) => (signing, age),
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(missing(SIGNING)),
        (Some(_), None) => return Err(missing(AGE)),
    };
    let damaged = |name, what| NodeError::Damaged {
        path: directory.join(name),
        what,
    };
    let signing = parse_signing(&signing).map_err(|what| damaged(SIGNING, what))?;
    let age = parse_age(&age).map_err(|what| damaged(AGE, what))?;
    let identity = NodeIdentity::of(signing, age)
        .ok_or_else(|| damaged(SIGNING, "does not hold an Ed25519 key"))?;
    Ok(Some(identity))
}

pub(super) fn create(directory: &Path) -> Result<NodeIdentity, NodeError> {
    private::check_place(directory)?;
    private::create_directory(directory)?;
    let lock = directory.join(LOCK);
    let _lock = Lock::acquire(&lock).map_err(|source| KeyError::Lock { path: lock, source })?;
    // Another process may have made it while this one waited.
    if let Some(identity) = read(directory)? {
        return Ok(identity);
    }
    let identity = NodeIdentity::generate()?;
    let new = directory.join(NEW);
    atomic::write(&new, b"")?;
    atomic::write(&directory.join(AGE), encode_age(&identity.age).as_bytes())?;
    let signing = encode_signing(&identity.signing).ok_or(NodeError::Random)?;
    atomic::write(&directory.join(SIGNING), signing.as_bytes())?;
    private::remove(&new)?;
    Ok(identity)
}

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// PKCS #8 with the public key beside the private one (RFC 5958, RFC 8410) as PEM (RFC 7468).
fn encode_signing(pair: &Ed25519KeyPair) -> Option<Zeroizing<String>> {
    const LINE: usize = 64;
    let der = pair.to_pkcs8().ok()?;
    let base64 = Zeroizing::new(BASE64.encode(der.as_ref()));
    let mut text = Zeroizing::new(String::with_capacity(LIMIT));
    text.push_str(BEGIN);
    for (at, character) in base64.chars().enumerate() {
        if at % LINE == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push('\n');
    text.push_str(END);
    text.push('\n');
    Some(text)
}

fn parse_signing(bytes: &[u8]) -> Result<Ed25519KeyPair, &'static str> {
    const FOREIGN: &str = "is not a private key in PEM";
    let text = plain(bytes)?;
    let body = text
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END))
        .ok_or(FOREIGN)?;
    let mut base64 = Zeroizing::new(Vec::with_capacity(body.len()));
    base64.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let der = Zeroizing::new(BASE64.decode(&base64).map_err(|_| FOREIGN)?);
    let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_| "does not hold an Ed25519 key")?;
    // Written again it has the public key that belongs to the private one: a changed bit of either shows.
    let again = encode_signing(&pair).ok_or("does not hold an Ed25519 key")?;
    let same = again.lines().eq(text.lines().map(str::trim_end));
    same.then_some(pair)
        .ok_or("holds a private and a public key that do not belong together")
}

/// What `age-keygen` writes, so that `age -d -i` reads it.
fn encode_age(identity: &x25519::Identity) -> Zeroizing<String> {
    let secret = identity.to_string();
    let public = identity.to_public();
    let mut text = Zeroizing::new(String::with_capacity(LIMIT));
    text.push_str(&format!("# public key: {public}\n"));
    text.push_str(secret.expose_secret());
    text.push('\n');
    text
}

fn parse_age(bytes: &[u8]) -> Result<x25519::Identity, &'static str> {
    let text = plain(bytes)?;
    let (comments, keys): (Vec<_>, Vec<_>) = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .partition(|line| line.starts_with('#'));
    let [key] = keys.as_slice() else {
        return Err("does not hold exactly one age key");
    };
    let identity: x25519::Identity = key.parse().map_err(|_| "does not hold an age key")?;
    let public = format!("# public key: {}", identity.to_public());
    match comments.as_slice() {
        [comment] if *comment == public => Ok(identity),
        _ => Err("holds a private and a public key that do not belong together"),
    }
}

fn plain(bytes: &[u8]) -> Result<&str, &'static str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = core::str::from_utf8(bytes).map_err(|_| "is not text")?;
    match text.trim() {
        "" => Err("is empty"),
        text if text.starts_with('<') => Err("is a web page, not a key"),
        text => Ok(text),
    }
}
