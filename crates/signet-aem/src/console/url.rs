//! Where an instance is.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use url::Url;

/// Why a text is not the address of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceUrlError {
    /// It is no URL of a web server.
    #[error("expected the URL of an instance, such as http://localhost:4502")]
    NotAUrl,
    /// The URL holds a user or a password, which would stand in the history of the shell.
    #[error(
        "the URL of an instance has no user and no password: credentials come from a file or the environment"
    )]
    Credentials,
    /// The URL holds a query or a fragment.
    #[error(
        "the URL of an instance has no query and no fragment: it ends with the host, or with a context path"
    )]
    TooMuch,
}

/// Scheme, host and port of an instance, with its context path, if it has one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceUrl(Url);

impl InstanceUrl {
    /// The URL as text, with a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.0
    }

    /// The whole address of `path`, which begins with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        self.as_str().trim_end_matches('/').to_owned() + path
    }

    /// What stands in the first line of a request for `path`.
    pub(crate) fn target(&self, path: &str) -> String {
        self.0.path().trim_end_matches('/').to_owned() + path
    }

    /// Whether the URL names this machine itself.
    #[must_use]
    pub fn is_here(&self) -> bool {
        signet_http::is_loopback(&self.0)
    }

    /// Whether requests travel in the clear.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }
}

impl FromStr for InstanceUrl {
    type Err = InstanceUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut url = Url::parse(text.trim()).map_err(|_| InstanceUrlError::NotAUrl)?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
        if !is_web {
            return Err(InstanceUrlError::NotAUrl);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InstanceUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InstanceUrlError::TooMuch);
        }
        let path = url.path().trim_end_matches('/').to_owned() + "/";
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl fmt::Display for InstanceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str().trim_end_matches('/'))
    }
}

impl Serialize for InstanceUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_path_stays_in_front() {
        let url: InstanceUrl = "http://localhost:4502/aem/".parse().unwrap();
        assert_eq!(url.to_string(), "http://localhost:4502/aem");
        assert_eq!(url.target("/etc/key"), "/aem/etc/key");
        assert_eq!(url.join("/etc/key"), "http://localhost:4502/aem/etc/key");
        let bare: InstanceUrl = "https://author.example".parse().unwrap();
        assert_eq!(bare.target("/x"), "/x");
        assert_eq!(bare.to_string(), "https://author.example");
    }

    #[test]
    fn what_is_no_instance_is_refused() {
        for (text, error) in [
            ("localhost:4502", InstanceUrlError::NotAUrl),
            ("/opt/aem/crx-quickstart", InstanceUrlError::NotAUrl),
            ("ftp://localhost", InstanceUrlError::NotAUrl),
            (
                "http://admin:secret@localhost",
                InstanceUrlError::Credentials,
            ),
            ("http://localhost/?a", InstanceUrlError::TooMuch),
            ("http://localhost/#a", InstanceUrlError::TooMuch),
        ] {
            assert_eq!(text.parse::<InstanceUrl>(), Err(error), "{text}");
        }
    }
}
