//! How a client says who it is.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a client authenticates to the token endpoint, by the names of RFC 7591, section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuthMethod {
    /// Id and secret in an `Authorization: Basic` header (RFC 6749, section 2.3.1).
    ClientSecretBasic,
    /// Id and secret in the body of the request (RFC 6749, section 2.3.1).
    ClientSecretPost,
    /// A short-lived statement signed with the client's private key (RFC 7523, section 2.2).
    PrivateKeyJwt,
}

/// What a client holds to say who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialKind {
    /// A secret that the endpoint knows as well.
    Secret,
    /// A private key, of which the endpoint knows the public half.
    PrivateKey,
}

impl AuthMethod {
    /// Every method.
    pub const ALL: [Self; 3] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
    ];

    /// The method's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// What it needs.
    #[must_use]
    pub const fn credential(self) -> CredentialKind {
        match self {
            Self::ClientSecretBasic | Self::ClientSecretPost => CredentialKind::Secret,
            Self::PrivateKeyJwt => CredentialKind::PrivateKey,
        }
    }
}

impl CredentialKind {
    /// The last segment of the place it is kept at.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::PrivateKey => "private-key",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::PrivateKey => "private key",
        }
    }
}

impl FromStr for AuthMethod {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or(
                "expected \"client_secret_basic\", \"client_secret_post\" or \"private_key_jwt\"",
            )
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_registry() {
        for method in AuthMethod::ALL {
            assert_eq!(method.as_str().parse(), Ok(method));
            let json = serde_json::to_value(method).unwrap();
            assert_eq!(json, method.as_str());
        }
    }
}
