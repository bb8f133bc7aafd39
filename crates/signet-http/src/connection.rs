//! One request to one server over a connection of its own, and where it got stuck.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use signet_core::UnixSeconds;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use crate::tls::{self, Pin, TlsError};
use crate::{ExchangeError, Server};

/// No head of an answer is longer, in bytes.
const LONGEST_HEAD: usize = 64 * 1_024;

/// How far a request had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The name of the host was being looked up.
    Lookup,
    /// The connection was being made.
    Connect,
    /// TLS was being agreed on.
    Handshake,
    /// The request was sent, and the answer awaited.
    Answer,
}

impl Stage {
    const fn words(self) -> &'static str {
        match self {
            Self::Lookup => "looking up its name",
            Self::Connect => "connecting",
            Self::Handshake => "agreeing on TLS",
            Self::Answer => "waiting for its answer",
        }
    }
}

/// Why the server could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The name of the host is not known.
    #[error("the name {host} does not resolve")]
    Unresolved {
        /// The host.
        host: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Nothing listens there.
    #[error("{authority} refuses connections")]
    Refused {
        /// Host and port.
        authority: String,
    },
    /// No way leads there.
    #[error("{authority} cannot be reached")]
    Unreachable {
        /// Host and port.
        authority: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It took too long.
    #[error("{authority} took longer than {} seconds ({})", after.as_secs_f32(), stage.words())]
    TimedOut {
        /// Host and port.
        authority: String,
        /// How far the request had come.
        stage: Stage,
        /// The time that was given.
        after: Duration,
    },
    /// The connection broke while it was in use.
    #[error("{authority} broke the connection off ({})", stage.words())]
    Lost {
        /// Host and port.
        authority: String,
        /// How far the request had come.
        stage: Stage,
        /// What the connection says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What came back is no HTTP.
    #[error("{authority} does not answer in HTTP")]
    NotHttp {
        /// Host and port.
        authority: String,
        /// What the parser says.
        #[source]
        source: hyper::Error,
    },
}

impl ConnectionError {
    /// A stable name of the kind of failure.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unresolved { .. } => "CLIENT_NAME_UNRESOLVED",
            Self::Refused { .. } => "CLIENT_CONNECTION_REFUSED",
            Self::Unreachable { .. } => "CLIENT_UNREACHABLE",
            Self::TimedOut { .. } => "CLIENT_TIMED_OUT",
            Self::Lost { .. } => "CLIENT_CONNECTION_LOST",
            Self::NotHttp { .. } => "CLIENT_NOT_HTTP",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unresolved { .. } => {
                "check the host in the URL, and that this machine can resolve names (getent hosts NAME)"
            }
            Self::Refused { .. } => "check host and port of the URL, and that the server runs",
            Self::Unreachable { .. } => "check the network, routes and firewall of this machine",
            Self::TimedOut {
                stage: Stage::Answer,
                ..
            } => "try again; if it stays slow, ask the operator of the server",
            Self::TimedOut { .. } => {
                "a firewall may drop what this machine sends: check that it may reach the server"
            }
            Self::Lost { .. } => {
                "try again; if it goes on, look for a proxy or firewall that ends connections"
            }
            Self::NotHttp { .. } => {
                "check scheme, host and port of the URL: something else listens there"
            }
        }
    }

    /// Whether the secret had left this machine.
    #[must_use]
    pub const fn was_sent(&self) -> bool {
        matches!(
            self,
            Self::TimedOut {
                stage: Stage::Answer,
                ..
            } | Self::Lost {
                stage: Stage::Answer,
                ..
            } | Self::NotHttp { .. }
        )
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// Nothing if it was longer than [`Limits::longest_body`].
    pub body: Option<Bytes>,
}

/// What a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The time for all of it, from looking up the name to the last byte of the answer.
    pub deadline: Duration,
    /// How long the body of the answer may be, in bytes.
    pub longest_body: usize,
}

/// Sends `request` to `server` and reads the whole answer. Redirects are answers like any other.
///
/// The request's URI is what stands in its first line: path and query. `Host` is set here.
///
/// # Errors
///
/// The server cannot be reached, cannot be trusted as of `now`, or does not answer in time.
pub async fn exchange(
    server: &Server<'_>,
    request: Request<Full<Bytes>>,
    limits: Limits,
    now: UnixSeconds,
) -> Result<Answer, ExchangeError> {
    within(server, request, limits, Trust::Roots(now)).await
}

/// The same with a server that is known by its certificate, and by nothing else: neither names nor times nor authorities
/// matter. A server that is asked in plain http shows none, so nothing is known about it.
///
/// # Errors
///
/// The server cannot be reached, shows another certificate, or does not answer in time.
pub async fn exchange_pinned(
    server: &Server<'_>,
    pinned: Pin,
    request: Request<Full<Bytes>>,
    limits: Limits,
) -> Result<Answer, ExchangeError> {
    within(server, request, limits, Trust::Pinned(pinned)).await
}

/// What makes a connection trusted.
#[derive(Clone, Copy, Debug)]
enum Trust {
    /// An authority that is trusted here, as of a time.
    Roots(UnixSeconds),
    /// The certificate itself.
    Pinned(Pin),
}

async fn within(
    server: &Server<'_>,
    request: Request<Full<Bytes>>,
    limits: Limits,
    trust: Trust,
) -> Result<Answer, ExchangeError> {
    let mut stage = Stage::Lookup;
    let work = talk(server, request, limits.longest_body, trust, &mut stage);
    match tokio::time::timeout(limits.deadline, work).await {
        Ok(answer) => answer,
        Err(_) => Err(ConnectionError::TimedOut {
            authority: server.authority(),
            stage,
            after: limits.deadline,
        }
        .into()),
    }
}

async fn talk(
    server: &Server<'_>,
    request: Request<Full<Bytes>>,
    longest_body: usize,
    trust: Trust,
    stage: &mut Stage,
) -> Result<Answer, ExchangeError> {
    let authority = server.authority();
    let config = match trust {
        _ if server.is_plain() => None,
        Trust::Roots(now) => Some(tls::client_config(server.ca_file, now)?),
        Trust::Pinned(pinned) => Some(tls::pinned_config(pinned)?),
    };
    let stream = connect(server, stage).await?;
    match config {
        None => {
            *stage = Stage::Answer;
            ask(TokioIo::new(stream), request, longest_body, authority).await
        }
        Some(config) => {
            *stage = Stage::Handshake;
            let host = server.host();
            let refused = |reason: String| TlsError::Refused {
                host: host.clone(),
                reason,
            };
            let name = ServerName::try_from(host.clone())
                .map_err(|_| refused("its name cannot stand in a certificate".to_owned()))?;
            let connector = TlsConnector::from(Arc::new(config));
            let stream = match connector.connect(name, stream).await {
                Ok(stream) => stream,
                Err(error) => {
                    return Err(match tls::explain(&error, &host) {
                        Some(error) => error.into(),
                        None => ConnectionError::Lost {
                            authority,
                            stage: Stage::Handshake,
                            source: error.into(),
                        }
                        .into(),
                    });
                }
            };
            *stage = Stage::Answer;
            ask(TokioIo::new(stream), request, longest_body, authority).await
        }
    }
}

async fn connect(server: &Server<'_>, stage: &mut Stage) -> Result<TcpStream, ConnectionError> {
    let host = server.host();
    let unresolved = |source| ConnectionError::Unresolved {
        host: host.clone(),
        source,
    };
    let found = lookup_host((host.as_str(), server.port()))
        .await
        .map_err(unresolved)?;
    // Where a loopback name leads elsewhere, plain http would show a secret to the network.
    let addresses: Vec<SocketAddr> = found
        .filter(|address| !server.stays_here() || address.ip().is_loopback())
        .collect();
    if addresses.is_empty() {
        return Err(unresolved(io::Error::from(io::ErrorKind::NotFound)));
    }
    *stage = Stage::Connect;
    TcpStream::connect(addresses.as_slice())
        .await
        .map_err(|source| {
            let authority = server.authority();
            match source.kind() {
                io::ErrorKind::ConnectionRefused => ConnectionError::Refused { authority },
                _ => ConnectionError::Unreachable { authority, source },
            }
        })
}

async fn ask(
    stream: TokioIo<impl AsyncRead + AsyncWrite + Unpin + Send + 'static>,
    mut request: Request<Full<Bytes>>,
    longest_body: usize,
    authority: String,
) -> Result<Answer, ExchangeError> {
    if let Ok(host) = HeaderValue::from_str(&authority) {
        request.headers_mut().insert(HOST, host);
    }
    let failed = |source: hyper::Error| {
        let authority = authority.clone();
        match source.is_parse() || source.is_parse_status() || source.is_parse_too_large() {
            true => ConnectionError::NotHttp { authority, source },
            false => ConnectionError::Lost {
                authority,
                stage: Stage::Answer,
                source: source.into(),
            },
        }
    };
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(LONGEST_HEAD)
        .handshake(stream)
        .await
        .map_err(failed)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(failed)?;
        let (head, body) = response.into_parts();
        let body = read(&head.headers, body, longest_body, &authority).await?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    };
    // The connection makes progress only while it is polled, and it is of no use after the answer.
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        _ = connection => exchange.await,
    }
}

async fn read(
    headers: &HeaderMap,
    body: Incoming,
    longest: usize,
    authority: &str,
) -> Result<Option<Bytes>, ExchangeError> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > longest) {
        return Ok(None);
    }
    match Limited::new(body, longest).collect().await {
        Ok(whole) => Ok(Some(whole.to_bytes())),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Ok(None),
        Err(source) => Err(ConnectionError::Lost {
            authority: authority.to_owned(),
            stage: Stage::Answer,
            source,
        }
        .into()),
    }
}
