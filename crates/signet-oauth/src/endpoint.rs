//! Where tokens come from.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use signet_http::{Plain, Server, is_loopback};
use url::Url;

use crate::Definition;

/// Why a text is not the address of a token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenEndpointError {
    /// It is no URL with a host.
    #[error("expected the URL of a token endpoint, such as \"https://login.example.com/token\"")]
    NotAUrl,
    /// The secret would travel in the clear.
    #[error("a token endpoint must be https; plain http is accepted for this machine itself only")]
    Plain,
    /// The URL holds a user, a password or a fragment.
    #[error("the URL of a token endpoint has no user, no password and no fragment")]
    TooMuch,
}

/// The URL of a token endpoint (RFC 6749, section 3.2): https, or plain http on a loopback host.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenEndpoint(Url);

impl TokenEndpoint {
    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// Host and port, as they stand in messages.
    #[must_use]
    pub fn authority(&self) -> String {
        signet_http::authority(&self.0)
    }

    /// The server that is asked, as `definition` wants it trusted.
    pub(crate) fn server<'a>(&'a self, definition: &'a Definition) -> Server<'a> {
        Server {
            url: &self.0,
            ca_file: definition.ca_file.as_deref(),
            plain: Plain::OnThisMachine,
        }
    }
}

impl FromStr for TokenEndpoint {
    type Err = TokenEndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| TokenEndpointError::NotAUrl)?;
        url.host().ok_or(TokenEndpointError::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(TokenEndpointError::Plain),
            _ => return Err(TokenEndpointError::NotAUrl),
        }
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || url.fragment().is_some() {
            return Err(TokenEndpointError::TooMuch);
        }
        Ok(Self(url))
    }
}

impl TryFrom<String> for TokenEndpoint {
    type Error = TokenEndpointError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TokenEndpoint> for String {
    fn from(endpoint: TokenEndpoint) -> Self {
        endpoint.0.into()
    }
}

impl fmt::Display for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_travels_in_the_clear() {
        for good in [
            "https://ims-na1.adobelogin.com/ims/token/v3",
            "https://login.example.com:8443/token?tenant=1",
            "http://localhost:3000/token",
            "http://127.0.0.1:3000/token",
            "http://[::1]:3000/token",
        ] {
            assert_eq!(good.parse::<TokenEndpoint>().unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("http://login.example.com/token", TokenEndpointError::Plain),
            ("http://localhost.example.com/t", TokenEndpointError::Plain),
            ("http://10.0.0.1/token", TokenEndpointError::Plain),
            ("ftp://localhost/token", TokenEndpointError::NotAUrl),
            ("login.example.com/token", TokenEndpointError::NotAUrl),
            ("data:text/plain,hello", TokenEndpointError::NotAUrl),
            (
                "https://id:secret@example.com/",
                TokenEndpointError::TooMuch,
            ),
            ("https://example.com/token#a", TokenEndpointError::TooMuch),
        ] {
            assert_eq!(bad.parse::<TokenEndpoint>(), Err(why), "{bad}");
        }
    }
}
