//! What is written down about a client: everything but its secret.

use core::fmt;
use core::str::FromStr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{AuthMethod, CredentialKind, Preset, TokenEndpoint};

/// A client as its administrator describes it; what is left out is what the preset says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// What is known beforehand about the endpoint.
    #[serde(default)]
    pub preset: Preset,
    /// The endpoint, where the preset has none or another is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<TokenEndpoint>,
    /// The client's id at the endpoint.
    pub client_id: ClientId,
    /// How the client authenticates, in the place of what the preset says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthMethod>,
    /// What the token is to be good for, in the words of the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Whom a signed statement is for (`aud`), where the endpoint's own URL is not what it expects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// What the endpoint calls the client's key (`kid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Certificates that are trusted besides those of the system, as PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// Why a description of a client is not complete, or contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionError {
    /// The preset has no endpoint, and none is named.
    #[error("no token endpoint is named, and the preset generic has none")]
    NoEndpoint,
    /// Something that counts only for signed statements.
    #[error("{0} counts only with private_key_jwt")]
    OnlyForPrivateKey(&'static str),
}

impl Definition {
    /// A client of which nothing but its preset and id is known.
    #[must_use]
    pub const fn new(preset: Preset, client_id: ClientId) -> Self {
        Self {
            preset,
            token_endpoint: None,
            client_id,
            auth: None,
            scope: None,
            audience: None,
            key_id: None,
            ca_file: None,
        }
    }

    /// The endpoint that is asked.
    ///
    /// # Errors
    /// [`DefinitionError::NoEndpoint`].
    pub fn endpoint(&self) -> Result<TokenEndpoint, DefinitionError> {
        let named = self.token_endpoint.clone();
        named
            .or_else(|| self.preset.token_endpoint())
            .ok_or(DefinitionError::NoEndpoint)
    }

    /// How the client authenticates.
    #[must_use]
    pub fn auth(&self) -> AuthMethod {
        self.auth.unwrap_or_else(|| self.preset.auth())
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// What is missing or does not fit.
    pub fn check(&self) -> Result<(), DefinitionError> {
        self.endpoint()?;
        if self.auth().credential() != CredentialKind::PrivateKey {
            if self.audience.is_some() {
                return Err(DefinitionError::OnlyForPrivateKey("audience"));
            }
            if self.key_id.is_some() {
                return Err(DefinitionError::OnlyForPrivateKey("key_id"));
            }
        }
        Ok(())
    }
}

/// The id that a token endpoint knows a client by (RFC 6749, appendix A.1).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

/// What a token is to be good for: words with spaces between them (RFC 6749, section 3.3).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(String);

impl FromStr for ClientId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let printable = text.bytes().all(|b| matches!(b, 0x20..=0x7e));
        ((1..=512).contains(&text.len()) && printable && text.trim() == text)
            .then(|| Self(text.to_owned()))
            .ok_or("expected a client id: 1 to 512 printable ASCII characters")
    }
}

impl FromStr for Scope {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = |word: &str| {
            let mut bytes = word.bytes();
            !word.is_empty() && bytes.all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        };
        (text.len() <= 2_048 && text.split(' ').all(is_word))
            .then(|| Self(text.to_owned()))
            .ok_or("expected a scope: words of printable ASCII characters with single spaces between them")
    }
}

macro_rules! text {
    ($($name:ident),+) => {$(
        impl $name {
            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )+};
}

text!(ClientId, Scope);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Definition, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn what_is_left_out_is_what_the_preset_says() {
        let ims = read(r#"{"preset":"adobe-ims","client_id":"abc"}"#).unwrap();
        assert_eq!(
            ims.endpoint().unwrap().authority(),
            "ims-na1.adobelogin.com"
        );
        assert_eq!(ims.auth(), AuthMethod::ClientSecretPost);
        assert_eq!(ims.check(), Ok(()));
        let written = serde_json::to_string(&ims).unwrap();
        assert_eq!(written, r#"{"preset":"adobe-ims","client_id":"abc"}"#);

        let other = read(r#"{"client_id":"abc"}"#).unwrap();
        assert_eq!(other.check(), Err(DefinitionError::NoEndpoint));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let text = r#"{"preset":"adobe-ims","client_id":"abc","key_id":"1"}"#;
        let wrong = read(text).unwrap().check();
        assert_eq!(wrong, Err(DefinitionError::OnlyForPrivateKey("key_id")));
        for bad in [
            r#"{"preset":"adobe-ims"}"#,
            r#"{"client_id":""}"#,
            r#"{"client_id":"a\n"}"#,
            r#"{"client_id":"a","secret":"b"}"#,
            r#"{"client_id":"a","scope":"a  b"}"#,
            r#"{"client_id":"a","scope":""}"#,
            r#"{"client_id":"a","token_endpoint":"http://example.com/"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn scopes_of_adobe_have_commas() {
        assert!("openid,AdobeID,read_organizations".parse::<Scope>().is_ok());
        assert!(
            "https://example.com/.default offline"
                .parse::<Scope>()
                .is_ok()
        );
    }
}
