//! Which instance answers: by turns, or the one that answered before.

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};
use serde::Serialize;

/// Name of the cookie by which sticky connections remember their instance.
pub const STICKY_COOKIE: &str = "lab-instance";

/// How the balancer chooses an instance for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BalancePolicy {
    /// Each request goes to the next instance that is ready.
    #[default]
    RoundRobin,
    /// A browser stays with the instance that answered it first, by a cookie of the balancer's
    /// own (HAProxy's `cookie lab-instance insert indirect`).
    /// It moves only when that instance is down.
    Sticky,
}

impl BalancePolicy {
    /// The name used on the command line and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::Sticky => "sticky",
        }
    }
}

impl fmt::Display for BalancePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BalancePolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "round-robin" => Ok(Self::RoundRobin),
            "sticky" => Ok(Self::Sticky),
            _ => Err(UnknownPolicy),
        }
    }
}

/// A word that names no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `round-robin` or `sticky`")]
pub struct UnknownPolicy;

/// Takes the sticky cookie out of a request and returns the instance it names.
///
/// Every `Cookie` line is read; the other cookies are passed on in their order.
/// The first of several sticky cookies counts: it chooses an instance and nothing else.
pub(super) fn take_sticky(headers: &mut HeaderMap) -> Option<String> {
    let named = |pair: &&str| {
        pair.trim()
            .split_once('=')
            .is_some_and(|(name, _)| name.trim() == STICKY_COOKIE)
    };
    let lines: Vec<HeaderValue> = headers.get_all(COOKIE).iter().cloned().collect();
    let instance = lines
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find(named)
        .and_then(|pair| pair.trim().split_once('='))
        .map(|(_, value)| value.trim().to_owned())?;

    headers.remove(COOKIE);
    for line in lines {
        let Ok(text) = line.to_str() else {
            headers.append(COOKIE, line);
            continue;
        };
        let kept: Vec<&str> = text
            .split(';')
            .filter(|pair| !named(pair))
            .map(str::trim)
            .collect();
        let kept = kept.join("; ");
        if let (false, Ok(value)) = (kept.is_empty(), HeaderValue::from_str(&kept)) {
            headers.append(COOKIE, value);
        }
    }
    Some(instance)
}

/// The `Set-Cookie` line that ties a browser to `instance`.
pub(super) fn sticky_cookie(instance: &str) -> Option<HeaderValue> {
    let line = format!("{STICKY_COOKIE}={instance}; Path=/; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sticky_cookie_is_taken_and_the_others_stay() {
        let mut headers = HeaderMap::new();
        headers.append(
            COOKIE,
            HeaderValue::from_static("a=1; lab-instance=publish-2; b=x=y"),
        );
        headers.append(COOKIE, HeaderValue::from_static("lab-instance=publish-1"));
        headers.append(COOKIE, HeaderValue::from_static("c=3"));
        assert_eq!(take_sticky(&mut headers).as_deref(), Some("publish-2"));
        let left: Vec<_> = headers.get_all(COOKIE).iter().collect();
        assert_eq!(left, ["a=1; b=x=y", "c=3"]);
    }

    #[test]
    fn without_it_nothing_is_touched() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1;b=2"));
        assert_eq!(take_sticky(&mut headers), None);
        assert_eq!(headers[COOKIE], "a=1;b=2");
    }
}
