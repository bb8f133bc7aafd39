//! One user's browser: a connection, a cookie jar, and the two things a user does here.

mod form;
mod jar;

use std::net::SocketAddr;
use std::time::Duration;

use http::header::{self, HeaderName};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

pub use self::jar::Jar;
use crate::balancer::INSTANCE_HEADER;

/// Name of the session cookie on plain http.
pub const SESSION_COOKIE: &str = "login-token";

/// The page that every logged-in user may see, and that says who it is.
const PAGE: &str = "/whoami";

/// A user's patience with one request.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser that speaks to one address, keeps the connection open and its cookies up to date.
#[derive(Debug)]
pub struct Browser {
    address: SocketAddr,
    jar: Jar,
    connection: Option<SendRequest<Full<Bytes>>>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// The instance that gave it, as the balancer says.
    pub instance: Option<String>,
    /// Its body.
    pub body: Bytes,
}

impl Browser {
    /// A browser without cookies.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            jar: Jar::default(),
            connection: None,
        }
    }

    /// Logs in through the form, as a person would.
    ///
    /// # Errors
    /// A [`BrowserError`] that says at which step it went wrong.
    pub async fn log_in(&mut self, user: &str, password: &str) -> Result<(), BrowserError> {
        let page = self.send(Method::GET, "/login", None).await?;
        if page.status != StatusCode::OK {
            return Err(BrowserError::Status {
                step: "the login page",
                status: page.status,
            });
        }
        let csrf = form::field(&String::from_utf8_lossy(&page.body), "csrf")
            .ok_or(BrowserError::NoField)?;
        let fields = [
            ("username", user),
            ("password", password),
            ("csrf", &csrf),
            ("rd", PAGE),
        ];
        let answer = self
            .send(Method::POST, "/login", Some(form::encode(&fields)))
            .await?;
        if !matches!(answer.status, StatusCode::SEE_OTHER | StatusCode::FOUND) {
            return Err(BrowserError::Status {
                step: "the login",
                status: answer.status,
            });
        }
        if self.session().is_none() {
            return Err(BrowserError::NoSession);
        }
        Ok(())
    }

    /// Loads the page that says who is logged in.
    /// It asks as for a document, so that the instance renews a token that is due.
    ///
    /// # Errors
    /// [`BrowserError::Connection`] or [`BrowserError::Slow`] where no whole answer came.
    pub async fn page(&mut self) -> Result<Answer, BrowserError> {
        self.send(Method::GET, PAGE, None).await
    }

    /// The session token it holds.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.jar
            .value(SESSION_COOKIE)
            .filter(|token| !token.is_empty())
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        form: Option<String>,
    ) -> Result<Answer, BrowserError> {
        let mut request = Request::new(Full::default());
        self.dress(request.headers_mut(), path, form.is_some())?;
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| BrowserError::Path)?;
        if let Some(form) = form {
            *request.body_mut() = Full::from(form);
        }
        // Without the connection in its place, an answer that is given up ends it.
        let exchanged = timeout(PATIENCE, self.exchange(request)).await;
        let (answer, headers) = exchanged.map_err(|_| BrowserError::Slow)??;
        self.jar.take(path, &headers);
        Ok(answer)
    }

    fn dress(
        &self,
        headers: &mut HeaderMap,
        path: &str,
        posting: bool,
    ) -> Result<(), BrowserError> {
        let text = |text: &str| text.parse().map_err(|_| BrowserError::Path);
        headers.insert(header::HOST, text(&self.address.to_string())?);
        headers.insert(
            header::ACCEPT,
            text("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")?,
        );
        headers.insert(HeaderName::from_static("sec-fetch-dest"), text("document")?);
        headers.insert(HeaderName::from_static("sec-fetch-mode"), text("navigate")?);
        headers.insert(
            HeaderName::from_static("sec-fetch-site"),
            text("same-origin")?,
        );
        if posting {
            headers.insert(header::ORIGIN, text(&format!("http://{}", self.address))?);
            headers.insert(
                header::CONTENT_TYPE,
                text("application/x-www-form-urlencoded")?,
            );
        }
        if let Some(cookies) = self.jar.header(path) {
            headers.insert(header::COOKIE, cookies);
        }
        Ok(())
    }

    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Answer, HeaderMap), BrowserError> {
        let mut connection = self.connect().await?;
        let answer = connection.send_request(request).await?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        self.connection = Some(connection);
        let instance = parts
            .headers
            .get(INSTANCE_HEADER)
            .and_then(|name| name.to_str().ok())
            .map(str::to_owned);
        Ok((
            Answer {
                status: parts.status,
                instance,
                body,
            },
            parts.headers,
        ))
    }

    async fn connect(&mut self) -> Result<SendRequest<Full<Bytes>>, BrowserError> {
        if let Some(mut connection) = self.connection.take()
            && connection.ready().await.is_ok()
        {
            return Ok(connection);
        }
        let stream = TcpStream::connect(self.address)
            .await
            .map_err(BrowserError::Connect)?;
        stream.set_nodelay(true).map_err(BrowserError::Connect)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// Why a user got no answer, or not the one a login leads to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrowserError {
    /// No connection could be opened.
    #[error("no connection")]
    Connect(#[source] std::io::Error),
    /// The connection broke, or what came was no HTTP.
    #[error("the connection broke")]
    Connection(#[from] hyper::Error),
    /// No whole answer within half a minute.
    #[error("no answer in 30 seconds")]
    Slow,
    /// An answer that a login does not lead to.
    #[error("{step} answered {status}")]
    Status {
        /// What was asked for.
        step: &'static str,
        /// What came.
        status: StatusCode,
    },
    /// The login page has no CSRF field.
    #[error("the login page has no field `csrf`")]
    NoField,
    /// The login was answered without a session cookie.
    #[error("the login was answered without a cookie `login-token`")]
    NoSession,
    /// An address that cannot be written into a request.
    #[error("not a path")]
    Path,
}
