//! The configuration of an instance: `signet.toml` in its data directory.
//!
//! Values are parsed into the types that the rest uses, so that a mistake is reported with its line and column, and
//! unknown keys are refused. The reference in `docs/reference/config.md` is generated from these types.

mod changes;
mod client;
mod error;
mod reference;
mod resolve;
mod span;
mod tls;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signet_oauth::{ClientName, ConfiguredClient};

pub(crate) use changes::changes;
pub use client::{ClientConfig, SealedText};
pub use error::ConfigError;
pub use reference::reference;
pub use resolve::Resolved;
pub(crate) use resolve::listener_names;
pub use span::Span;
pub use tls::TlsConfig;
pub(crate) use tls::TlsFiles;
pub use values::{
    Custody, Group, Host, Network, Pattern, PublicUrl, RepositoryLocation, Role, TokenFormat,
    TokenZone,
};

/// The configuration of one instance.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address browsers know the site by: scheme, host, and port if it is not the usual one.
    ///
    /// With `http` only a loopback host is accepted, unless `token.insecure` is set.
    pub public_url: PublicUrl,

    /// What the instance is in its farm: `author`, `publish`, or `standalone` when it is alone.
    #[schemars(extend("x-restart" = true))]
    pub role: Role,

    /// What the instance is called on the page that says which one answered; by default its role and port.
    pub name: Option<String>,

    /// Where the instance listens.
    pub listen: Listen,

    /// The certificate of the listeners; without one they speak plain HTTP.
    pub tls: TlsConfig,

    /// Where users, groups and settings are stored.
    pub repository: RepositoryConfig,

    /// Where the keys come from.
    pub keys: KeysConfig,

    /// What tokens look like and how long they live. A setting of the farm: keep it the same on all instances.
    pub token: TokenConfig,

    /// How users log in. A setting of the farm.
    pub login: LoginConfig,

    /// Which groups a path is for; every rule that covers a path must be satisfied. A setting of the farm.
    pub rule: Vec<RuleConfig>,

    /// OAuth clients that get access tokens from a token endpoint, by name; `signet client add` puts them into the repository instead.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, ClientConfig>")]
    pub client: BTreeMap<ClientName, ClientConfig>,

    /// What is written to standard error.
    pub log: LogConfig,
}

/// Where the instance listens.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// For browsers and proxies.
    #[schemars(extend("x-restart" = true, "x-type" = "address:port"))]
    pub public: SocketAddr,

    /// For metrics and, later, the console. Keep it on loopback.
    #[schemars(extend("x-restart" = true, "x-type" = "address:port"))]
    pub admin: SocketAddr,

    /// Addresses or networks of proxies whose `X-Forwarded-*` and `X-Original-*` headers count. Empty by default: nobody's count. The whole internet (`0.0.0.0/0`) is refused.
    pub trusted_proxies: Vec<Network>,

    /// Further names of this site, as they stand in `Host`, beside the public host, the redirect hosts and the addresses listened on.
    pub hosts: Vec<Host>,

    /// How many connections the public listener holds at once; more wait.
    #[schemars(extend("x-restart" = true))]
    pub connections: u32,
}

/// Where users, groups and settings are stored.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RepositoryConfig {
    /// `sqlite:` and a path, relative to the data directory.
    #[schemars(extend("x-restart" = true))]
    pub url: RepositoryLocation,
}

/// Where the keys come from.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeysConfig {
    /// `private`: files of this user alone, written by Signet. `mounted`: a read-only secret mount, as Kubernetes makes it.
    #[schemars(extend("x-restart" = true))]
    pub custody: Custody,

    /// How long a key makes tokens before the instance makes another by itself; at least `1h`. By default none is made: where keys are copied by hand, an instance that has not got the new one refuses its tokens.
    pub rotate_every: Option<Span>,
}

/// What tokens look like and how long they live.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TokenConfig {
    /// `true`: tokens that every instance verifies offline. `false`: random tokens whose hash is stored on this instance.
    pub encapsulated: bool,

    /// `sealed`: nobody but the farm reads it. `signed`: standard libraries read it; carries no name or mail.
    pub format: TokenFormat,

    /// Whom tokens are for (the claim `aud`); by default the host of `public_url`.
    pub zone: Option<TokenZone>,

    /// The domain that shares the cookie with all hosts below it. By default only the one host gets it.
    pub cookie_domain: Option<Host>,

    /// Accept plain http for a host that is not loopback. Everybody on the way can then steal sessions.
    pub insecure: bool,

    /// The life of each token.
    pub inactivity: Span,

    /// The least time between two renewals.
    pub renewal_interval: Span,

    /// The absolute end of a session, from login.
    pub max_session: Span,

    /// How far the clocks of the farm may disagree; at most 60 seconds.
    pub skew: Span,

    /// Paths that do not renew the token; one that ends in `/` stands for all below it.
    pub no_renew: Vec<Pattern>,
}

/// How users log in.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoginConfig {
    /// Hosts that a login may lead back to, with their port unless it is the usual one. The public host always may.
    pub redirect_hosts: Vec<Host>,

    /// Whether the verdict endpoints accept HTTP Basic.
    pub basic: bool,

    /// The shortest password that users may choose, in characters.
    pub password_least: usize,

    /// How many failures of one account are borne within `throttle_window`.
    pub account_failures: u32,

    /// How many failures from one address (for IPv6 its /64) are borne within `throttle_window`.
    pub address_failures: u32,

    /// The time in which that many failures are forgotten again.
    pub throttle_window: Span,

    /// How many passwords are hashed at a time; each takes 19 MiB. By default one for each core.
    #[schemars(extend("x-restart" = true))]
    pub hashing_places: Option<usize>,
}

/// Which groups a path is for.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// A path, or with a `/` at its end all paths below it.
    pub path: Pattern,

    /// Being in one of these groups is enough.
    pub groups: Vec<Group>,
}

/// What is written to standard error.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    #[schemars(extend("x-restart" = true))]
    pub level: LogLevel,

    /// `text` for people, `json` for machines.
    #[schemars(extend("x-restart" = true))]
    pub format: LogFormat,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Only what needs attention at once.
    Error,
    /// What is wrong.
    Warn,
    /// What happens.
    #[default]
    Info,
    /// Every refusal.
    Debug,
    /// Everything.
    Trace,
}

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document a line.
    Json,
}

impl Config {
    /// Reads a configuration from the text of a file that is at `path`.
    ///
    /// # Errors
    /// [`ConfigError`] with file, line, column, and what was expected there.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Self =
            toml::from_str(text).map_err(|error| ConfigError::syntax(&error, text, path))?;
        config.check(text, path)?;
        Ok(config)
    }

    /// The OAuth clients that are written down here; `directory` is the data directory, from which relative paths start.
    #[must_use]
    pub fn clients(&self, directory: &Path) -> Vec<ConfiguredClient> {
        self.client
            .iter()
            .map(|(name, client)| client.client(name, directory))
            .collect()
    }

    /// The configuration as TOML, every value written out.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            public: SocketAddr::from(([127, 0, 0, 1], 8080)),
            admin: SocketAddr::from(([127, 0, 0, 1], 9080)),
            trusted_proxies: Vec::new(),
            hosts: Vec::new(),
            connections: 4_096,
        }
    }
}

impl Default for TokenConfig {
    fn default() -> Self {
        Self {
            encapsulated: true,
            format: TokenFormat::default(),
            zone: None,
            cookie_domain: None,
            insecure: false,
            inactivity: Span::minutes(30),
            renewal_interval: Span::minutes(5),
            max_session: Span::minutes(12 * 60),
            skew: Span::seconds(60),
            no_renew: Vec::new(),
        }
    }
}

impl Default for LoginConfig {
    fn default() -> Self {
        Self {
            redirect_hosts: Vec::new(),
            basic: false,
            password_least: 8,
            account_failures: 10,
            address_failures: 100,
            throttle_window: Span::minutes(15),
            hashing_places: None,
        }
    }
}

#[cfg(test)]
mod tests;
