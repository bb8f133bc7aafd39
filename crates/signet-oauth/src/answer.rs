//! What the endpoint answers: a token (RFC 6749, section 5.1), or a reason (section 5.2), or something else altogether.

mod looks;

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde_json::{Map, Value};
use signet_core::{Seconds, UnixSeconds};
use signet_http::Answer;
use url::Url;

use crate::clock::retry_after;
use crate::quote::Confidential;
use crate::{AccessToken, Quote};

pub use looks::Looks;

/// No answer with a token is longer, in bytes.
pub(crate) const LONGEST_ANSWER: usize = 64 * 1_024;

/// Nobody waits for longer; how much longer does not matter.
const LONGEST_WAIT: Seconds = Seconds(86_400);

/// What the endpoint gave.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) access_token: SecretString,
    /// How long the token lives, if the endpoint says so.
    pub(crate) expires_in: Option<Seconds>,
    /// What it is good for, if that is not what was asked for.
    pub(crate) scope: Option<Quote>,
}

/// Why the answer holds no usable token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The endpoint refuses, with one of the words of RFC 6749, section 5.2, or another.
    #[error("the endpoint answers {refusal}{}", described(description.as_ref()))]
    Refused {
        /// The word.
        refusal: Refusal,
        /// What the endpoint says about it.
        description: Option<Quote>,
    },
    /// The endpoint asks for patience.
    #[error("the endpoint answers {status}: too many requests{}", wait(*retry_after))]
    RateLimited {
        /// The status, 429.
        status: u16,
        /// How long to wait, if it says so.
        retry_after: Option<Seconds>,
    },
    /// The endpoint is down for a while.
    #[error("the endpoint answers {status}: it is not available{}", wait(*retry_after))]
    Unavailable {
        /// The status, 502, 503 or 504.
        status: u16,
        /// How long to wait, if it says so.
        retry_after: Option<Seconds>,
    },
    /// The endpoint leads elsewhere. A secret is not carried there.
    #[error("the endpoint answers {status} and leads {}", target(to.as_ref()))]
    Redirected {
        /// The status, 3xx.
        status: u16,
        /// Scheme, host and path of where to, if that is a URL.
        to: Option<Quote>,
    },
    /// The answer is longer than an answer with a token ever is.
    #[error("the endpoint answers {status} with more than {} KiB", LONGEST_ANSWER / 1_024)]
    TooLarge {
        /// The status.
        status: u16,
    },
    /// The answer is something else than JSON.
    #[error("the endpoint answers {status} with {looks} instead of JSON")]
    NotJson {
        /// The status.
        status: u16,
        /// What it is.
        looks: Looks,
    },
    /// The answer is a failure without a reason.
    #[error("the endpoint answers {status} and gives no reason")]
    Unexplained {
        /// The status.
        status: u16,
    },
    /// JSON, and a success, but no token.
    #[error("the endpoint answers {status} without an access_token")]
    NoToken {
        /// The status.
        status: u16,
    },
    /// The token has characters that no token has (RFC 6749, appendix A.12).
    #[error("the access_token of the endpoint is empty or has characters that no token has")]
    MalformedToken,
    /// The token is to be presented in a way that programs do not know.
    #[error("the token_type of the endpoint is {} instead of Bearer", found.as_ref().map_or("missing", Quote::as_str))]
    TokenType {
        /// The type.
        found: Option<Quote>,
    },
}

/// The word of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The request lacks something, or has something twice.
    InvalidRequest,
    /// Unknown client, or wrong secret, or another way to authenticate is expected.
    InvalidClient,
    /// The grant, or in some servers the signed statement, is not good.
    InvalidGrant,
    /// The client may not use client credentials.
    UnauthorizedClient,
    /// The server does not know client credentials.
    UnsupportedGrantType,
    /// The scope is unknown, malformed or more than the client may have.
    InvalidScope,
    /// Another word.
    Other(Quote),
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::Other(word) => word.as_str(),
        })
    }
}

impl AnswerError {
    /// A stable name of the kind of failure.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused { refusal, .. } => match refusal {
                Refusal::InvalidRequest => "CLIENT_INVALID_REQUEST",
                Refusal::InvalidClient => "CLIENT_INVALID_CLIENT",
                Refusal::InvalidGrant => "CLIENT_INVALID_GRANT",
                Refusal::UnauthorizedClient => "CLIENT_UNAUTHORIZED",
                Refusal::UnsupportedGrantType => "CLIENT_UNSUPPORTED_GRANT_TYPE",
                Refusal::InvalidScope => "CLIENT_INVALID_SCOPE",
                Refusal::Other(_) => "CLIENT_REFUSED",
            },
            Self::RateLimited { .. } => "CLIENT_RATE_LIMITED",
            Self::Unavailable { .. } => "CLIENT_ENDPOINT_UNAVAILABLE",
            Self::Redirected { .. } => "CLIENT_REDIRECTED",
            Self::TooLarge { .. } => "CLIENT_ANSWER_TOO_LARGE",
            Self::NotJson { .. } => "CLIENT_ANSWER_NOT_JSON",
            Self::Unexplained { .. } => "CLIENT_ANSWER_UNEXPLAINED",
            Self::NoToken { .. } => "CLIENT_ANSWER_WITHOUT_TOKEN",
            Self::MalformedToken => "CLIENT_TOKEN_MALFORMED",
            Self::TokenType { .. } => "CLIENT_TOKEN_TYPE",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Refused { refusal, .. } => match refusal {
                Refusal::InvalidClient => {
                    "the secret opens here, so the keys are not the reason: compare client id, secret and auth with what the endpoint has; the secret may have been changed or have run out there"
                }
                Refusal::InvalidScope => {
                    "compare scope with what the client may have at the endpoint"
                }
                Refusal::UnauthorizedClient => {
                    "let the client use the grant client_credentials (server to server) at the endpoint"
                }
                Refusal::UnsupportedGrantType => {
                    "the endpoint does not know the grant client_credentials: check token_endpoint"
                }
                Refusal::InvalidRequest => {
                    "compare auth, scope and token_endpoint with what the endpoint documents"
                }
                Refusal::InvalidGrant | Refusal::Other(_) => {
                    "look the word up in what the endpoint documents, or ask its operator"
                }
            },
            Self::RateLimited { .. } => {
                "wait; if it comes back, look for what asks so often: tokens are cached, so one instance asks once in the life of a token"
            }
            Self::Unavailable { .. } => "wait, and look at the status page of the endpoint",
            Self::Redirected { .. } => {
                "write the address of the endpoint itself into token_endpoint; a secret is not carried to another address"
            }
            Self::TooLarge { .. } | Self::NoToken { .. } => {
                "check token_endpoint: something else seems to answer there"
            }
            Self::NotJson { status, .. } => match status {
                404 | 405 => "check the path of token_endpoint: there is no token endpoint",
                407 => "a proxy stands before the endpoint and wants to be logged in to",
                _ => {
                    "check token_endpoint: a login page, a proxy or an error page seems to answer in its place"
                }
            },
            Self::Unexplained { .. } | Self::MalformedToken => {
                "ask the operator of the endpoint, whose log says more"
            }
            Self::TokenType { .. } => {
                "let the endpoint give Bearer tokens to this client (RFC 6750)"
            }
        }
    }
}

/// Finds the token in an answer that came at `now`, or why there is none.
///
/// # Errors
/// Why the answer holds no usable token.
pub fn read_answer(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixSeconds,
) -> Result<AccessToken, AnswerError> {
    let answer = Answer {
        status,
        headers: headers.clone(),
        body: (body.len() <= LONGEST_ANSWER).then(|| body.to_vec().into()),
    };
    read(&answer, &Confidential::default(), now).map(|granted| AccessToken::new(granted, now))
}

/// Finds the token in an answer, or why there is none. `confidential` is what was sent.
pub(crate) fn read(
    answer: &Answer,
    confidential: &Confidential,
    now: UnixSeconds,
) -> Result<Granted, AnswerError> {
    let status = answer.status.as_u16();
    if answer.status.is_redirection() {
        return Err(AnswerError::Redirected {
            status,
            to: location(&answer.headers, confidential),
        });
    }
    if answer.status == StatusCode::TOO_MANY_REQUESTS {
        return Err(AnswerError::RateLimited {
            status,
            retry_after: retry_after(&answer.headers, now),
        });
    }
    let body = answer
        .body
        .as_deref()
        .ok_or(AnswerError::TooLarge { status })?;
    let document = serde_json::from_slice::<Map<String, Value>>(body);
    if let Ok(document) = &document
        && let Some(refused) = refused(document, confidential)
    {
        return Err(refused);
    }
    if matches!(status, 502..=504) {
        return Err(AnswerError::Unavailable {
            status,
            retry_after: retry_after(&answer.headers, now),
        });
    }
    let Ok(document) = document else {
        let kind = answer.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        return Err(AnswerError::NotJson {
            status,
            looks: Looks::of(kind, body, confidential),
        });
    };
    if !answer.status.is_success() {
        return Err(AnswerError::Unexplained { status });
    }
    granted(document, status, confidential)
}

fn granted(
    mut document: Map<String, Value>,
    status: u16,
    confidential: &Confidential,
) -> Result<Granted, AnswerError> {
    let Some(Value::String(token)) = document.remove("access_token") else {
        return Err(AnswerError::NoToken { status });
    };
    let token = SecretString::from(token);
    if !is_token(&token) {
        return Err(AnswerError::MalformedToken);
    }
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    let kind = text("token_type");
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(AnswerError::TokenType {
            found: kind.map(|kind| confidential.quote(kind)),
        });
    }
    Ok(Granted {
        expires_in: document.get("expires_in").and_then(seconds),
        scope: text("scope").map(|scope| confidential.quote(scope)),
        access_token: token,
    })
}

/// Some servers write the number as text, and some with a fraction.
fn seconds(value: &Value) -> Option<Seconds> {
    match value {
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
    .map(Seconds)
}

fn is_token(token: &SecretString) -> bool {
    use secrecy::ExposeSecret as _;
    let token = token.expose_secret();
    !token.is_empty() && token.bytes().all(|b| matches!(b, 0x21..=0x7e))
}

fn refused(document: &Map<String, Value>, confidential: &Confidential) -> Option<AnswerError> {
    let word = document.get("error")?.as_str()?;
    let refusal = match word {
        "invalid_request" => Refusal::InvalidRequest,
        "invalid_client" => Refusal::InvalidClient,
        "invalid_grant" => Refusal::InvalidGrant,
        "unauthorized_client" => Refusal::UnauthorizedClient,
        "unsupported_grant_type" => Refusal::UnsupportedGrantType,
        "invalid_scope" => Refusal::InvalidScope,
        other => Refusal::Other(confidential.quote(other)),
    };
    let description = document.get("error_description").and_then(Value::as_str);
    let description = description.map(|text| confidential.quote(text));
    Some(AnswerError::Refused {
        refusal,
        description: description.filter(|quote| !quote.as_str().is_empty()),
    })
}

/// Where a redirection leads, without its query, which may hold anything.
fn location(headers: &HeaderMap, confidential: &Confidential) -> Option<Quote> {
    let text = headers.get(LOCATION)?.to_str().ok()?;
    let mut url = Url::parse(text).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    let bare = url.username().is_empty() && url.password().is_none();
    bare.then(|| confidential.quote(url.as_str()))
}

fn described(description: Option<&Quote>) -> String {
    description.map_or_else(String::new, |words| format!(": {words}"))
}

fn wait(retry_after: Option<Seconds>) -> String {
    match retry_after {
        None => String::new(),
        Some(span) if span > LONGEST_WAIT => ", try again in more than a day".to_owned(),
        Some(span) => format!(", try again in {span}"),
    }
}

fn target(to: Option<&Quote>) -> String {
    to.map_or_else(|| "elsewhere".to_owned(), |to| format!("to {to}"))
}

#[cfg(test)]
mod tests;
