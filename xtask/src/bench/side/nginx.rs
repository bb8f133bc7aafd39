//! nginx: a bare 204, to see what a fast server does that decides nothing.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use super::{Side, listening};
use crate::bench::Lane;
use crate::bench::cores::pinned;
use crate::bench::http::Request;
use crate::bench::process::free_port;
use crate::bench::programs;

pub(super) fn start(lane: &Lane<'_>, scratch: &Path) -> Result<Side> {
    let port = free_port()?;
    let config = scratch.join("nginx.conf");
    fs::write(&config, configuration(port, scratch))?;
    let mut command = pinned(lane.cores.server, programs::system("nginx")?);
    command.arg("-c").arg(&config).arg("-e").arg("stderr");
    let process = listening("nginx", &mut command, port, scratch)?;
    let request = Request::get(port, "/auth/request");
    let status = request.status()?;
    ensure!(status == 204, "answers {status}");
    Ok(Side {
        name: "nginx",
        request,
        process,
    })
}

fn configuration(port: u16, scratch: &Path) -> String {
    let scratch = scratch.display();
    // One process, which is then the worker: there is a single process to end.
    format!(
        "daemon off;
master_process off;
worker_processes 1;
pid {scratch}/nginx.pid;
error_log stderr;
events {{ worker_connections 1000; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {scratch}/nginx-body;
    proxy_temp_path {scratch}/nginx-proxy;
    fastcgi_temp_path {scratch}/nginx-fastcgi;
    uwsgi_temp_path {scratch}/nginx-uwsgi;
    scgi_temp_path {scratch}/nginx-scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 204; }}
    }}
}}
"
    )
}
