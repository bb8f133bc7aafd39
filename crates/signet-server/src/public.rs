//! The public listener: verdicts for proxies, pages for browsers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use signet_login::exchange::{self, LONGEST_FORM, empty, text};

use crate::connection::Answerer;
use crate::instance::{Instance, Readiness};

/// How long a client may take to send a form.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct PublicSite(pub(crate) Arc<Instance>);

impl Answerer for PublicSite {
    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Bytes> {
        let instance = &self.0;
        let (parts, body) = request.into_parts();
        match parts.uri.path() {
            // For load balancers, which often send no `Host`; they learn nothing but this.
            "/livez" => return text(StatusCode::OK, "alive\n"),
            "/readyz" => return ready(instance),
            _ => {}
        }
        if !instance.hosts.admit(&parts.headers) {
            return text(
                StatusCode::MISDIRECTED_REQUEST,
                "this server does not answer under that name; see public_url, login.redirect_hosts and listen.hosts\n",
            );
        }
        let verdict = instance
            .gate
            .verdict(&parts.method, &parts.uri, &parts.headers, peer.ip());
        if let Some(verdict) = verdict.await {
            return verdict;
        }
        let body = if parts.method == Method::POST {
            match read(body).await {
                Ok(body) => body,
                Err(status) => return empty(status),
            }
        } else {
            Bytes::new()
        };
        let client = instance.gate.client_address(&parts.headers, peer.ip());
        let request = exchange::Request {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            client,
            body,
        };
        instance.site.answer(&request).await
    }
}

fn ready(instance: &Instance) -> Response<Bytes> {
    match instance.state.readiness() {
        Readiness::Ready => text(StatusCode::OK, "ready\n"),
        // Why is told on the admin listener and in the log.
        _ => text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}

async fn read(body: Incoming) -> Result<Bytes, StatusCode> {
    let limited = Limited::new(body, LONGEST_FORM).collect();
    match tokio::time::timeout(BODY_PATIENCE, limited).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}
