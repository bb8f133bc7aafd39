//! The admin listener: metrics, health, and why an instance is not ready. Loopback by default; the console comes here.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use signet_login::Route;
use signet_login::exchange::{empty, text};

use crate::connection::Answerer;
use crate::health::{self, Rounds};
use crate::hosts::HostNames;
use crate::instance::{Instance, Readiness};
use crate::metrics;

/// What can be asked for, for the reference.
pub(crate) const ROUTES: [Route; 4] = [
    Route {
        method: "GET",
        path: "/metrics",
        summary: "metrics in the OpenMetrics text format",
    },
    Route {
        method: "GET",
        path: health::PATH,
        summary: "what is wrong here, in the shape of Felix health checks: `tags`, `names`, `format` (`json`, `txt`, `verbose.txt`), `httpStatus`, `combineTagsWithOr`, `forceInstantExecution`, `timeout`",
    },
    Route {
        method: "GET",
        path: "/livez",
        summary: "200 while the process answers",
    },
    Route {
        method: "GET",
        path: "/readyz",
        summary: "200 when requests should be sent here, else 503 and why not",
    },
];

pub(crate) struct AdminSite {
    pub(crate) instance: Arc<Instance>,
    pub(crate) hosts: HostNames,
    pub(crate) rounds: Rounds,
}

impl Answerer for AdminSite {
    async fn answer(&self, request: Request<Incoming>, _peer: SocketAddr) -> Response<Bytes> {
        if !self.hosts.admit(request.headers()) {
            return text(
                StatusCode::MISDIRECTED_REQUEST,
                "this server does not answer under that name\n",
            );
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        match request.uri().path() {
            "/metrics" => metrics(&self.instance).await,
            "/livez" => text(StatusCode::OK, "alive\n"),
            "/readyz" => ready(self.instance.state.readiness()),
            path if path.starts_with(health::PATH) => {
                health::answer(&self.instance, &self.rounds, request.uri()).await
            }
            _ => text(
                StatusCode::NOT_FOUND,
                "there is /metrics, /system/health, /livez and /readyz\n",
            ),
        }
    }
}

fn ready(readiness: Readiness) -> Response<Bytes> {
    let status = match readiness {
        Readiness::Ready => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = text(status, "");
    *response.body_mut() = format!("{}\n", readiness.as_str()).into();
    response
}

async fn metrics(instance: &Instance) -> Response<Bytes> {
    let keys = instance.key_census().await;
    let Ok(document) = metrics::document(instance, &keys) else {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = text(StatusCode::OK, "");
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8"),
    );
    *response.body_mut() = document.into();
    response
}
