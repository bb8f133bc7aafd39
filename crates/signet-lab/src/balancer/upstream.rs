//! One instance as the balancer sees it: whether it is ready, its idle connections, its counters.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::{Either, Empty};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};

/// Body of a request on its way to an instance: none, or the client's, streamed.
pub(super) type Outgoing = Either<Empty<Bytes>, Incoming>;

/// Idle connections kept per instance; more are closed after use.
const IDLE_CONNECTIONS: usize = 128;

/// An instance behind the balancer.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) name: String,
    pub(super) address: SocketAddr,
    pub(super) counts: Counts,
    /// Wakes the probe before its time.
    pub(super) doubt: Notify,
    ready: watch::Sender<bool>,
    idle: Mutex<Vec<SendRequest<Outgoing>>>,
}

impl Upstream {
    pub(super) fn new(name: String, address: SocketAddr) -> Self {
        Self {
            name,
            address,
            counts: Counts::default(),
            doubt: Notify::new(),
            ready: watch::Sender::new(false),
            idle: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    pub(super) fn watch_ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Records whether the instance may be used; its idle connections do not outlive a "no".
    pub(super) fn set_ready(&self, ready: bool) {
        if self
            .ready
            .send_if_modified(|was| std::mem::replace(was, ready) != ready)
        {
            tracing::debug!(instance = %self.name, ready, "instance changed");
        }
        if !ready {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
        }
    }

    /// An idle connection that is not known to be closed.
    pub(super) async fn pooled(&self) -> Option<SendRequest<Outgoing>> {
        loop {
            let mut connection = self
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop()?;
            // It may still be finishing the answer before; a closed one says so here.
            if connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    /// Opens a connection.
    pub(super) async fn connect(&self) -> std::io::Result<SendRequest<Outgoing>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        self.counts.connections.fetch_add(1, Ordering::Relaxed);
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(std::io::Error::other)?;
        // Ends by itself: when the instance closes, or when the sender is dropped.
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Takes back a connection whose answer was read to the end.
    pub(super) fn give_back(&self, connection: SendRequest<Outgoing>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS && self.is_ready() && !connection.is_closed() {
            idle.push(connection);
        }
    }
}

/// What happened between the balancer and one instance.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) requests: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) failed: AtomicU64,
}

/// A reading of one instance's counters since the balancer started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// The instance's name.
    pub instance: String,
    /// Whether requests are sent to it now.
    pub ready: bool,
    /// Requests sent to it, repeated ones included.
    pub requests: u64,
    /// Connections opened to it for requests.
    pub connections: u64,
    /// Requests that another instance had to answer in its place.
    pub retried: u64,
    /// Requests that failed at it and could not be repeated.
    pub failed: u64,
}

impl Counters {
    pub(super) fn read(upstream: &Upstream) -> Self {
        let counts = &upstream.counts;
        Self {
            instance: upstream.name.clone(),
            ready: upstream.is_ready(),
            requests: counts.requests.load(Ordering::Relaxed),
            connections: counts.connections.load(Ordering::Relaxed),
            retried: counts.retried.load(Ordering::Relaxed),
            failed: counts.failed.load(Ordering::Relaxed),
        }
    }
}

/// An answer that is streamed on, and gives its connection back at its end.
#[derive(Debug)]
pub(super) struct Streamed {
    body: Incoming,
    lent: Option<(SendRequest<Outgoing>, Arc<Upstream>)>,
}

impl Streamed {
    pub(super) fn new(
        answer: Response<Incoming>,
        connection: SendRequest<Outgoing>,
        upstream: Arc<Upstream>,
    ) -> Response<Self> {
        answer.map(|body| {
            let mut streamed = Self {
                body,
                lent: Some((connection, upstream)),
            };
            if streamed.body.is_end_stream() {
                streamed.settle();
            }
            streamed
        })
    }

    fn settle(&mut self) {
        if let Some((connection, upstream)) = self.lent.take() {
            upstream.give_back(connection);
        }
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(None) => self.settle(),
            Poll::Ready(Some(Ok(_))) if self.body.is_end_stream() => self.settle(),
            Poll::Ready(Some(Err(_))) => drop(self.lent.take()),
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request whose connection is not yet chosen: enough to make it as often as needed.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) parts: http::request::Parts,
}

impl Template {
    /// The request without a body.
    pub(super) fn bare(&self) -> Request<Outgoing> {
        self.with(Either::Left(Empty::new()))
    }

    /// The request with the client's body, which exists only once.
    pub(super) fn with(&self, body: Outgoing) -> Request<Outgoing> {
        let mut request = Request::new(body);
        *request.method_mut() = self.parts.method.clone();
        *request.uri_mut() = self.parts.uri.clone();
        *request.headers_mut() = self.parts.headers.clone();
        request
    }
}
