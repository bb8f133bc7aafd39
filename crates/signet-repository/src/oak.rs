//! The hash of a repository token, as Apache Jackrabbit Oak's `PasswordUtil` builds it.
//!
//! `{SHA-256}<salt>-<iterations>-<digest>`: SHA-256 over the salt's hexadecimal digits and the password in UTF-8,
//! then over that digest, as many times as the iterations say.
//! The password of a token is its key followed by the user's id.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use signet_core::Subject;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const ALGORITHM: &str = "{SHA-256}";
const ITERATIONS: u32 = 1_000;
/// More than any version writes; a damaged row must not keep the processor busy.
const MOST_ITERATIONS: u32 = 100_000;

/// What is stored of a token with `key` that belongs to `subject`.
pub(crate) fn hash(key: &str, subject: &Subject, salt: [u8; 8]) -> String {
    build(key, subject, &HEXLOWER.encode(&salt), ITERATIONS)
}

/// Whether `stored` was made from this key and user, in time that does not depend on where they differ.
pub(crate) fn is_same(stored: &str, key: &str, subject: &Subject) -> bool {
    let Some((salt, iterations)) = parameters(stored) else {
        return false;
    };
    let computed = build(key, subject, salt, iterations);
    computed.as_bytes().ct_eq(stored.as_bytes()).into()
}

fn parameters(stored: &str) -> Option<(&str, u32)> {
    let mut parts = stored.strip_prefix(ALGORITHM)?.splitn(3, '-');
    let (salt, iterations) = (parts.next()?, parts.next()?);
    let iterations = iterations.parse().ok()?;
    (1..=MOST_ITERATIONS)
        .contains(&iterations)
        .then_some((salt, iterations))
}

fn build(key: &str, subject: &Subject, salt: &str, iterations: u32) -> String {
    let data = Zeroizing::new([salt, key, subject.as_str()].concat());
    let mut digest = Sha256::digest(data.as_bytes());
    for _ in 1..iterations {
        digest = Sha256::digest(digest);
    }
    let digest = HEXLOWER.encode(&digest);
    format!("{ALGORITHM}{salt}-{iterations}-{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    // Computed with Python's hashlib from the description above.
    const KNOWN: &str = "{SHA-256}0123456789abcdef-1000-7eded98339242f1b5c627536dd24c646085886cf18668bdfdada9b63c5b59d28";
    const KEY: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn the_hash_is_that_of_oak() {
        let zoe: Subject = "zo\u{eb}".parse().unwrap();
        let salt = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        assert_eq!(hash(KEY, &zoe, salt), KNOWN);
        assert!(is_same(KNOWN, KEY, &zoe));
    }

    #[test]
    fn another_key_user_or_hash_is_not_the_same() {
        let zoe: Subject = "zo\u{eb}".parse().unwrap();
        assert!(!is_same(KNOWN, &KEY.replace("00", "01"), &zoe));
        assert!(!is_same(KNOWN, KEY, &"zoe".parse().unwrap()));
        for bad in [
            "",
            "{SHA-256}",
            "{SHA-256}0123456789abcdef-0-",
            "{SHA-256}0123456789abcdef-4294967295-00",
            &KNOWN[..KNOWN.len() - 1],
            &KNOWN.replace("SHA-256", "SHA-1"),
        ] {
            assert!(!is_same(bad, KEY, &zoe), "{bad}");
        }
    }
}
