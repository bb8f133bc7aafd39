//! The stored form of a password.

use core::fmt;
use core::str::FromStr;

use zeroize::Zeroizing;

/// Why a text is not the hash of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password hash has 1 to 512 printable ASCII characters without white space")]
pub struct PasswordHashError;

/// The hash of a password, as the one who checks passwords writes it.
///
/// A PHC string, or what `htpasswd` writes (`$2y$…`, `$apr1$…`, `{SHA}…`): kept as it is, checked elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Zeroizing<String>);

impl PasswordHash {
    /// The hash as text. Not for logs or pages.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PasswordHash {
    type Err = PasswordHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ((1..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()))
            .then(|| Self(Zeroizing::new(text.to_owned())))
            .ok_or(PasswordHashError)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// How long a password is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordKind {
    /// Until it is changed.
    Lasting,
    /// For one login, at which the user must choose another.
    OneTime,
}

/// A password as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password {
    /// Its hash.
    pub hash: PasswordHash,
    /// How long it is good for.
    pub kind: PasswordKind,
}

impl Password {
    /// A password that is good until it is changed.
    #[must_use]
    pub fn lasting(hash: PasswordHash) -> Self {
        Self {
            hash,
            kind: PasswordKind::Lasting,
        }
    }

    /// A password that must be changed at the first login.
    #[must_use]
    pub fn one_time(hash: PasswordHash) -> Self {
        Self {
            hash,
            kind: PasswordKind::OneTime,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Invariant 4: no secret reaches a log.
    #[test]
    fn a_hash_is_not_shown() {
        let hash: PasswordHash = "$apr1$salt$abcdefgh".parse().unwrap();
        let shown = format!("{:?}", Password::one_time(hash));
        assert!(
            !shown.contains("apr1") && !shown.contains("abcdefgh"),
            "{shown}"
        );
    }

    #[test]
    fn what_cannot_be_a_hash_is_refused() {
        for bad in ["", "two words", "l\u{ed}ne", "a\nb", &"x".repeat(513)] {
            assert_eq!(
                bad.parse::<PasswordHash>(),
                Err(PasswordHashError),
                "{bad:?}"
            );
        }
    }
}
