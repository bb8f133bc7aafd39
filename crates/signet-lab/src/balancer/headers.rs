//! What a proxy must take off a message and what it must put on.

use std::net::SocketAddr;

use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};

/// Headers that concern one connection only (RFC 9110, section 7.6.1), and `Expect`, which the
/// balancer answers itself.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Removes the headers of one hop, those that `Connection` lists included.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // A client must not be able to take away what the instance relies on.
        .filter(|name| {
            !matches!(
                *name,
                header::HOST | header::CONTENT_LENGTH | header::COOKIE
            )
        })
        .collect();
    for name in listed.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    headers.remove(header::EXPECT);
}

/// Replaces everything a client could have said about where a request came from.
///
/// The instances trust this balancer, so nothing a client wrote in its place may pass, in any
/// spelling: with `_` or `.` for `-` as well, which some servers read as the same name.
pub(super) fn set_forwarded(headers: &mut HeaderMap, peer: SocketAddr, host: &HeaderValue) {
    let spoofed: Vec<HeaderName> = headers
        .keys()
        .filter(|name| speaks_for_a_proxy(name.as_str()))
        .cloned()
        .collect();
    for name in spoofed {
        headers.remove(name);
    }
    if let Ok(address) = HeaderValue::from_str(&peer.ip().to_string()) {
        headers.insert(HeaderName::from_static("x-forwarded-for"), address);
    }
    headers.insert(
        HeaderName::from_static("x-forwarded-proto"),
        HeaderValue::from_static("http"),
    );
    headers.insert(HeaderName::from_static("x-forwarded-host"), host.clone());
}

fn speaks_for_a_proxy(name: &str) -> bool {
    let plain = name.replace(['_', '.'], "-");
    plain == "forwarded"
        || plain == "x-real-ip"
        || plain.starts_with("x-forwarded-")
        || plain.starts_with("x-original-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn listed_headers_go_but_not_host_or_cookie() {
        let mut map = headers(&[
            ("connection", "close, X-Secret, host, cookie"),
            ("x-secret", "1"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("host", "h"),
            ("cookie", "a=1"),
            ("accept", "*/*"),
        ]);
        strip_hop_by_hop(&mut map);
        let mut left: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "cookie", "host"]);
    }

    #[test]
    fn what_a_client_says_about_its_way_is_replaced() {
        let mut map = headers(&[
            ("x-forwarded-for", "1.2.3.4"),
            ("x_forwarded_host", "evil"),
            ("x.forwarded.proto", "https"),
            ("x-forwarded-prefix", "/x"),
            ("x-original-url", "/admin"),
            ("forwarded", "for=1.2.3.4"),
            ("x-real-ip", "1.2.3.4"),
            ("accept", "*/*"),
        ]);
        let host = HeaderValue::from_static("127.0.0.1:8080");
        set_forwarded(&mut map, "127.0.0.1:5000".parse().unwrap(), &host);
        assert_eq!(map.len(), 4);
        assert_eq!(map["x-forwarded-for"], "127.0.0.1");
        assert_eq!(map["x-forwarded-proto"], "http");
        assert_eq!(map["x-forwarded-host"], "127.0.0.1:8080");
    }
}
