//! A running instance, asked over HTTP: its Felix web console, and the resources of Sling.
//!
//! Shapes of requests and answers: apache/felix-dev, `webconsole`, and apache/sling-org-apache-sling-servlets-post.

mod access;
mod bundles;
mod configuration;
mod crypto;
mod csrf;
mod error;
mod health;
mod log;
mod quote;
mod renewal;
mod repository;
mod system;
#[cfg(test)]
pub(crate) mod testing;
mod url;

use std::sync::Arc;

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, REFERER, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use signet_core::Clock;
use signet_http::{Answer, Limits, Server};
use zeroize::Zeroizing;

pub use access::{Access, Credentials, CredentialsError};
pub use bundles::{BundleState, RunningBundle};
pub use configuration::{ChangeError, Configuration, Property, PropertyValue, Shape, Writing};
pub use csrf::{CsrfToken, SameHmac};
pub use error::{ConsoleError, ConsoleFault};
pub use health::{HealthResult, HealthStatus};
pub(crate) use quote::quoted;
pub use renewal::BundleAction;
pub use repository::{KeyShape, KeyWay, RepositoryKey, RepositoryKeyError};
pub use system::NotReady;
pub use url::{InstanceUrl, InstanceUrlError};

/// No answer is longer, in bytes: a console lists some hundred bundles in less than 1 MiB.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Not that of a browser, whose requests Sling's referrer filter and CSRF checks are for.
const AGENT: &str = concat!("signet/", env!("CARGO_PKG_VERSION"));

/// A running instance, and the right to ask it.
#[derive(Clone)]
pub struct Console {
    url: InstanceUrl,
    access: Access,
    clock: Arc<dyn Clock>,
}

impl Console {
    /// The instance at `url`. Nothing is asked yet.
    #[must_use]
    pub fn new(url: InstanceUrl, access: Access, clock: Arc<dyn Clock>) -> Self {
        Self { url, access, clock }
    }

    /// Where the instance is.
    #[must_use]
    pub const fn url(&self) -> &InstanceUrl {
        &self.url
    }

    /// Asks for `path` (with a query, perhaps), which begins with a slash. The answer has any status but those that
    /// say that nobody is logged in.
    ///
    /// # Errors
    ///
    /// There is no answer, or it says that the credentials are not good, or not enough.
    pub async fn get(&self, path: &str) -> Result<Answer, ConsoleError> {
        self.ask(Method::GET, path, &[], Bytes::new(), None).await
    }

    /// Sends a form to `path`. The answer has any status but those that say that nobody is logged in.
    ///
    /// # Errors
    ///
    /// As [`Console::get`].
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, ConsoleError> {
        self.post_with(path, &[], fields).await
    }

    /// The same with further headers.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(HeaderName, &str)],
        fields: &[(&str, &str)],
    ) -> Result<Answer, ConsoleError> {
        const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";
        self.ask(Method::POST, path, headers, form(fields), Some(FORM))
            .await
    }

    /// What an answer with status 200 holds.
    pub(crate) fn content(&self, path: &str, answer: Answer) -> Result<Bytes, ConsoleError> {
        let location = error::location(&answer);
        // None was asked for, and what is packed could be taken for a key that AEM obfuscated.
        if answer.status == StatusCode::OK && is_packed(&answer.headers) {
            let what = "it is compressed, which was not asked for";
            return Err(self.fault(path, ConsoleFault::Unreadable(what)));
        }
        match (answer.status, answer.body) {
            (StatusCode::OK, Some(body)) => Ok(body),
            (StatusCode::OK, None) => Err(self.fault(path, ConsoleFault::TooLong)),
            (StatusCode::NOT_FOUND, _) => Err(self.fault(path, ConsoleFault::Missing)),
            // A dispatcher or a proxy that leads to https, for example.
            (status, _) if status.is_redirection() => {
                Err(self.fault(path, ConsoleFault::Redirected { location }))
            }
            (status, _) => Err(self.fault(path, ConsoleFault::Status(status.as_u16()))),
        }
    }

    /// What was wrong with the answer to a request for `path`.
    pub(crate) fn fault(&self, path: &str, fault: ConsoleFault) -> ConsoleError {
        ConsoleError {
            url: self.url.join(path),
            fault,
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: Bytes,
        content_type: Option<&'static str>,
    ) -> Result<Answer, ConsoleError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self
            .url
            .target(path)
            .parse()
            .map_err(|_| self.fault(path, ConsoleFault::BadPath))?;
        let all = request.headers_mut();
        all.insert(ACCEPT, HeaderValue::from_static("*/*"));
        all.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if let Ok(referer) = HeaderValue::from_str(self.url.as_str()) {
            all.insert(REFERER, referer);
        }
        if let Some(content_type) = content_type {
            all.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Some(authorization) = self.access.authorization() {
            all.insert(AUTHORIZATION, authorization);
        }
        for (name, value) in headers {
            let value = HeaderValue::from_str(value)
                .map_err(|_| self.fault(path, ConsoleFault::BadPath))?;
            all.insert(name, value);
        }
        let server = Server {
            url: self.url.url(),
            ca_file: self.access.ca_file.as_deref(),
            plain: self.access.plain,
        };
        let limits = Limits {
            deadline: self.access.patience,
            longest_body: LONGEST_ANSWER,
        };
        let answer = signet_http::exchange(&server, request, limits, self.clock.now())
            .await
            .map_err(|error| self.fault(path, ConsoleFault::Exchange(error)))?;
        match error::refusal(&answer) {
            None => Ok(answer),
            Some(fault) => Err(self.fault(path, fault)),
        }
    }
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Whether something on the way compressed an answer.
fn is_packed(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// A form as its bytes, which are wiped after use: a field may be a secret.
fn form(fields: &[(&str, &str)]) -> Bytes {
    // Room for all of it at once, so that no copy is left behind by growing.
    let room = fields
        .iter()
        .map(|(name, value)| (name.len() + value.len()) * 3 + 2)
        .sum();
    let mut serializer = Serializer::new(String::with_capacity(room));
    serializer.extend_pairs(fields);
    Bytes::from_owner(Zeroizing::new(serializer.finish().into_bytes()))
}
