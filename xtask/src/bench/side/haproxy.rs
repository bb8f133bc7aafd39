//! HAProxy: `jwt_verify` and nothing else; expiry, issuer and audience are not even looked at.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::{Side, check, listening};
use crate::bench::Lane;
use crate::bench::cores::pinned;
use crate::bench::http::Request;
use crate::bench::process::free_port;
use crate::bench::{programs, sample_token};

pub(super) fn start(lane: &Lane<'_>, scratch: &Path) -> Result<Side> {
    let port = free_port()?;
    let config = scratch.join("haproxy.cfg");
    fs::write(&config, configuration(port))?;
    let mut command = pinned(lane.cores.server, programs::system("haproxy")?);
    // In the foreground, and quiet.
    command.arg("-db").arg("-q").arg("-f").arg(&config);
    let process = listening("haproxy", &mut command, port, scratch)?;
    let token = sample_token::make()?;
    let request =
        Request::get(port, "/auth/request").header("Authorization", format!("Bearer {token}"));
    check(&request, &token)?;
    Ok(Side {
        name: "haproxy",
        request,
        process,
    })
}

fn configuration(port: u16) -> String {
    format!(
        r#"global
    nbthread 1
    maxconn 1000
defaults
    mode http
    timeout client 60s
    timeout http-keep-alive 60s
frontend verdict
    bind 127.0.0.1:{port}
    http-request set-var(txn.token) http_auth_bearer
    http-request return status 200 if {{ var(txn.token),jwt_verify("HS256","{secret}") 1 }}
    http-request return status 401
"#,
        secret = sample_token::secret()
    )
}
