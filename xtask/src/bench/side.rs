//! The servers that are measured side by side, each on the same core.

mod envoy;
mod haproxy;
mod nginx;
mod signet;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::Lane;
use super::http::Request;
use super::instance::Instance;
use super::process::Process;
use super::sample_token::spoilt;

const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A server and the request that it is measured with.
pub(super) struct Side {
    pub(super) name: &'static str,
    pub(super) request: Request,
    process: Process,
}

/// All of them.
pub(super) struct Sides {
    pub(super) signet: Side,
    pub(super) haproxy: Side,
    pub(super) nginx: Side,
    pub(super) envoy: Side,
}

impl Side {
    /// The process that answers.
    pub(super) fn process(&self) -> u32 {
        self.process.id()
    }
}

impl Sides {
    /// Starts all, and makes sure that each answers rightly: who verifies nothing is fast.
    pub(super) fn start(lane: &Lane<'_>, instance: &Instance, scratch: &Path) -> Result<Self> {
        Ok(Self {
            signet: signet::start(lane, instance, scratch).context("signet")?,
            haproxy: haproxy::start(lane, scratch).context("haproxy")?,
            nginx: nginx::start(lane, scratch).context("nginx")?,
            envoy: envoy::start(lane, scratch).context("envoy")?,
        })
    }

    pub(super) fn all(&self) -> [&Side; 4] {
        [&self.signet, &self.haproxy, &self.nginx, &self.envoy]
    }
}

/// Starts a peer and waits until it listens.
fn listening(name: &str, command: &mut Command, port: u16, scratch: &Path) -> Result<Process> {
    let mut process = Process::start(name, command, scratch)?;
    let any = Request::get(port, "/");
    process.wait_until(PATIENCE, LOOK_EVERY, || any.status().is_ok())?;
    Ok(process)
}

/// Makes sure that a token is accepted in `request`, and that neither its absence nor a spoilt one is.
fn check(request: &Request, token: &str) -> Result<()> {
    let with = |change: &dyn Fn(&str) -> Option<String>| {
        let mut changed = request.clone();
        changed.headers = request
            .headers
            .iter()
            .filter_map(|(name, value)| Some((*name, change(value)?)))
            .collect();
        changed.status()
    };
    let good = request.status()?;
    ensure!(good == 200, "answers {good} to a good token");
    let without = with(&|_| None)?;
    ensure!(without == 401, "answers {without} without a token");
    let bad = with(&|value| Some(value.replace(token, &spoilt(token))))?;
    ensure!(bad == 401, "answers {bad} to a spoilt token");
    Ok(())
}
