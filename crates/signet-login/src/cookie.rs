//! Cookies: found in a request without depending on their order, written so that nobody else gets them
//! (RFC 6265, sections 4 and 5; the layered-cookies draft for the name prefixes).

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use signet_core::{Denied, Seconds};

/// The longest life of a cookie that browsers keep to.
const LONGEST: Seconds = Seconds(400 * 86_400);

/// The largest cookie that is written, attributes included, in bytes: well inside the 4,096 that browsers keep (C3).
const MOST: usize = 3_584;

/// Where cookies go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CookieScope {
    /// To this host over https only: the prefix `__Host-`.
    Host,
    /// To this domain and all hosts below it, over https only: the prefix `__Secure-`.
    Domain(String),
    /// To this host over plain http as well: no prefix, no `Secure`. For loopback.
    Plain,
}

impl CookieScope {
    /// The name of the cookie that carries the session token.
    #[must_use]
    pub fn token_name(&self) -> &'static str {
        match self {
            Self::Host => "__Host-login-token",
            Self::Domain(_) => "__Secure-login-token",
            Self::Plain => "login-token",
        }
    }

    /// The name of the cookie that ties a form to the browser it was shown in.
    #[must_use]
    pub fn form_name(&self) -> &'static str {
        match self {
            Self::Host | Self::Domain(_) => "__Host-login-form",
            Self::Plain => "login-form",
        }
    }

    /// `Set-Cookie` for the session token, for as long as the token lives.
    #[must_use]
    pub fn token(&self, token: &str, life: Seconds) -> Option<HeaderValue> {
        let domain = match self {
            Self::Domain(domain) => format!("; Domain={domain}"),
            Self::Host | Self::Plain => String::new(),
        };
        self.write(self.token_name(), token, life, &domain)
    }

    /// `Set-Cookie` for the form's cookie.
    #[must_use]
    pub fn form(&self, value: &str, life: Seconds) -> Option<HeaderValue> {
        self.write(self.form_name(), value, life, "")
    }

    /// `Set-Cookie` that makes the browser forget the session token.
    #[must_use]
    pub fn forget_token(&self) -> Option<HeaderValue> {
        self.token("", Seconds(0))
    }

    /// `Set-Cookie` that makes the browser forget the form's cookie.
    #[must_use]
    pub fn forget_form(&self) -> Option<HeaderValue> {
        self.form("", Seconds(0))
    }

    fn write(&self, name: &str, value: &str, life: Seconds, domain: &str) -> Option<HeaderValue> {
        let life = life.min(LONGEST).0;
        let secure = if *self == Self::Plain { "" } else { "; Secure" };
        let cookie = format!(
            "{name}={value}; Path=/; Max-Age={life}{domain}{secure}; HttpOnly; SameSite=Lax"
        );
        if cookie.len() > MOST {
            return None;
        }
        let mut cookie = HeaderValue::try_from(cookie).ok()?;
        // Whoever prints the headers does not print the token.
        cookie.set_sensitive(true);
        Some(cookie)
    }
}

/// The value of the cookie `name`, wherever it stands.
///
/// Two cookies of one name mean that another site of the same domain planted one; then neither counts,
/// unless both say the same (C4).
///
/// # Errors
/// [`Denied::TokenMissing`] without such a cookie, [`Denied::CookieDoubled`] with two different ones.
pub fn find<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h [u8], Denied> {
    let mut found: Option<&[u8]> = None;
    for header in headers.get_all(COOKIE) {
        for value in values(header.as_bytes(), name.as_bytes()) {
            match found {
                Some(other) if other != value => return Err(Denied::CookieDoubled),
                _ => found = Some(value),
            }
        }
    }
    found
        .filter(|value| !value.is_empty())
        .ok_or(Denied::TokenMissing)
}

/// The values of the cookies `name` in one `Cookie` header, in the order they stand.
pub fn values<'h>(header: &'h [u8], name: &[u8]) -> impl Iterator<Item = &'h [u8]> {
    let mut begin = 0;
    let ends = memchr::memchr_iter(b';', header).chain([header.len()]);
    let pairs =
        ends.filter_map(move |end| header.get(core::mem::replace(&mut begin, end + 1)..end));
    pairs.filter_map(move |pair| {
        let value = pair.trim_ascii().strip_prefix(name)?.strip_prefix(b"=")?;
        Some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies
            .iter()
            .map(|cookie| (COOKIE, HeaderValue::from_str(cookie).unwrap()))
            .collect()
    }

    #[test]
    fn a_cookie_is_found_wherever_it_stands() {
        for cookies in [
            &["login-token=x"][..],
            &["a=b; login-token=x"],
            &["login-token=x;a=b"],
            &["a=b", "c=d;  login-token=x "],
            &["login-token=x; login-token=x"],
        ] {
            assert_eq!(
                find(&headers(cookies), "login-token"),
                Ok(&b"x"[..]),
                "{cookies:?}"
            );
        }
    }

    #[test]
    fn a_name_is_compared_whole() {
        for cookies in [
            "xlogin-token=x",
            "login-token-2=x",
            "Login-Token=x",
            "login-token",
            "login-token=",
        ] {
            let found = find(&headers(&[cookies]), "login-token").map(<[u8]>::to_vec);
            assert_eq!(found, Err(Denied::TokenMissing), "{cookies}");
        }
    }

    // C4
    #[test]
    fn two_different_cookies_of_one_name_are_refused_in_any_order() {
        for cookies in [
            &["login-token=x; login-token=y"][..],
            &["login-token=y", "login-token=x"],
        ] {
            assert_eq!(
                find(&headers(cookies), "login-token"),
                Err(Denied::CookieDoubled)
            );
        }
    }

    // C1, C2
    #[test]
    fn the_session_cookie_is_bound_to_the_host() {
        let cookie = CookieScope::Host.token("t", Seconds(60)).unwrap();
        assert_eq!(
            cookie,
            "__Host-login-token=t; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax"
        );
        let shared = CookieScope::Domain("example.com".to_owned());
        assert_eq!(
            shared.token("t", Seconds(60)).unwrap(),
            "__Secure-login-token=t; Path=/; Max-Age=60; Domain=example.com; Secure; HttpOnly; SameSite=Lax"
        );
        assert!(shared.form_name().starts_with("__Host-"));
    }

    // C5
    #[test]
    fn no_cookie_asks_to_be_kept_for_longer_than_browsers_do() {
        let cookie = CookieScope::Plain.token("t", Seconds(u64::MAX)).unwrap();
        assert!(cookie.to_str().unwrap().contains("Max-Age=34560000;"));
    }

    // C3
    #[test]
    fn the_largest_cookie_stays_below_what_browsers_keep() {
        let token = "x".repeat(signet_core::MAX_TOKEN_BYTES);
        let scope = CookieScope::Domain("a-rather-long-domain.example.com".to_owned());
        assert!(scope.token(&token, LONGEST).unwrap().len() <= 3_584);
    }

    proptest! {
        #[test]
        fn any_header_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for value in values(&bytes, b"login-token") {
                prop_assert!(!value.contains(&b';'));
            }
        }
    }
}
