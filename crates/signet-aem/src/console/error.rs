//! Why an instance did not give what it was asked for.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};
use signet_http::{Answer, ConnectionError, ExchangeError};

use super::quote::quoted;

/// Why an instance did not give what it was asked for.
#[derive(Debug)]
pub struct ConsoleError {
    /// What was asked for, without credentials.
    pub url: String,
    /// What came instead.
    pub fault: ConsoleFault,
}

impl fmt::Display for ConsoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.fault)
    }
}

impl Error for ConsoleError {
    // The fault is told with the URL; its cause comes next.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.source()
    }
}

/// What came instead of an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsoleFault {
    /// Nothing.
    #[error("there is no answer")]
    Exchange(#[source] ExchangeError),
    /// The credentials are not known there.
    #[error("the instance does not accept the credentials")]
    NotLoggedIn,
    /// A page to log in at: mostly what a request without credentials gets.
    #[error("a login page came instead of an answer")]
    LoginPage,
    /// Logged in, but without the right.
    #[error("this user may not do that, or a filter of the instance refuses the request")]
    Forbidden,
    /// It leads elsewhere. Credentials are not carried there.
    #[error("the answer leads elsewhere{}", to(location.as_deref()))]
    Redirected {
        /// Where it leads, without its query.
        location: Option<String>,
    },
    /// There is no such thing.
    #[error("there is no such thing on this instance")]
    Missing,
    /// Another status than was expected.
    #[error("the instance answers with status {0}")]
    Status(u16),
    /// More than is ever read.
    #[error("the answer is too long")]
    TooLong,
    /// The answer is not of the shape that is known of.
    #[error("the answer is not what a web console says: {0}")]
    Unreadable(&'static str),
    /// What was to be asked for cannot stand in a request.
    #[error("that cannot stand in a request")]
    BadPath,
}

impl ConsoleError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match &self.fault {
            ConsoleFault::Exchange(error) => error.hint(),
            ConsoleFault::NotLoggedIn | ConsoleFault::LoginPage => {
                "name a file with user:password of an administrator of this instance: --credentials FILE"
            }
            ConsoleFault::Forbidden => {
                "use an administrator; if it is one, look whether the referrer filter of Sling allows this host, and whether a dispatcher or proxy stands in between"
            }
            ConsoleFault::Redirected { .. } => {
                "give the URL that it leads to, if that is the instance itself and not a dispatcher before it"
            }
            ConsoleFault::Missing => {
                "is it AEM itself, with the web console switched on, and not a dispatcher before it? A context path belongs to the URL"
            }
            ConsoleFault::Status(503) => {
                "the instance is starting or stopping: try again in a minute"
            }
            ConsoleFault::Status(_) => "look into the error.log of the instance",
            _ => "is it AEM itself, and not something before it?",
        }
    }

    /// Whether there was no answer at all, as from an instance that does not run.
    #[must_use]
    pub const fn is_silence(&self) -> bool {
        matches!(self.fault, ConsoleFault::Exchange(_))
    }

    /// Whether nothing listens there. One that is slow, or not trusted, or breaks connections off may well run.
    #[must_use]
    pub const fn is_absence(&self) -> bool {
        matches!(
            self.fault,
            ConsoleFault::Exchange(ExchangeError::Connection(
                ConnectionError::Refused { .. }
                    | ConnectionError::Unreachable { .. }
                    | ConnectionError::Unresolved { .. }
            ))
        )
    }

    /// Whether the instance answers, and has not got everything up yet.
    #[must_use]
    pub const fn is_starting(&self) -> bool {
        matches!(self.fault, ConsoleFault::Status(503))
    }

    /// Whether it is only not there.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self.fault, ConsoleFault::Missing)
    }
}

fn to(location: Option<&str>) -> String {
    location.map_or_else(String::new, |location| format!(", to {location}"))
}

/// Whether an answer says that nobody, or the wrong one, is logged in.
pub(super) fn refusal(answer: &Answer) -> Option<ConsoleFault> {
    match answer.status {
        StatusCode::UNAUTHORIZED => Some(ConsoleFault::NotLoggedIn),
        StatusCode::FORBIDDEN => Some(ConsoleFault::Forbidden),
        status if status.is_redirection() => match location(answer) {
            Some(location) if location.contains("/login") => Some(ConsoleFault::LoginPage),
            // The console answers a saved configuration with a redirect to itself.
            Some(location) if location.contains("/system/console/") => None,
            location => Some(ConsoleFault::Redirected { location }),
        },
        StatusCode::OK if is_login_page(answer) => Some(ConsoleFault::LoginPage),
        _ => None,
    }
}

/// Where an answer leads, without what was asked, which may stand in the query.
pub(super) fn location(answer: &Answer) -> Option<String> {
    let location = answer.headers.get(LOCATION)?.to_str().ok()?;
    let end = location.find(['?', '#']).unwrap_or(location.len());
    Some(quoted(location.get(..end).unwrap_or_default()))
}

/// Sling's login forms send to `j_security_check`.
fn is_login_page(answer: &Answer) -> bool {
    const MARK: &[u8] = b"j_security_check";
    let is_html = answer
        .headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html"));
    let body = answer.body.as_deref().unwrap_or_default();
    is_html && memchr::memmem::find(body, MARK).is_some()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    use super::*;
    use crate::console::testing::{Reply, Script, console};

    fn answer(status: u16, location: Option<&str>, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/html;charset=utf-8"),
        );
        if let Some(location) = location {
            headers.insert(LOCATION, HeaderValue::from_str(location).unwrap());
        }
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Some(Bytes::copy_from_slice(body.as_bytes())),
        }
    }

    #[test]
    fn only_where_nothing_listens_nobody_is() {
        let error = |error: ConnectionError| ConsoleError {
            url: "http://localhost:4502".to_owned(),
            fault: ConsoleFault::Exchange(error.into()),
        };
        let authority = "localhost:4502".to_owned();
        let refused = error(ConnectionError::Refused {
            authority: authority.clone(),
        });
        assert!(refused.is_silence() && refused.is_absence());
        let slow = error(ConnectionError::TimedOut {
            authority,
            stage: signet_http::Stage::Answer,
            after: std::time::Duration::from_secs(60),
        });
        assert!(slow.is_silence() && !slow.is_absence());
    }

    #[test]
    fn a_login_page_is_no_answer() {
        let form = "<form action=\"/libs/granite/core/content/login.html/j_security_check\">";
        let refused = |status, location, body| refusal(&answer(status, location, body));
        assert!(matches!(
            refused(200, None, form),
            Some(ConsoleFault::LoginPage)
        ));
        assert!(matches!(
            refused(
                302,
                Some("/libs/granite/core/content/login.html?resource=%2F"),
                ""
            ),
            Some(ConsoleFault::LoginPage)
        ));
        assert!(matches!(
            refused(401, None, ""),
            Some(ConsoleFault::NotLoggedIn)
        ));
        assert!(matches!(
            refused(403, None, ""),
            Some(ConsoleFault::Forbidden)
        ));
        assert!(refused(200, None, "<p>fine</p>").is_none());
        assert!(refused(404, None, "").is_none());
        assert!(refused(302, Some("/system/console/configMgr"), "").is_none());
        let elsewhere = refused(301, Some("https://a.example/?token=1"), "").unwrap();
        assert_eq!(
            elsewhere.to_string(),
            "the answer leads elsewhere, to https://a.example/"
        );
    }

    // A dispatcher that leads to https keeps the path.
    #[tokio::test]
    async fn what_leads_elsewhere_is_no_answer_whatever_its_path() {
        const THERE: &str = "https://a.example/system/console/bundles.json";
        let script = Script::play(|_| Reply::redirect(&format!("{THERE}?a=b")));
        let error = console(&script).bundles().await.unwrap_err();
        let ConsoleFault::Redirected { location } = &error.fault else {
            panic!("{error}")
        };
        assert_eq!(location.as_deref(), Some(THERE));
        // The fault stands in the message already.
        assert!(error.source().is_none());
    }
}
