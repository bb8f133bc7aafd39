//! Telling requests that our own pages sent from those another site made a browser send.

use http::HeaderMap;
use http::header::{ORIGIN, REFERER};

/// What a request says about the page it was sent from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A page of this origin.
    OwnPage,
    /// A page of another origin, or one that hides where it comes from.
    ForeignPage,
    /// Nothing says that a page sent it: an old browser, or no browser at all.
    Unknown,
}

/// Decides by `Sec-Fetch-Site` (W3C Fetch Metadata) and `Origin` (RFC 6454); a page must be our own by all it says.
#[must_use]
pub fn sender(headers: &HeaderMap, own_origins: &[String]) -> Sender {
    let mut any = false;
    for site in headers.get_all("sec-fetch-site") {
        any = true;
        // `none`: typed by the user or opened from a bookmark; then there is no page behind it.
        if !matches!(site.as_bytes(), b"same-origin" | b"none") {
            return Sender::ForeignPage;
        }
    }
    for origin in headers.get_all(ORIGIN) {
        any = true;
        if !own_origins
            .iter()
            .any(|own| own.as_bytes() == origin.as_bytes())
        {
            return Sender::ForeignPage;
        }
    }
    if any {
        return Sender::OwnPage;
    }
    match headers.get(REFERER).map(|referer| referer.as_bytes()) {
        None => Sender::Unknown,
        Some(referer) if own_origins.iter().any(|own| is_of_origin(referer, own)) => {
            Sender::OwnPage
        }
        Some(_) => Sender::ForeignPage,
    }
}

fn is_of_origin(referer: &[u8], own_origin: &str) -> bool {
    referer
        .strip_prefix(own_origin.as_bytes())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(headers: &[(&'static str, &'static str)]) -> Sender {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect();
        sender(&headers, &["https://www.example.com".to_owned()])
    }

    // L1
    #[test]
    fn only_our_own_pages_are_our_own() {
        assert_eq!(of(&[]), Sender::Unknown);
        for own in [
            &[("origin", "https://www.example.com")][..],
            &[("sec-fetch-site", "same-origin")],
            &[("referer", "https://www.example.com/login?rd=/")],
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://www.example.com"),
            ],
        ] {
            assert_eq!(of(own), Sender::OwnPage, "{own:?}");
        }
        for foreign in [
            &[("origin", "null")][..],
            &[("origin", "http://www.example.com")],
            &[("origin", "https://www.example.com.evil.example")],
            &[("origin", "https://www.example.com:8443")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "cross-site"),
            ],
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://evil.example"),
            ],
            &[("referer", "https://www.example.com.evil.example/")],
            &[
                ("origin", "https://www.example.com"),
                ("origin", "https://evil.example"),
            ],
        ] {
            assert_eq!(of(foreign), Sender::ForeignPage, "{foreign:?}");
        }
    }
}
