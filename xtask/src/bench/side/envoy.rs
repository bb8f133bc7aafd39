//! Envoy: the filter `jwt_authn` with a local key set. It knows `HS256`, so its token is the same as HAProxy's.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Side, check, listening};
use crate::bench::Lane;
use crate::bench::cores::pinned;
use crate::bench::http::Request;
use crate::bench::process::free_port;
use crate::bench::{programs, sample_token};

pub(super) fn start(lane: &Lane<'_>, scratch: &Path) -> Result<Side> {
    let port = free_port()?;
    let config = scratch.join("envoy.json");
    fs::write(&config, configuration(port).to_string())?;
    let mut command = pinned(lane.cores.server, programs::envoy(lane.tree)?);
    command
        .arg("--config-path")
        .arg(&config)
        .args(["--concurrency", "1"])
        .args(["--log-level", "error"])
        .arg("--disable-hot-restart");
    let process = listening("envoy", &mut command, port, scratch)?;
    let token = sample_token::make()?;
    let request =
        Request::get(port, "/auth/request").header("Authorization", format!("Bearer {token}"));
    check(&request, &token)?;
    Ok(Side {
        name: "envoy",
        request,
        process,
    })
}

fn configuration(port: u16) -> Value {
    let key_set = json!({
        "keys": [{
            "kty": "oct",
            "alg": "HS256",
            "kid": "one",
            "k": sample_token::secret_base64url(),
        }],
    });
    let verify = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {
            "farm": {
                "issuer": sample_token::ISSUER,
                "audiences": [sample_token::AUDIENCE],
                "local_jwks": { "inline_string": key_set.to_string() },
            },
        },
        "rules": [{
            "match": { "prefix": "/" },
            "requires": { "provider_name": "farm" },
        }],
    });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "verdict",
        "generate_request_id": false,
        "http_filters": [
            { "name": "envoy.filters.http.jwt_authn", "typed_config": verify },
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                },
            },
        ],
        "route_config": {
            "virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "routes": [{
                    "match": { "prefix": "/" },
                    "direct_response": { "status": 200 },
                }],
            }],
        },
    });
    json!({
        "static_resources": {
            "listeners": [{
                "address": {
                    "socket_address": { "address": "127.0.0.1", "port_value": port },
                },
                "filter_chains": [{
                    "filters": [{
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": manager,
                    }],
                }],
            }],
        },
    })
}
