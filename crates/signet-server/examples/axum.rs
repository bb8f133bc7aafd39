//! An axum service behind the gate: whoever reaches its handlers is a user that Signet has verified.
//!
//! ```text
//! cargo run -p signet-server --example axum -- ~/signet-data
//! ```
//!
//! Make the data directory with `signet serve --data ~/signet-data` first, log in once with the administrator's one-time
//! password, end the instance, and start this example in its place: it answers at the same address.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use signet_gate::GateLayer;
use signet_login::exchange::{self, LONGEST_FORM};
use signet_server::{DataDirectory, Instance, Overrides, system_clock};

#[tokio::main]
#[allow(clippy::print_stdout, reason = "an example tells where to look")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("signet-data"), PathBuf::from);
    let data = DataDirectory::open(&data)?;
    let config = data.config()?;
    let instance =
        Instance::open_existing(data, Overrides::default(), Arc::new(system_clock)).await?;
    let instance = Arc::new(instance);
    Arc::clone(&instance).follow();

    let protected = Router::new()
        .route("/hello", get(hello))
        // The one layer.
        .layer(GateLayer::new(instance.gate()));
    let service = Router::new()
        .fallback(login)
        .with_state(instance)
        .merge(protected)
        // The gate wants to know the peer, for throttling.
        .layer(middleware::from_fn(remember_peer));

    let listener = tokio::net::TcpListener::bind(config.listen.public).await?;
    println!("open {}/hello", config.public_url);
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}

/// The gate has removed what the client sent under this name.
async fn hello(headers: HeaderMap) -> String {
    let user = headers
        .get("remote-user")
        .and_then(|user| user.to_str().ok())
        .unwrap_or_default();
    format!("Hello {user}\n")
}

/// The login, the logout and the session page.
async fn login(
    State(instance): State<Arc<Instance>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_FORM).await else {
        return exchange::empty(axum::http::StatusCode::PAYLOAD_TOO_LARGE).map(Body::from);
    };
    let request = exchange::Request {
        method: parts.method,
        uri: parts.uri,
        client: instance.gate().client_address(&parts.headers, peer.ip()),
        headers: parts.headers,
        body,
    };
    instance.site().answer(&request).await.map(Body::from)
}

async fn remember_peer(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    request.extensions_mut().insert(peer);
    next.run(request).await
}
