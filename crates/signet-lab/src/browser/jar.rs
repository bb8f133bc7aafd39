//! The cookies of one browser, as far as a farm on one host needs RFC 6265.

use http::HeaderMap;
use http::header::{HeaderValue, SET_COOKIE};

/// Cookies of one host, over plain http.
#[derive(Default, Clone)]
pub struct Jar {
    cookies: Vec<Cookie>,
}

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    path: String,
}

impl Jar {
    /// Takes the `Set-Cookie` lines of an answer to a request for `path`.
    ///
    /// A cookie replaces the one of the same name and path; one with `Max-Age` of 0 or less, or
    /// an `Expires` in 1970, removes it.
    /// Secure cookies are refused, since this browser speaks plain http (RFC 6265bis, 5.7).
    pub fn take(&mut self, path: &str, headers: &HeaderMap) {
        for line in headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
        {
            self.take_line(path, line);
        }
    }

    /// The value of the cookie `name`, whatever its path.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.cookies
            .iter()
            .find(|cookie| cookie.name == name)
            .map(|cookie| cookie.value.as_str())
    }

    /// The `Cookie` header of a request for `path`, longer paths first (RFC 6265, section 5.4).
    #[must_use]
    pub fn header(&self, path: &str) -> Option<HeaderValue> {
        let mut matching: Vec<&Cookie> = self
            .cookies
            .iter()
            .filter(|cookie| path_matches(path, &cookie.path))
            .collect();
        matching.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> = matching
            .into_iter()
            .map(|Cookie { name, value, .. }| format!("{name}={value}"))
            .collect();
        if pairs.is_empty() {
            return None;
        }
        let mut header = HeaderValue::from_str(&pairs.join("; ")).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    fn take_line(&mut self, request_path: &str, line: &str) {
        let mut fields = line.split(';');
        let Some((name, value)) = fields.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let mut cookie = Cookie {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            path: default_path(request_path),
        };
        let (mut max_age, mut expires_then) = (None, false);
        for field in fields {
            let (key, value) = field.split_once('=').unwrap_or((field, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "max-age" => max_age = value.parse::<i64>().ok(),
                "expires" => expires_then = value.contains("1970"),
                "secure" => return,
                _ => {}
            }
        }
        self.cookies
            .retain(|old| old.name != cookie.name || old.path != cookie.path);
        if max_age.map_or(!expires_then, |seconds| seconds > 0) && !cookie.name.is_empty() {
            self.cookies.push(cookie);
        }
    }
}

impl std::fmt::Debug for Jar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.cookies.iter().map(|cookie| &cookie.name))
            .finish()
    }
}

/// RFC 6265, section 5.1.4.
fn default_path(request_path: &str) -> String {
    let path = request_path.split('?').next().unwrap_or_default();
    match path.rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(end) => path[..end].to_owned(),
    }
}

fn path_matches(request: &str, cookie: &str) -> bool {
    let request = request.split('?').next().unwrap_or_default();
    request
        .strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(path: &str, lines: &[&'static str]) -> Jar {
        let mut jar = Jar::default();
        more(&mut jar, path, lines);
        jar
    }

    fn more(jar: &mut Jar, path: &str, lines: &[&'static str]) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SET_COOKIE, HeaderValue::from_static(line));
        }
        jar.take(path, &headers);
    }

    #[test]
    fn a_newer_cookie_replaces_the_older() {
        let mut jar = jar("/", &["t=1; Path=/; HttpOnly", "u=x"]);
        more(&mut jar, "/whoami", &["t=2; Path=/"]);
        assert_eq!(jar.header("/whoami").unwrap(), "u=x; t=2");
        assert_eq!(jar.value("t"), Some("2"));
    }

    #[test]
    fn ended_cookies_go() {
        let mut jar = jar("/", &["a=1", "b=2", "c=3; Max-Age=60"]);
        more(
            &mut jar,
            "/",
            &[
                "a=; Max-Age=0",
                "b=; expires=Thu, 01 Jan 1970 00:00:00 GMT",
                "d=4; Max-Age=-1",
            ],
        );
        assert_eq!(jar.header("/").unwrap(), "c=3");
        more(&mut jar, "/", &["c="]);
        assert_eq!(jar.value("c"), Some(""));
    }

    #[test]
    fn paths_are_kept_apart() {
        let jar = jar(
            "/login/form",
            &["csrf=1", "other=2; Path=/admin", "top=3; Path=/"],
        );
        assert_eq!(jar.header("/login").unwrap(), "csrf=1; top=3");
        assert_eq!(jar.header("/login/x?y").unwrap(), "csrf=1; top=3");
        assert_eq!(jar.header("/loginx").unwrap(), "top=3");
        assert!(Jar::default().header("/").is_none());
    }

    #[test]
    fn secure_cookies_do_not_travel_in_the_clear() {
        assert!(
            jar("/", &["__Host-t=1; Path=/; Secure"])
                .header("/")
                .is_none()
        );
    }

    #[test]
    fn values_stay_out_of_debug_output() {
        let shown = format!("{:?}", jar("/", &["t=secret-value"]));
        assert!(shown.contains('t') && !shown.contains("secret-value"));
    }
}
