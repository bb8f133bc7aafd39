//! Passwords: hashed with Argon2id (RFC 9106), few at a time, because each takes its memory.

mod foreign;

use std::sync::Arc;
use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// The longest password that is looked at, in bytes.
pub const LONGEST_PASSWORD: usize = 1_024;

/// Memory, passes and lanes of the hashes made here (OWASP Password Storage Cheat Sheet: 19 MiB, 2, 1).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// A stored hash may ask for this much and no more, or it would be a bomb of memory and time.
const MEMORY_MOST_KIB: u32 = 256 * 1_024;
const PASSES_MOST: u32 = 32;
const LANES_MOST: u32 = 16;

/// Why a password could not be hashed or a hash not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Longer than [`LONGEST_PASSWORD`].
    #[error("a password has at most {LONGEST_PASSWORD} bytes")]
    TooLong,
    /// The random source or the hashing function failed.
    #[error("the password could not be hashed")]
    Hashing,
    /// The server is shutting down.
    #[error("no more passwords are hashed: shutting down")]
    Stopped,
}

/// What is known of a stored hash before a password is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashKind {
    /// Argon2 within the bounds: good.
    Argon2,
    /// A hash that came with an import; replaced by Argon2id at the first login that succeeds.
    Foreign,
    /// Nothing that can be verified here.
    Unusable,
}

impl HashKind {
    /// Recognises a stored hash by its form.
    #[must_use]
    pub fn of(stored: &str) -> Self {
        match PasswordHash::new(stored) {
            Ok(hash) if stored.starts_with("$argon2") => {
                if is_bounded(&hash) {
                    Self::Argon2
                } else {
                    Self::Unusable
                }
            }
            _ if foreign::is_known(stored) => Self::Foreign,
            _ => Self::Unusable,
        }
    }
}

/// How a password compares with a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It is the password.
    Right,
    /// It is the password, and the hash should be made anew with Argon2id.
    RightButOldHash,
    /// It is not.
    Wrong,
}

/// Hashes and compares passwords, no more at a time than memory was set aside for.
#[derive(Clone, Debug)]
pub struct Passwords {
    places: Arc<Semaphore>,
}

impl Passwords {
    /// At most `places` passwords at a time, 19 MiB for each; the others wait.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places.max(1))),
        }
    }

    /// Hashes `password` as a PHC string.
    ///
    /// # Errors
    /// A password that is too long, or no randomness.
    pub async fn hash(&self, password: SecretString) -> Result<String, PasswordError> {
        if password.expose_secret().len() > LONGEST_PASSWORD {
            return Err(PasswordError::TooLong);
        }
        self.apart(move || hash(password.expose_secret())).await?
    }

    /// Compares `password` with `stored`. Without a stored hash, the same time is spent and the answer is `Wrong` (L7).
    ///
    /// # Errors
    /// Only when the server is shutting down.
    pub async fn compare(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<Comparison, PasswordError> {
        self.apart(move || compare(password.expose_secret(), stored.as_deref()))
            .await
    }

    async fn apart<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, PasswordError> {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|_| PasswordError::Stopped)?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(place);
            result
        })
        .await
        .map_err(|_| PasswordError::Stopped)
    }
}

/// Hashes `password` in this thread: for the command line, where nothing else waits.
///
/// # Errors
/// A password that is too long, or no randomness.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    if password.len() > LONGEST_PASSWORD {
        return Err(PasswordError::TooLong);
    }
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordError::Hashing)?;
    let hash: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes())
        .map_err(|_| PasswordError::Hashing)?;
    Ok(hash.to_string())
}

fn compare(password: &str, stored: Option<&str>) -> Comparison {
    let usable = stored.filter(|stored| {
        password.len() <= LONGEST_PASSWORD && HashKind::of(stored) != HashKind::Unusable
    });
    let Some(stored) = usable else {
        spend_the_same_time();
        return Comparison::Wrong;
    };
    if HashKind::of(stored) == HashKind::Foreign {
        if foreign::is_right(password, stored) {
            return Comparison::RightButOldHash;
        }
        // Most of these kinds take no time, which would tell an imported user from none.
        spend_the_same_time();
        return Comparison::Wrong;
    }
    match PasswordHash::new(stored) {
        Ok(hash)
            if Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok() =>
        {
            Comparison::Right
        }
        _ => Comparison::Wrong,
    }
}

fn is_bounded(hash: &PasswordHash) -> bool {
    Params::try_from(hash).is_ok_and(|params| {
        params.m_cost() <= MEMORY_MOST_KIB
            && params.t_cost() <= PASSES_MOST
            && params.p_cost() <= LANES_MOST
    })
}

/// Who measures how long a refusal takes must not learn whether the user exists.
fn spend_the_same_time() {
    static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash("").ok());
    if let Some(hash) = NOBODY
        .as_deref()
        .and_then(|stored| PasswordHash::new(stored).ok())
    {
        let _ = Argon2::default().verify_password(b"nobody", &hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_right_or_wrong() {
        let stored = hash("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(compare("correct horse", Some(&stored)), Comparison::Right);
        assert_eq!(compare("Correct horse", Some(&stored)), Comparison::Wrong);
        assert_eq!(compare("correct horse", None), Comparison::Wrong);
        assert_eq!(compare("", Some("")), Comparison::Wrong);
    }

    #[test]
    fn a_hash_that_asks_for_too_much_is_not_used() {
        let salt_and_hash = "c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let bomb = format!("$argon2id$v=19$m=4194304,t=2,p=1${salt_and_hash}");
        assert_eq!(HashKind::of(&bomb), HashKind::Unusable);
        let fine = format!("$argon2id$v=19$m=65536,t=3,p=4${salt_and_hash}");
        assert_eq!(HashKind::of(&fine), HashKind::Argon2);
        assert_eq!(HashKind::of("plain text"), HashKind::Unusable);
    }

    #[test]
    fn a_password_of_any_length_is_answered() {
        let long = "x".repeat(LONGEST_PASSWORD + 1);
        assert_eq!(hash(&long), Err(PasswordError::TooLong));
        assert_eq!(compare(&long, Some(&hash("x").unwrap())), Comparison::Wrong);
    }

    #[tokio::test]
    async fn imported_hashes_are_marked_for_renewal() {
        let passwords = Passwords::new(1);
        let stored = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=".to_owned();
        let compared = passwords.compare("password".into(), Some(stored)).await;
        assert_eq!(compared, Ok(Comparison::RightButOldHash));
    }
}
