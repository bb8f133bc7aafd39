//! From what was written to what the rooms are told: defaults that depend on other values, and values that do not fit together.

use std::path::Path;

use signet_core::{Seconds, TokenPolicy};
use signet_gate::{AccessRule, GateSettings};
use signet_login::cookie::CookieScope;
use signet_login::{BasicMode, Settings, ThrottleSettings, TokenMode};

use super::{Config, ConfigError, Custody, Role, client};

/// The longest skew that is accepted (SECURITY.md T7).
const SKEW_MOST: Seconds = Seconds(60);

/// Keys that make tokens for a shorter time than this would be many, and none safer.
const ROTATION_LEAST: Seconds = Seconds(3_600);

/// What the rooms are told.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// For the handlers.
    pub login: Settings,
    /// For the gate.
    pub gate: GateSettings,
    /// The values of `Host` that requests to the public listener may carry.
    pub hosts: Vec<String>,
}

impl Config {
    /// What follows from these values. The configuration was checked when it was read.
    #[must_use]
    pub fn resolve(&self) -> Resolved {
        Resolved {
            login: self.login_settings(),
            gate: self.gate_settings(),
            hosts: self.hosts(),
        }
    }

    /// Values that are well-formed and do not fit together.
    pub(super) fn check(&self, text: &str, path: &Path) -> Result<(), ConfigError> {
        let wrong = |key: &str, message: String| Err(ConfigError::value(key, text, path, &message));
        let token = &self.token;
        let plain_http = self.public_url.0.scheme() == "http";
        if plain_http && !self.public_url.is_loopback() && !token.insecure {
            let message = "with plain http everybody on the way can steal sessions: expected https, a loopback host, or token.insecure = true";
            return wrong("public_url", message.to_owned());
        }
        self.check_tls(text, path)?;
        if token.inactivity.0 < Seconds(60) {
            return wrong("token.inactivity", "expected at least \"60s\"".to_owned());
        }
        if token.max_session < token.inactivity {
            let message = format!(
                "expected at least token.inactivity, which is \"{}\"",
                token.inactivity
            );
            return wrong("token.max_session", message);
        }
        if token.renewal_interval >= token.inactivity {
            let message = format!(
                "expected less than token.inactivity, which is \"{}\"",
                token.inactivity
            );
            return wrong("token.renewal_interval", message);
        }
        if token.skew.0 > SKEW_MOST {
            return wrong("token.skew", format!("expected at most \"{SKEW_MOST}\""));
        }
        if let Some(domain) = &token.cookie_domain {
            let host = self.public_url.0.host_str().unwrap_or_default();
            let within = host == domain.0 || host.ends_with(&format!(".{}", domain.0));
            if !within || !domain.0.contains('.') || domain.0.contains(':') {
                let message = format!("expected a domain that {host} belongs to");
                return wrong("token.cookie_domain", message);
            }
            if plain_http {
                let message = "a shared cookie needs https".to_owned();
                return wrong("token.cookie_domain", message);
            }
        }
        if token.zone.is_none() && self.default_zone().is_none() {
            return wrong(
                "token.zone",
                "expected a name, because the public host cannot be one".to_owned(),
            );
        }
        if let Some(every) = self.keys.rotate_every {
            if every.0 < ROTATION_LEAST {
                let message = format!("expected at least \"{ROTATION_LEAST}\"");
                return wrong("keys.rotate_every", message);
            }
            if self.keys.custody == Custody::Mounted {
                let message = "keys of a secret mount are rotated where it is made: expected custody = \"private\"";
                return wrong("keys.rotate_every", message.to_owned());
            }
            if self.role == Role::Publish {
                let message =
                    "a publish instance takes its keys from its author, and is to make none";
                return wrong("keys.rotate_every", message.to_owned());
            }
        }
        if self.login.password_least == 0 || self.login.password_least > 128 {
            return wrong("login.password_least", "expected 1 to 128".to_owned());
        }
        for (key, value) in [
            ("login.account_failures", self.login.account_failures),
            ("login.address_failures", self.login.address_failures),
            ("listen.connections", self.listen.connections),
        ] {
            if value == 0 {
                return wrong(key, "expected at least 1".to_owned());
            }
        }
        if self.login.throttle_window.0 < Seconds(1) {
            return wrong(
                "login.throttle_window",
                "expected at least \"1s\"".to_owned(),
            );
        }
        if self.login.hashing_places == Some(0) {
            return wrong("login.hashing_places", "expected at least 1".to_owned());
        }
        if let Err(wrong) = client::check(&self.client) {
            let client::Wrong { key, span, message } = wrong;
            return Err(ConfigError::at(&key, span.start, text, path, &message));
        }
        if self.rule.iter().any(|rule| rule.groups.is_empty()) {
            return wrong(
                "groups",
                "expected at least one group, or nobody could pass".to_owned(),
            );
        }
        Ok(())
    }

    fn login_settings(&self) -> Settings {
        let token = &self.token;
        let public_url = self.public_url.0.clone();
        let cookies = match &token.cookie_domain {
            Some(domain) => CookieScope::Domain(domain.0.clone()),
            None if public_url.scheme() == "https" => CookieScope::Host,
            None => CookieScope::Plain,
        };
        let mut redirect_hosts: Vec<String> = self
            .login
            .redirect_hosts
            .iter()
            .map(|host| host.0.clone())
            .collect();
        redirect_hosts.extend(authority(&public_url));
        let zone = token.zone.as_ref().map(|zone| zone.0.clone());
        Settings {
            policy: TokenPolicy {
                zone: zone.or_else(|| self.default_zone()).unwrap_or_else(no_zone),
                format: token.format.0,
                inactivity: token.inactivity.0,
                renewal_interval: token.renewal_interval.0,
                max_session: token.max_session.0,
                skew: token.skew.0,
            },
            mode: if token.encapsulated {
                TokenMode::Encapsulated
            } else {
                TokenMode::Repository
            },
            own_origins: self.own_origins(),
            public_url,
            cookies,
            redirect_hosts,
            basic: if self.login.basic {
                BasicMode::On
            } else {
                BasicMode::Off
            },
            password_least: self.login.password_least,
            throttle: ThrottleSettings {
                account_failures: self.login.account_failures,
                address_failures: self.login.address_failures,
                window: std::time::Duration::from_secs(self.login.throttle_window.0.0),
            },
            instance: self.instance_name(),
        }
    }

    fn gate_settings(&self) -> GateSettings {
        let rule = |rule: &super::RuleConfig| AccessRule {
            path: rule.path.0.clone(),
            groups: rule.groups.iter().map(|group| group.0.clone()).collect(),
        };
        GateSettings {
            trusted_proxies: self
                .listen
                .trusted_proxies
                .iter()
                .map(|network| network.1)
                .collect(),
            no_renew: self
                .token
                .no_renew
                .iter()
                .map(|pattern| pattern.0.clone())
                .collect(),
            rules: self.rule.iter().map(rule).collect(),
        }
    }

    /// How long a key makes tokens before this instance makes another by itself, if it ever does.
    #[must_use]
    pub fn rotation(&self) -> Option<Seconds> {
        let makes_keys = self.role != Role::Publish && self.keys.custody == Custody::Private;
        self.keys
            .rotate_every
            .filter(|_| makes_keys)
            .map(|every| every.0)
    }

    /// What the instance is called.
    #[must_use]
    pub fn instance_name(&self) -> String {
        let by_default = || format!("{}-{}", self.role, self.listen.public.port());
        self.name.clone().unwrap_or_else(by_default)
    }

    fn default_zone(&self) -> Option<signet_core::Zone> {
        self.public_url
            .0
            .host_str()?
            .trim_matches(['[', ']'])
            .parse()
            .ok()
    }

    /// Host and port under which the public listener may be asked for.
    fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<String> = authority(&self.public_url.0).into_iter().collect();
        hosts.extend(self.login.redirect_hosts.iter().map(|host| host.0.clone()));
        hosts.extend(self.listen.hosts.iter().map(|host| host.0.clone()));
        hosts.extend(listener_names(self.listen.public));
        hosts
    }

    /// Origins that the pages of this instance may have: of the public address, of its further names, and on plain http
    /// of the listener's own names.
    fn own_origins(&self) -> Vec<String> {
        let mut origins = vec![self.public_url.0.origin().ascii_serialization()];
        let scheme = self.public_url.0.scheme();
        origins.extend(
            self.listen
                .hosts
                .iter()
                .map(|host| format!("{scheme}://{}", host.0)),
        );
        if self.public_url.0.scheme() == "http" {
            let names = listener_names(self.listen.public);
            origins.extend(names.into_iter().map(|name| format!("http://{name}")));
        }
        origins
    }
}

/// The names that a listener has by itself: its address, and on loopback `localhost`.
pub(crate) fn listener_names(address: std::net::SocketAddr) -> Vec<String> {
    let port = address.port();
    let mut names = vec![address.to_string()];
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        names.extend([
            format!("localhost:{port}"),
            format!("127.0.0.1:{port}"),
            format!("[::1]:{port}"),
        ]);
    }
    // Clients leave out the port that is usual for the scheme.
    if matches!(port, 80 | 443) {
        let usual = format!(":{port}");
        let bare = |name: &String| name.strip_suffix(&usual).map(str::to_owned);
        names.extend(names.iter().filter_map(bare).collect::<Vec<_>>());
    }
    names
}

/// Host and port of a URL as browsers write them into `Host`.
fn authority(url: &url::Url) -> Option<String> {
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// Never equal to the zone of a token: reached only if the check was passed over.
fn no_zone() -> signet_core::Zone {
    match "unconfigured".parse() {
        Ok(zone) => zone,
        Err(_) => unreachable!("a literal zone parses"),
    }
}
