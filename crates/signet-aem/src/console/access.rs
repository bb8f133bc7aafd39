//! What makes an instance answer: credentials, and whom a connection trusts.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use data_encoding::BASE64;
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use signet_http::Plain;
use zeroize::Zeroizing;

/// A user of the instance, and the password.
#[derive(Clone, Debug)]
pub struct Credentials {
    user: String,
    password: SecretString,
}

/// Why a text holds no credentials. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a user and a password with a colon between them, in one line")]
pub struct CredentialsError;

impl Credentials {
    /// The user's name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }
}

impl FromStr for Credentials {
    type Err = CredentialsError;

    /// `user:password`; the password may hold further colons (RFC 7617, section 2).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (user, password) = text.split_once(':').ok_or(CredentialsError)?;
        let is_clean = |text: &str| !text.chars().any(char::is_control);
        if user.is_empty() || password.is_empty() || !is_clean(user) || !is_clean(password) {
            return Err(CredentialsError);
        }
        Ok(Self {
            user: user.to_owned(),
            password: password.into(),
        })
    }
}

/// How an instance is asked.
#[derive(Clone, Debug)]
pub struct Access {
    /// Who asks; nobody in particular without.
    pub credentials: Option<Credentials>,
    /// Certificates that are trusted beside those of the system, in PEM form.
    pub ca_file: Option<PathBuf>,
    /// Where plain http may lead: it shows credentials and keys to the network.
    pub plain: Plain,
    /// The time for one request.
    pub patience: Duration,
}

impl Access {
    /// An instance may be busy; it is waited for no longer than this.
    pub const PATIENCE: Duration = Duration::from_secs(60);

    /// HTTP Basic (RFC 7617), in UTF-8.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let credentials = self.credentials.as_ref()?;
        let password = credentials.password.expose_secret();
        let joined = Zeroizing::new(format!("{}:{password}", credentials.user));
        let encoded = Zeroizing::new(BASE64.encode(joined.as_bytes()));
        let text = Zeroizing::new(format!("Basic {}", *encoded));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7617, section 2: the first colon ends the user's name.
    #[test]
    fn a_password_may_hold_colons_and_is_never_shown() {
        let credentials: Credentials = "admin:pass:word é".parse().unwrap();
        assert_eq!(credentials.user(), "admin");
        assert!(!format!("{credentials:?}").contains("pass:word"));
        let access = Access {
            credentials: Some(credentials),
            ca_file: None,
            plain: Plain::OnThisMachine,
            patience: Access::PATIENCE,
        };
        let header = access.authorization().unwrap();
        let digits = header.to_str().unwrap().strip_prefix("Basic ").unwrap();
        let decoded = BASE64.decode(digits.as_bytes()).unwrap();
        assert_eq!(decoded, "admin:pass:word é".as_bytes());
        assert!(!format!("{header:?}").contains(digits));
    }

    #[test]
    fn half_of_it_is_not_enough() {
        for text in ["admin", ":secret", "admin:", "", "admin:two\nlines"] {
            assert_eq!(text.parse::<Credentials>().unwrap_err(), CredentialsError);
        }
    }
}
