//! Where a login may lead back to: this site and the hosts that are listed, nothing else (OWASP ASVS 5.0, 3.7.2).

use url::Url;

use crate::settings::Settings;

/// The longest target that is looked at, in bytes.
const LONGEST: usize = 2_048;

/// The address that `rd` leads to if it is allowed, written anew from what was parsed.
///
/// A path is one of this site; a whole address must have the scheme of the public address and a listed host.
/// What browsers and parsers read differently is refused before it is parsed: backslashes, control and white-space
/// characters, anything outside ASCII, user information, encoded slashes and dots, and path parameters.
#[must_use]
pub fn target(rd: &str, settings: &Settings) -> Option<String> {
    if rd.is_empty() || rd.len() > LONGEST || !rd.bytes().all(is_plain) {
        return None;
    }
    let from_root = rd.starts_with('/') && !rd.starts_with("//");
    let whole = rd.starts_with("https://") || rd.starts_with("http://");
    if !(from_root || whole) {
        return None;
    }
    let url = settings.public_url.join(rd).ok()?;
    if is_twisted(rd, &url) || !is_listed(&url, settings) {
        return None;
    }
    if url.origin() == settings.public_url.origin() {
        return Some(url[url::Position::BeforePath..].to_owned());
    }
    Some(url.into())
}

/// Printable ASCII that no parser treats as something else than it is.
fn is_plain(b: u8) -> bool {
    b.is_ascii_graphic()
        && !matches!(
            b,
            b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}'
        )
}

fn is_twisted(rd: &str, url: &Url) -> bool {
    let encoded = ["%2f", "%5c", "%2e", "%00", "%0a", "%0d", "%25"];
    // The parser resolves `..` and its encodings, so they must be looked for in what was sent.
    let sent = rd
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    encoded.iter().any(|code| sent.contains(code))
        || url.path().contains("//")
        || sent.contains(';')
        || sent.split('/').any(|segment| matches!(segment, "." | ".."))
        || !url.username().is_empty()
        || url.password().is_some()
        || sent.contains('@')
}

fn is_listed(url: &Url, settings: &Settings) -> bool {
    let same_scheme = url.scheme() == settings.public_url.scheme();
    let Some(host) = url.host_str() else {
        return false;
    };
    let authority = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let own = url.origin() == settings.public_url.origin();
    own || (same_scheme && settings.redirect_hosts.contains(&authority))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use proptest::prelude::*;

    fn resolve(rd: &str) -> Option<String> {
        target(rd, &testing::settings())
    }

    #[test]
    fn paths_of_this_site_and_listed_hosts_are_allowed() {
        for (rd, to) in [
            ("/", "/"),
            ("/a/b?c=d&e=%2f#f", "/a/b?c=d&e=%2f#f"),
            ("https://www.example.com/a", "/a"),
            ("https://www.example.com:443/a", "/a"),
            (
                "https://app.example.com/a?b=https://x",
                "https://app.example.com/a?b=https://x",
            ),
            ("https://APP.example.com", "https://app.example.com/"),
        ] {
            assert_eq!(resolve(rd).as_deref(), Some(to), "{rd}");
        }
    }

    // L3
    #[test]
    fn everything_else_is_refused() {
        for rd in [
            "",
            " ",
            "evil",
            "//evil",
            "///evil",
            "////evil",
            r"/\evil",
            r"\\evil",
            r"\/evil",
            "https:evil",
            "https:/evil",
            "https:///evil",
            "https:\\\\evil",
            "http://www.example.com/",
            "ftp://www.example.com/",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "/%2f%2fevil",
            "/%2fevil",
            "/%5cevil",
            "https://evil.example",
            "https://www.example.com.evil.example/",
            "https://www.example.com@evil.example/",
            "https://evil.example@www.example.com/",
            "https://user:pw@www.example.com/",
            "https://www.example.com:8443/",
            "https://xwww.example.com/",
            "https://example.com/",
            "/a/../..//evil",
            "/..;/admin",
            "/a;/b",
            "/a/%2e%2e/b",
            "/\t/evil",
            "/\r\nSet-Cookie: a=b",
            "/%0d%0aSet-Cookie:a=b",
            "https://www\u{3002}example.com/",
            "/\u{2f}\u{2f}evil/x@",
            "https://www.example.com\u{ff0f}@evil.example/",
            "https://www.example.com\\@evil.example/",
            "?rd=/",
            "#x",
            "/a//b",
            "https://[::1]/",
            "https://www.example.com./",
            "/%252f%252fevil",
        ] {
            assert_eq!(resolve(rd), None, "{rd:?}");
        }
        assert_eq!(resolve(&format!("/{}", "a".repeat(3_000))), None);
    }

    proptest! {
        #[test]
        fn whatever_is_allowed_stays_on_a_listed_host(rd in r#"[/\\:@.;?#%a-z0-9 \t]{0,30}|https?:[/\\]{0,3}[a-z.@:%0-9/\\]{0,30}"#) {
            if let Some(to) = resolve(&rd) {
                let url = testing::settings().public_url.join(&to).unwrap();
                prop_assert_eq!(url.scheme(), "https");
                prop_assert!(matches!(url.host_str(), Some("www.example.com" | "app.example.com")), "{} -> {}", rd, to);
                prop_assert!(!to.contains(['\r', '\n', '\\']));
            }
        }
    }
}
