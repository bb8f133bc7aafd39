//! A request as the endpoints see it, and the answers they give.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use crate::page::{Language, content_security_policy};
use crate::settings::Settings;

/// The longest body of a form that is read, in bytes.
pub const LONGEST_FORM: usize = 16 * 1_024;

/// An answer whose body is in memory.
pub type Response = http::Response<Bytes>;

/// A request with its body.
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The address of the client, as far as trusted proxies told it.
    pub client: IpAddr,
    /// The body, at most [`LONGEST_FORM`] bytes.
    pub body: Bytes,
}

impl Request {
    /// The language of the browser.
    #[must_use]
    pub fn language(&self) -> Language {
        let header = self.headers.get(http::header::ACCEPT_LANGUAGE);
        Language::from_accept_language(header.and_then(|value| value.to_str().ok()).unwrap_or(""))
    }

    /// The value of a parameter in the query; `None` if it is missing or doubled.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.uri.query().unwrap_or_default();
        only(form_urlencoded::parse(query.as_bytes()), name)
    }

    /// The fields of a form sent as `application/x-www-form-urlencoded`; `None` for any other body.
    #[must_use]
    pub fn form(&self) -> Option<Form<'_>> {
        let content_type = self.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let is_form = kind.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        (is_form && std::str::from_utf8(&self.body).is_ok()).then_some(Form(&self.body))
    }

    /// Whether whoever asked can show a page: a form that was sent is no page load, and its sender reads the answer.
    #[must_use]
    pub fn wants_page(&self) -> bool {
        self.is_page_load() || (self.method == Method::POST && asks_for_html(&self.headers))
    }

    /// Whether a person is loading a page: only then is a token renewed, or a login page offered.
    #[must_use]
    pub fn is_page_load(&self) -> bool {
        is_page_load(&self.method, &self.headers)
    }
}

impl std::fmt::Debug for Request {
    /// Neither headers nor body: there are tokens and passwords in them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} {})", self.method, self.uri.path())
    }
}

/// Whether a request with this method and these headers loads a page for a person (W3C Fetch Metadata; else `Accept`).
#[must_use]
pub fn is_page_load(method: &Method, headers: &HeaderMap) -> bool {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return false;
    }
    let is_script = |name: &HeaderValue| name.as_bytes().eq_ignore_ascii_case(b"XMLHttpRequest");
    if headers.get("x-requested-with").is_some_and(is_script) {
        return false;
    }
    match headers.get("sec-fetch-dest") {
        Some(destination) => destination == "document",
        None => asks_for_html(headers),
    }
}

fn asks_for_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(http::header::ACCEPT)
        .iter()
        .filter_map(|accept| accept.to_str().ok())
        .flat_map(|accept| accept.split(','))
        .any(|kind| {
            kind.split(';')
                .next()
                .is_some_and(|kind| kind.trim() == "text/html")
        })
}

/// The fields of a form.
#[derive(Clone, Copy)]
pub struct Form<'b>(&'b [u8]);

impl Form<'_> {
    /// The value of a field; `None` if it is missing or doubled.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        only(form_urlencoded::parse(self.0), name)
    }
}

impl std::fmt::Debug for Form<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Form(..)")
    }
}

fn only(pairs: form_urlencoded::Parse<'_>, name: &str) -> Option<String> {
    let mut values = pairs
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned());
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// A page.
#[must_use]
pub fn html(status: StatusCode, page: String, settings: &Settings) -> Response {
    let mut response = with_body(status, "text/html; charset=utf-8", page.into());
    let headers = response.headers_mut();
    let origins: Vec<String> = settings
        .redirect_hosts
        .iter()
        .map(|host| format!("{}://{host}", settings.public_url.scheme()))
        .collect();
    let policy = content_security_policy(origins.iter().map(String::as_str));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        "cross-origin-opener-policy",
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(VARY, HeaderValue::from_static("Cookie, Accept-Language"));
    response
}

/// A JSON document.
#[must_use]
pub fn json(status: StatusCode, document: &serde_json::Value) -> Response {
    with_body(status, "application/json", document.to_string().into())
}

/// A short plain text.
#[must_use]
pub fn text(status: StatusCode, text: &'static str) -> Response {
    with_body(
        status,
        "text/plain; charset=utf-8",
        Bytes::from_static(text.as_bytes()),
    )
}

/// No body.
#[must_use]
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    forbid_storing(response.headers_mut());
    response
}

/// Leads the browser to `location`, to be asked for with GET.
#[must_use]
pub fn see_other(location: &str) -> Response {
    let mut response = empty(StatusCode::SEE_OTHER);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Forbids every cache to keep the answer, and tells apart answers to different sessions (P6).
pub fn forbid_storing(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Cookie"));
}

fn with_body(status: StatusCode, kind: &'static str, body: Bytes) -> Response {
    let mut response = empty(status);
    *response.body_mut() = body;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_load(method: &Method, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect();
        is_page_load(method, &headers)
    }

    // S9
    #[test]
    fn only_a_person_loading_a_page_is_a_page_load() {
        let html = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
        assert!(page_load(&Method::GET, &[html]));
        assert!(page_load(
            &Method::GET,
            &[("sec-fetch-dest", "document"), ("accept", "*/*")]
        ));
        assert!(!page_load(&Method::POST, &[html]));
        assert!(!page_load(&Method::GET, &[("accept", "*/*")]));
        assert!(!page_load(&Method::GET, &[]));
        assert!(!page_load(
            &Method::GET,
            &[html, ("sec-fetch-dest", "empty")]
        ));
        assert!(!page_load(
            &Method::GET,
            &[html, ("sec-fetch-dest", "iframe")]
        ));
        assert!(!page_load(
            &Method::GET,
            &[html, ("x-requested-with", "XMLHttpRequest")]
        ));
    }

    #[test]
    fn a_doubled_field_is_no_field() {
        assert_eq!(Form(b"a=1&b=2").field("a").as_deref(), Some("1"));
        assert_eq!(Form(b"a=1&a=1").field("a"), None);
        assert_eq!(
            Form(b"a=%F0%9F%98%80+x").field("a").as_deref(),
            Some("😀 x")
        );
    }
}
