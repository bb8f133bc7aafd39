//! What the handlers are told: one immutable set of values, exchanged whole when the configuration changes.

use std::time::Duration;

use signet_core::TokenPolicy;
use url::Url;

use crate::cookie::CookieScope;

/// The settings of the handlers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose tokens are accepted and how long they live.
    pub policy: TokenPolicy,
    /// Which kind of token a login makes. Both kinds verify at any time.
    pub mode: TokenMode,
    /// The address browsers know the site by.
    pub public_url: Url,
    /// The origins that our own pages may have (RFC 6454, section 6.2), as browsers send them in `Origin`.
    pub own_origins: Vec<String>,
    /// Where cookies go back to.
    pub cookies: CookieScope,
    /// Hosts, with their port unless it is the usual one, that a login may lead back to.
    pub redirect_hosts: Vec<String>,
    /// Whether HTTP Basic is accepted.
    pub basic: BasicMode,
    /// The shortest password that a user may choose, in characters.
    pub password_least: usize,
    /// How many failed logins are borne.
    pub throttle: ThrottleSettings,
    /// What this instance is called, for the page that says which one answered.
    pub instance: String,
}

/// Which kind of token a login makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenMode {
    /// A token that every instance verifies offline.
    #[default]
    Encapsulated,
    /// A random token whose hash is stored in this instance's repository.
    Repository,
}

/// Whether HTTP Basic is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BasicMode {
    /// It is not.
    #[default]
    Off,
    /// It is, at the verdict endpoints.
    On,
}

/// How many failed logins are borne before the next ones are refused unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleSettings {
    /// For one account, within the window.
    pub account_failures: u32,
    /// For one address (for IPv6 its /64), within the window.
    pub address_failures: u32,
    /// The time in which that many failures are forgotten again.
    pub window: Duration,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            account_failures: 10,
            address_failures: 100,
            window: Duration::from_secs(15 * 60),
        }
    }
}

impl Settings {
    /// What the pages call the site.
    #[must_use]
    pub fn site(&self) -> &str {
        self.public_url.host_str().unwrap_or_default()
    }
}
