//! The way of one request: choose, send, and repeat where that is harmless.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use tokio::time::timeout;

use super::headers::{set_forwarded, strip_hop_by_hop};
use super::page;
use super::policy::{BalancePolicy, sticky_cookie, take_sticky};
use super::shared::Shared;
use super::upstream::{Outgoing, Streamed, Template, Upstream};

/// Body of an answer on its way to the client.
pub(super) type Answer = Either<Full<Bytes>, Streamed>;

/// Names the instance that answered, for people and tests.
pub const INSTANCE_HEADER: &str = "lab-instance";

/// Answers up to this many bytes to repeatable requests are read whole before the client sees
/// their first byte, so that an instance dying in the middle of one is still nobody's loss.
const HELD_ANSWER: u64 = 256 * 1024;

/// Why an instance gave no answer.
enum Failure {
    /// No connection could be opened: the instance never heard of the request.
    Unreachable,
    /// The connection ended before the request was written; the request comes back.
    Unsent(Box<Request<Outgoing>>),
    /// The connection broke, or the answer did not come in time, after bytes were written.
    Broken,
}

impl Shared {
    /// Answers one request of a client.
    pub(super) async fn answer(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Response<Answer> {
        let (mut parts, body) = request.into_parts();
        let Some(host) = host_of(&parts) else {
            return page::refusal(StatusCode::BAD_REQUEST);
        };
        if parts.method == Method::CONNECT {
            return page::refusal(StatusCode::METHOD_NOT_ALLOWED);
        }
        parts.uri = origin_form(&parts.uri);
        strip_hop_by_hop(&mut parts.headers);
        set_forwarded(&mut parts.headers, peer, &host);
        parts.headers.insert(header::HOST, host);
        let named = match self.policy() {
            BalancePolicy::RoundRobin => None,
            BalancePolicy::Sticky => Some(take_sticky(&mut parts.headers)),
        };
        let wanted = named.as_ref().and_then(Option::as_deref);

        let idempotent = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let template = Template { parts };
        let answered = if idempotent && body.is_end_stream() {
            self.repeatable(&template, wanted).await
        } else {
            self.once(&template, body, wanted).await
        };
        let (mut answer, upstream) = match answered {
            Ok(answered) => answered,
            Err(status) => return page::refusal(status),
        };

        strip_hop_by_hop(answer.headers_mut());
        *answer.version_mut() = Version::HTTP_11;
        if let Ok(name) = HeaderValue::from_str(&upstream.name) {
            answer
                .headers_mut()
                .insert(HeaderName::from_static(INSTANCE_HEADER), name);
        }
        if let Some(named) = named
            && named.as_deref() != Some(upstream.name.as_str())
            && let Some(cookie) = sticky_cookie(&upstream.name)
        {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        answer
    }

    /// A request that may be sent twice: on failure, or where an instance says that it cannot
    /// answer, another instance is asked once.
    async fn repeatable(
        &self,
        template: &Template,
        wanted: Option<&str>,
    ) -> Result<(Response<Answer>, Arc<Upstream>), StatusCode> {
        let first = self
            .choose(wanted, None)
            .ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
        let answer = self.ask(&first, template).await;
        if answer
            .as_ref()
            .is_ok_and(|answer| !is_unavailable(answer.status()))
        {
            return answer
                .map(|answer| (answer, first))
                .map_err(|_| StatusCode::BAD_GATEWAY);
        }
        first.doubt.notify_one();
        let Some(second) = self.choose(None, Some(&first)) else {
            first.counts.failed.fetch_add(1, Ordering::Relaxed);
            return answer
                .map(|answer| (answer, first))
                .map_err(|_| StatusCode::BAD_GATEWAY);
        };
        first.counts.retried.fetch_add(1, Ordering::Relaxed);
        match self.ask(&second, template).await {
            Ok(answer) => Ok((answer, second)),
            Err(_) => {
                second.counts.failed.fetch_add(1, Ordering::Relaxed);
                second.doubt.notify_one();
                Err(StatusCode::BAD_GATEWAY)
            }
        }
    }

    /// One instance's answer to a repeatable request, on an idle connection if there is one.
    /// An idle connection may have been closed at the other end meanwhile, so its failure
    /// says nothing about the instance: a fresh one decides.
    async fn ask(
        &self,
        upstream: &Arc<Upstream>,
        template: &Template,
    ) -> Result<Response<Answer>, Failure> {
        if let Some(connection) = upstream.pooled().await
            && let Ok(answer) = self.exchange(upstream, connection, template.bare()).await
        {
            return Ok(answer);
        }
        let connection = self.connect(upstream).await?;
        self.exchange(upstream, connection, template.bare()).await
    }

    /// A request that must not be repeated once any of it was sent.
    /// It takes a fresh connection, since an idle one could end under it unnoticed; where none
    /// can be opened, another instance gets it.
    async fn once(
        &self,
        template: &Template,
        body: Incoming,
        wanted: Option<&str>,
    ) -> Result<(Response<Answer>, Arc<Upstream>), StatusCode> {
        let mut upstream = self
            .choose(wanted, None)
            .ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
        let mut request = Box::new(template.with(Either::Right(body)));
        let mut moved = false;
        loop {
            let sent = match self.connect(&upstream).await {
                Ok(connection) => self.stream(&upstream, connection, *request).await,
                Err(Failure::Unreachable) => Err(Failure::Unsent(request)),
                Err(other) => Err(other),
            };
            match sent {
                Ok(answer) => return Ok((answer, upstream)),
                Err(Failure::Unsent(unsent)) if !moved => {
                    let Some(other) = self.choose(None, Some(&upstream)) else {
                        break;
                    };
                    upstream.counts.retried.fetch_add(1, Ordering::Relaxed);
                    upstream = other;
                    request = unsent;
                    moved = true;
                }
                Err(_) => break,
            }
        }
        upstream.counts.failed.fetch_add(1, Ordering::Relaxed);
        upstream.doubt.notify_one();
        Err(StatusCode::BAD_GATEWAY)
    }

    async fn connect(&self, upstream: &Upstream) -> Result<SendRequest<Outgoing>, Failure> {
        match timeout(self.limits.connect, upstream.connect()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(_)) | Err(_) => {
                // Only a connection refused now is proof: one that breaks may be an old one.
                upstream.set_ready(false);
                Err(Failure::Unreachable)
            }
        }
    }

    /// Sends and reads the whole answer if it is small.
    async fn exchange(
        &self,
        upstream: &Arc<Upstream>,
        connection: SendRequest<Outgoing>,
        request: Request<Outgoing>,
    ) -> Result<Response<Answer>, Failure> {
        let answer = self.stream(upstream, connection, request).await?;
        let (parts, body) = answer.into_parts();
        if body
            .size_hint()
            .exact()
            .is_none_or(|size| size > HELD_ANSWER)
        {
            return Ok(Response::from_parts(parts, body));
        }
        let held = timeout(self.limits.answer, body.collect())
            .await
            .map_err(|_| Failure::Broken)?
            .map_err(|_| Failure::Broken)?;
        Ok(Response::from_parts(
            parts,
            Either::Left(Full::new(held.to_bytes())),
        ))
    }

    async fn stream(
        &self,
        upstream: &Arc<Upstream>,
        mut connection: SendRequest<Outgoing>,
        request: Request<Outgoing>,
    ) -> Result<Response<Answer>, Failure> {
        upstream.counts.requests.fetch_add(1, Ordering::Relaxed);
        match timeout(self.limits.answer, connection.try_send_request(request)).await {
            Ok(Ok(answer)) => {
                let answer = Streamed::new(answer, connection, Arc::clone(upstream));
                Ok(answer.map(Either::Right))
            }
            Ok(Err(mut error)) => match error.take_message() {
                Some(request) => Err(Failure::Unsent(Box::new(request))),
                None => Err(Failure::Broken),
            },
            Err(_) => Err(Failure::Broken),
        }
    }
}

/// What an instance answers that is stopping, or that lost what stands behind it.
fn is_unavailable(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE
    )
}

/// The host the client asked for: the target's own where it names one (RFC 9112, section 3.2.2).
fn host_of(parts: &http::request::Parts) -> Option<HeaderValue> {
    if let Some(authority) = parts.uri.authority() {
        return HeaderValue::from_str(authority.as_str()).ok();
    }
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = hosts.next()?;
    hosts.next().is_none().then(|| host.clone())
}

fn origin_form(uri: &Uri) -> Uri {
    uri.path_and_query()
        .map_or_else(|| Uri::from_static("/"), |path| Uri::from(path.clone()))
}
