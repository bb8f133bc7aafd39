//! Known kinds of token endpoints.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AuthMethod, TokenEndpoint};

/// What is known beforehand about a token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Preset {
    /// Nothing: any endpoint that follows RFC 6749.
    #[default]
    Generic,
    /// Adobe's Identity Management Service, OAuth server-to-server credentials.
    AdobeIms,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 2] = [Self::Generic, Self::AdobeIms];

    /// The preset's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::AdobeIms => "adobe-ims",
        }
    }

    /// The endpoint, unless the client names another.
    #[must_use]
    pub fn token_endpoint(self) -> Option<TokenEndpoint> {
        match self {
            Self::Generic => None,
            Self::AdobeIms => "https://ims-na1.adobelogin.com/ims/token/v3".parse().ok(),
        }
    }

    /// The way to authenticate, unless the client names another.
    ///
    /// RFC 6749, section 2.3.1, asks every server that issues secrets to accept the header.
    #[must_use]
    pub const fn auth(self) -> AuthMethod {
        match self {
            Self::Generic => AuthMethod::ClientSecretBasic,
            Self::AdobeIms => AuthMethod::ClientSecretPost,
        }
    }

    /// Where the administrator looks up id, secret and scopes of the client.
    #[must_use]
    pub const fn console(self) -> &'static str {
        match self {
            Self::Generic => "the administration of the token endpoint",
            Self::AdobeIms => "the Adobe Developer Console",
        }
    }
}

impl FromStr for Preset {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.as_str() == text)
            .ok_or("expected \"adobe-ims\" or \"generic\"")
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_found_by_its_name() {
        for preset in Preset::ALL {
            assert_eq!(preset.as_str().parse(), Ok(preset));
            assert_eq!(serde_json::to_value(preset).unwrap(), preset.as_str());
        }
        let endpoint = Preset::AdobeIms.token_endpoint().unwrap();
        assert_eq!(endpoint.authority(), "ims-na1.adobelogin.com");
    }
}
