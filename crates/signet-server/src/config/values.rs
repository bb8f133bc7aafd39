//! The kinds of values in a configuration. Each is checked where it is read, so that its place is known.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use signet_core::{Format, GroupName, Zone};
use signet_gate::{PathPattern, ProxyNetwork};
use url::Url;

/// What an instance is in its farm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Owns users and keys of the farm.
    Author,
    /// Serves visitors; takes its keys from an author.
    Publish,
    /// Both, alone.
    #[default]
    Standalone,
}

impl Role {
    /// The role's name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Publish => "publish",
            Self::Standalone => "standalone",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Author, Self::Publish, Self::Standalone]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or("expected \"author\", \"publish\" or \"standalone\"")
    }
}

/// Who looks after the key files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Custody {
    /// Signet: files of this user alone.
    #[default]
    Private,
    /// Somebody else: a read-only secret mount.
    Mounted,
}

impl From<Custody> for signet_keys::Custody {
    fn from(custody: Custody) -> Self {
        match custody {
            Custody::Private => Self::Private,
            Custody::Mounted => Self::Mounted,
        }
    }
}

/// The address browsers know the site by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(pub Url);

impl Default for PublicUrl {
    fn default() -> Self {
        // A literal that parses; the other arm cannot be reached and names nothing.
        match Url::parse("http://localhost:8080") {
            Ok(url) => Self(url),
            Err(_) => unreachable!("a literal URL parses"),
        }
    }
}

impl PublicUrl {
    /// Whether the host is this machine itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected an address such as \"https://www.example.com\": scheme, host, and port if it is not the usual one";
        let url = Url::parse(text).map_err(|_| EXPECTED)?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
        (bare && web).then_some(Self(url)).ok_or(EXPECTED)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// A host, with its port where it matters, as it stands in `Host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(pub String);

impl FromStr for Host {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a host such as \"www.example.com\" or \"localhost:8080\"";
        let url = Url::parse(&format!("http://{text}/")).map_err(|_| EXPECTED)?;
        let plain = text.bytes().all(|b| {
            b.is_ascii_lowercase()
                || b.is_ascii_digit()
                || matches!(b, b'.' | b'-' | b':' | b'[' | b']')
        });
        let whole = url.path() == "/" && url.username().is_empty() && url.host_str().is_some();
        (plain && whole && !text.is_empty())
            .then(|| Self(text.to_owned()))
            .ok_or(EXPECTED)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryLocation {
    /// The file, relative to the data directory.
    pub path: PathBuf,
}

impl Default for RepositoryLocation {
    fn default() -> Self {
        Self {
            path: PathBuf::from("repository.db"),
        }
    }
}

impl FromStr for RepositoryLocation {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() && !path.contains(['?', '\0']) => {
                Ok(Self { path: path.into() })
            }
            _ if text.starts_with("postgres") => {
                Err("PostgreSQL is not supported in this version; expected \"sqlite:\" and a path")
            }
            _ => Err("expected \"sqlite:\" and a path, such as \"sqlite:repository.db\""),
        }
    }
}

impl fmt::Display for RepositoryLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:{}", self.path.display())
    }
}

/// A network of trusted proxies, kept as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network(String, pub ProxyNetwork);

impl FromStr for Network {
    type Err = signet_gate::NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(|network| Self(text.to_owned(), network))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path, or all paths below a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(pub PathPattern);

impl FromStr for Pattern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| {
            "expected a path such as \"/a/b\" or \"/a/\", without \"..\", \"//\", \";\", \"?\" or encoded slashes"
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! wrapped {
    ($(#[$meta:meta])* $name:ident, $inner:ty) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl FromStr for $name {
            type Err = <$inner as FromStr>::Err;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

wrapped! {
    /// The format of tokens.
    TokenFormat, Format
}
wrapped! {
    /// Whom tokens are for.
    TokenZone, Zone
}
wrapped! {
    /// A group.
    Group, GroupName
}

#[allow(
    clippy::derivable_impls,
    reason = "the macro cannot derive it for all of its types"
)]
impl Default for TokenFormat {
    fn default() -> Self {
        Self(Format::Sealed)
    }
}

macro_rules! as_text {
    ($($name:ident: $kind:literal),+ $(,)?) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'_, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                $kind.into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "x-type": $kind })
            }
        }
    )+};
}

as_text! {
    PublicUrl: "URL",
    Host: "host",
    RepositoryLocation: "URL",
    Network: "network",
    Pattern: "path",
    TokenFormat: "\"sealed\" or \"signed\"",
    TokenZone: "name",
    Group: "group",
}
