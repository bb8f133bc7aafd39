//! Any bytes as the headers that a proxy sends, one a line.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use signet_gate::forwarded::{Original, client_address, original};
use signet_gate::{CanonicalPath, TrustedProxies, identity};

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

static PROXIES: LazyLock<TrustedProxies> = LazyLock::new(|| {
    let networks = ["127.0.0.1", "10.0.0.0/8"];
    networks
        .iter()
        .map(|network| network.parse().expect("a valid network"))
        .collect()
});

fuzz_target!(|data: &[u8]| {
    let mut headers: HeaderMap = data
        .split(|byte| *byte == b'\n')
        .filter_map(header)
        .collect();

    // P1: from anybody else nothing counts.
    assert_eq!(
        original(&headers, STRANGER, &PROXIES),
        Ok(Original::default())
    );
    assert_eq!(client_address(&headers, STRANGER, &PROXIES), STRANGER);

    let _ = client_address(&headers, PROXY, &PROXIES);
    if let Ok(read) = original(&headers, PROXY, &PROXIES) {
        is_well_formed(&read);
    }

    // P2: whatever the spelling, nothing is left that an upstream could read as an identity.
    identity::strip(&mut headers);
    let left = headers.keys().find(|name| reads_as_identity(name));
    assert!(left.is_none(), "{left:?} survived");
});

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    Some((name, value))
}

fn is_well_formed(read: &Original) {
    assert!(
        read.scheme
            .as_deref()
            .is_none_or(|scheme| ["http", "https"].contains(&scheme))
    );
    let odd = |c: char| c.is_whitespace() || c.is_control() || "/\\@?#".contains(c);
    assert!(
        read.host
            .as_deref()
            .is_none_or(|host| !host.is_empty() && !host.contains(odd))
    );
    if let Some(target) = &read.target {
        assert!(target.starts_with('/'));
        if let Ok(path) = CanonicalPath::parse(target) {
            has_one_reading(path.as_str());
        }
    }
}

// P4
fn has_one_reading(path: &str) {
    assert!(path.starts_with('/') && !path.contains("//"), "{path:?}");
    let odd = |c: char| c.is_control() || "\\;#?%".contains(c);
    assert!(!path.contains(odd), "{path:?}");
    assert!(
        path.split('/')
            .all(|segment| segment != "." && segment != ".."),
        "{path:?}"
    );
}

/// As CGI reads a name: without case, and with every separator the same.
fn reads_as_identity(name: &HeaderName) -> bool {
    match name
        .as_str()
        .split(['-', '_', '.'])
        .collect::<Vec<_>>()
        .as_slice()
    {
        [first, second] => {
            first.eq_ignore_ascii_case("remote")
                && ["user", "groups", "name", "email"]
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(second))
        }
        _ => false,
    }
}
