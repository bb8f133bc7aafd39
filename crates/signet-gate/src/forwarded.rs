//! What a trusted proxy says about the original request: `X-Forwarded-*` and `X-Original-*`.
//!
//! From anybody else these headers do not count. From a trusted proxy they must stand once and be well-formed:
//! a doubled one means that the proxy passed on what a client sent.

use std::net::IpAddr;

use http::{HeaderMap, Method};

use crate::proxies::TrustedProxies;

/// The original request as the trusted proxy describes it; what it did not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Original {
    /// The method.
    pub method: Option<Method>,
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// Host and port.
    pub host: Option<String>,
    /// Path and query.
    pub target: Option<String>,
}

/// A header of a trusted proxy is doubled or malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header {0} of a trusted proxy is doubled or malformed")]
pub struct ForwardedError(pub &'static str);

/// Reads what `peer` says about the original request; nothing, unless it is a trusted proxy.
///
/// # Errors
/// [`ForwardedError`] names a header that stands more than once or cannot be read.
pub fn original(
    headers: &HeaderMap,
    peer: IpAddr,
    trusted: &TrustedProxies,
) -> Result<Original, ForwardedError> {
    if !trusted.contains(peer) {
        return Ok(Original::default());
    }
    let method = match one_of(headers, &["x-original-method", "x-forwarded-method"])? {
        Some(method) => Some(
            method
                .parse()
                .map_err(|_| ForwardedError("x-forwarded-method"))?,
        ),
        None => None,
    };
    let mut original = Original {
        method,
        scheme: one_of(headers, &["x-forwarded-proto"])?.map(str::to_ascii_lowercase),
        host: one_of(headers, &["x-forwarded-host"])?.map(str::to_ascii_lowercase),
        target: one_of(headers, &["x-original-uri", "x-forwarded-uri"])?.map(str::to_owned),
    };
    if let Some(url) = one_of(headers, &["x-original-url"])? {
        original.take_url(url)?;
    }
    original.check()
}

/// The address of the client: the last one in `X-Forwarded-For` that is no trusted proxy; without proxies, the peer.
#[must_use]
pub fn client_address(headers: &HeaderMap, peer: IpAddr, trusted: &TrustedProxies) -> IpAddr {
    let mut client = peer;
    let hops = headers
        .get_all("x-forwarded-for")
        .iter()
        .rev()
        .flat_map(|header| header.as_bytes().rsplit(|b| *b == b','));
    for hop in hops {
        if !trusted.contains(client) {
            break;
        }
        let address = std::str::from_utf8(hop.trim_ascii())
            .ok()
            .and_then(|hop| hop.parse().ok());
        match address {
            Some(address) => client = address,
            // Whoever wrote this is no proxy of ours: the last address that was known stands.
            None => break,
        }
    }
    client.to_canonical()
}

impl Original {
    /// nginx's ingress controller sends the whole address in one header.
    fn take_url(&mut self, url: &str) -> Result<(), ForwardedError> {
        const NAME: &str = "x-original-url";
        if url.starts_with('/') {
            return self.take_target(url, NAME);
        }
        let (scheme, rest) = url.split_once("://").ok_or(ForwardedError(NAME))?;
        let cut = rest.find('/').unwrap_or(rest.len());
        let (host, target) = rest.split_at_checked(cut).ok_or(ForwardedError(NAME))?;
        for (own, said) in [(&mut self.scheme, scheme), (&mut self.host, host)] {
            let said = said.to_ascii_lowercase();
            if own.as_ref().is_some_and(|own| *own != said) {
                return Err(ForwardedError(NAME));
            }
            *own = Some(said);
        }
        self.take_target(if target.is_empty() { "/" } else { target }, NAME)
    }

    /// Takes path and query from the place `name`.
    ///
    /// # Errors
    /// If another place says something else: one of the two is what a client sent.
    pub(crate) fn take_target(
        &mut self,
        target: &str,
        name: &'static str,
    ) -> Result<(), ForwardedError> {
        match &self.target {
            Some(other) if other != target => Err(ForwardedError(name)),
            _ => {
                self.target = Some(target.to_owned());
                Ok(())
            }
        }
    }

    fn check(self) -> Result<Self, ForwardedError> {
        if self
            .scheme
            .as_deref()
            .is_some_and(|scheme| !matches!(scheme, "http" | "https"))
        {
            return Err(ForwardedError("x-forwarded-proto"));
        }
        let odd = |b: u8| {
            !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']' | b'_'))
        };
        if self
            .host
            .as_deref()
            .is_some_and(|host| host.is_empty() || host.bytes().any(odd))
        {
            return Err(ForwardedError("x-forwarded-host"));
        }
        if self
            .target
            .as_deref()
            .is_some_and(|target| !target.starts_with('/'))
        {
            return Err(ForwardedError("x-forwarded-uri"));
        }
        Ok(self)
    }
}

/// The value of the one header of `names` that is there; two that differ are as bad as one doubled.
fn one_of<'h>(
    headers: &'h HeaderMap,
    names: &[&'static str],
) -> Result<Option<&'h str>, ForwardedError> {
    let mut found = None;
    for name in names {
        for value in headers.get_all(*name) {
            let value = value.to_str().map_err(|_| ForwardedError(name))?;
            match found {
                Some(other) if other != value => return Err(ForwardedError(name)),
                _ => found = Some(value),
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    fn proxies() -> TrustedProxies {
        ["127.0.0.1", "10.0.0.0/8"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect()
    }

    const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    // P1
    #[test]
    fn from_anybody_else_nothing_counts() {
        let headers = headers(&[
            ("x-forwarded-uri", "/free"),
            ("x-original-uri", "/free"),
            ("x-forwarded-host", "evil"),
            ("x-forwarded-for", "192.0.2.1"),
        ]);
        let stranger = [198, 51, 100, 1].into();
        assert_eq!(
            original(&headers, stranger, &proxies()),
            Ok(Original::default())
        );
        assert_eq!(
            original(&headers, PROXY, &TrustedProxies::default()),
            Ok(Original::default())
        );
        assert_eq!(client_address(&headers, stranger, &proxies()), stranger);
    }

    #[test]
    fn each_proxy_has_its_own_words() {
        let nginx = headers(&[("x-original-uri", "/a?b"), ("x-original-method", "POST")]);
        let read = original(&nginx, PROXY, &proxies()).unwrap();
        assert_eq!(
            (read.target.as_deref(), read.method),
            (Some("/a?b"), Some(Method::POST))
        );
        let ingress = headers(&[("x-original-url", "https://App.example.com/a?b")]);
        let read = original(&ingress, PROXY, &proxies()).unwrap();
        assert_eq!(read.host.as_deref(), Some("app.example.com"));
        assert_eq!(read.target.as_deref(), Some("/a?b"));
    }

    #[test]
    fn doubled_and_malformed_headers_are_refused() {
        for pairs in [
            &[("x-forwarded-uri", "/a"), ("x-forwarded-uri", "/b")][..],
            &[("x-forwarded-uri", "/a"), ("x-original-uri", "/b")],
            &[("x-forwarded-uri", "a")],
            &[("x-forwarded-uri", "")],
            &[("x-forwarded-host", "a b")],
            &[("x-forwarded-host", "a/../b")],
            &[("x-forwarded-host", "")],
            &[("x-forwarded-proto", "javascript")],
            &[("x-forwarded-method", "G ET")],
            &[("x-original-url", "nonsense")],
            &[("x-original-url", "/a"), ("x-original-uri", "/b")],
            &[
                ("x-original-url", "http://host/a"),
                ("x-forwarded-uri", "/b"),
            ],
        ] {
            assert!(
                original(&headers(pairs), PROXY, &proxies()).is_err(),
                "{pairs:?}"
            );
        }
    }

    // P1
    #[test]
    fn the_client_is_the_last_address_no_proxy_of_ours_wrote_for_itself() {
        let client = |value: &str| {
            client_address(&headers(&[("x-forwarded-for", value)]), PROXY, &proxies())
        };
        assert_eq!(client("192.0.2.1"), IpAddr::from([192, 0, 2, 1]));
        assert_eq!(
            client("203.0.113.9, 192.0.2.1, 10.1.1.1"),
            IpAddr::from([192, 0, 2, 1])
        );
        assert_eq!(client("192.0.2.1, nonsense"), PROXY);
        assert_eq!(client(""), PROXY);
        assert_eq!(client("::ffff:192.0.2.1"), IpAddr::from([192, 0, 2, 1]));
    }

    proptest! {
        #[test]
        fn any_headers_are_read_or_refused(values in proptest::collection::vec("[ -~\u{80}-\u{ff}]{0,30}", 6)) {
            let names = [
                "x-forwarded-uri", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-method", "x-original-url",
                "x-forwarded-for",
            ];
            let headers: HeaderMap = names
                .iter()
                .zip(&values)
                .filter_map(|(name, value)| Some((name.parse().unwrap(), HeaderValue::from_bytes(value.as_bytes()).ok()?)))
                .collect();
            if let Ok(read) = original(&headers, PROXY, &proxies()) {
                prop_assert!(read.target.is_none_or(|target| target.starts_with('/')));
            }
            let _ = client_address(&headers, PROXY, &proxies());
        }
    }
}
