//! The hashes of Apache's `htpasswd`, which users bring along when they are imported: bcrypt, `$apr1$` and `{SHA}`.
//!
//! They are only ever compared; the first login that succeeds replaces them.

use data_encoding::BASE64;
use md5::{Digest, Md5};
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// The most rounds (as a power of two) that a bcrypt hash may ask for.
const BCRYPT_COST_MOST: u32 = 15;
const APR1: &str = "$apr1$";
const SHA: &str = "{SHA}";
const CRYPT_ALPHABET: &[u8; 64] =
    b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether `stored` is a hash of one of these kinds, within bounds.
pub(super) fn is_known(stored: &str) -> bool {
    is_bcrypt(stored) || apr1_parts(stored).is_some() || sha_digest(stored).is_some()
}

/// Whether `password` is the one that `stored` was made of.
pub(super) fn is_right(password: &str, stored: &str) -> bool {
    if is_bcrypt(stored) {
        return bcrypt::verify(password, stored).unwrap_or(false);
    }
    if let Some((salt, hash)) = apr1_parts(stored) {
        return apr1(password.as_bytes(), salt.as_bytes())
            .as_bytes()
            .ct_eq(hash.as_bytes())
            .into();
    }
    sha_digest(stored).is_some_and(|digest| Sha1::digest(password).as_slice().ct_eq(&digest).into())
}

fn is_bcrypt(stored: &str) -> bool {
    let cost = || -> Option<u32> { stored.get(4..6)?.parse().ok() };
    stored.len() == 60
        && ["$2y$", "$2b$", "$2a$"]
            .iter()
            .any(|prefix| stored.starts_with(prefix))
        && cost().is_some_and(|cost| cost <= BCRYPT_COST_MOST)
}

fn sha_digest(stored: &str) -> Option<Vec<u8>> {
    let digest = BASE64.decode(stored.strip_prefix(SHA)?.as_bytes()).ok()?;
    (digest.len() == 20).then_some(digest)
}

fn apr1_parts(stored: &str) -> Option<(&str, &str)> {
    let (salt, hash) = stored.strip_prefix(APR1)?.split_once('$')?;
    (salt.len() <= 8 && hash.len() == 22).then_some((salt, hash))
}

/// Apache's variant of the MD5 crypt of FreeBSD: 1,000 rounds (apr_md5_encode in APR-util).
fn apr1(password: &[u8], salt: &[u8]) -> String {
    let inner = Md5::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password)
        .finalize();
    let mut first = Md5::new()
        .chain_update(password)
        .chain_update(APR1)
        .chain_update(salt);
    for block in 0..password.len().div_ceil(16) {
        let left = password.len() - block * 16;
        first.update(inner.get(..left.min(16)).unwrap_or_default());
    }
    let mut bits = password.len();
    while bits != 0 {
        let byte: &[u8] = if bits & 1 == 1 {
            &[0]
        } else {
            password.get(..1).unwrap_or_default()
        };
        first.update(byte);
        bits >>= 1;
    }
    let mut digest = first.finalize();
    for round in 0..1_000 {
        let mut next = Md5::new();
        next.update(if round & 1 == 1 {
            password
        } else {
            &digest[..]
        });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if round & 1 == 1 {
            &digest[..]
        } else {
            password
        });
        digest = next.finalize();
    }
    crypt_base64(&digest)
}

/// The digest in the order and alphabet of crypt(3).
fn crypt_base64(digest: &[u8]) -> String {
    const ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let byte = |place: usize| u32::from(digest.get(place).copied().unwrap_or_default());
    let mut text = String::with_capacity(22);
    let mut write = |mut bits: u32, characters: usize| {
        for _ in 0..characters {
            text.push(char::from(CRYPT_ALPHABET[(bits & 0x3f) as usize]));
            bits >>= 6;
        }
    };
    for [high, middle, low] in ORDER {
        write(byte(high) << 16 | byte(middle) << 8 | byte(low), 4);
    }
    write(byte(11), 2);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made with `openssl passwd -apr1`, crypt(3), and an SHA-1 of one's own.
    #[test]
    fn hashes_of_htpasswd_are_understood() {
        for (password, stored) in [
            ("password", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="),
            ("a", "$apr1$abcdefgh$G8IsPsylW5ROvIKsQMRG61"),
            ("password", "$apr1$abcdefgh$FBwExRW4dCc8aL.OvjpIE1"),
            (
                "a longer password with 33 chars..",
                "$apr1$abcdefgh$EGi6ZzvFCsyk8CsJkxqcp/",
            ),
            (
                "secret",
                "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
            ),
        ] {
            assert!(is_known(stored) && is_right(password, stored), "{stored}");
            assert!(!is_right("passwort", stored), "{stored}");
        }
    }

    #[test]
    fn what_is_not_a_hash_is_not_known() {
        for stored in [
            "",
            "secret",
            "$apr1$",
            "$apr1$salt",
            "$apr1$saltsaltsalt$nITSVHgYbDAK1Y0acGRnY0",
            "{SHA}",
            "{SHA}AAAA",
            "$2y$31$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "$2y$xx$",
            "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        ] {
            assert!(!is_known(stored), "{stored}");
        }
    }
}
