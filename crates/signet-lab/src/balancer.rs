//! A small HTTP/1.1 balancer in front of the publish instances.
//!
//! It does what one would set HAProxy or nginx up to do here: it sends requests to instances
//! that say they are ready, by turns or stickily, repeats a harmless request once elsewhere when
//! an instance breaks under it, and tells the instances where a request came from.

mod forward;
mod headers;
mod listener;
mod page;
mod policy;
mod probe;
mod shared;
mod upstream;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub use self::forward::INSTANCE_HEADER;
pub use self::policy::{BalancePolicy, STICKY_COOKIE, UnknownPolicy};
pub(crate) use self::probe::is_ready;
pub use self::shared::Limits;
use self::shared::Shared;
pub use self::upstream::Counters;
use self::upstream::Upstream;
use crate::error::LabError;
use crate::ports;

/// What a balancer is started with.
#[derive(Debug, Clone)]
pub struct BalancerConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How it chooses.
    pub policy: BalancePolicy,
    /// The instances: name and address, in the order of their turns.
    pub instances: Vec<(String, SocketAddr)>,
    /// Its bounds.
    pub limits: Limits,
}

/// A running balancer; dropping it ends it at once, [`Balancer::stop`] lets requests finish.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    // Held for its drop: the probes end with the balancer.
    _probes: JoinSet<()>,
}

impl Balancer {
    /// Binds the listener and starts to look at the instances.
    /// None of them is used before it has said that it is ready.
    ///
    /// # Errors
    /// [`LabError::PortInUse`] or [`LabError::Listen`] where the address cannot be bound.
    pub async fn start(config: BalancerConfig) -> Result<Self, LabError> {
        let listener = ports::listen("the balancer", config.listen).await?;
        let address = listener.local_addr().map_err(|source| LabError::Listen {
            who: "the balancer".to_owned(),
            address: config.listen,
            source,
        })?;
        let upstreams: Vec<Arc<Upstream>> = config
            .instances
            .into_iter()
            .map(|(name, address)| Arc::new(Upstream::new(name, address)))
            .collect();
        let mut probes = JoinSet::new();
        for upstream in &upstreams {
            let every = config.limits.probe;
            probes.spawn(probe::watch(
                Arc::clone(upstream),
                address.to_string(),
                every,
            ));
        }
        let shared = Arc::new(Shared::new(upstreams, config.policy, config.limits));
        let (stop, stopping) = watch::channel(false);
        let accepting = tokio::spawn(listener::accept(listener, Arc::clone(&shared), stopping));
        Ok(Self {
            address,
            shared,
            stop,
            accepting,
            _probes: probes,
        })
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes how instances are chosen, from the next request on.
    pub fn set_policy(&self, policy: BalancePolicy) {
        self.shared.set_policy(policy);
    }

    /// The counters of all instances, in the order of their turns.
    #[must_use]
    pub fn counters(&self) -> Vec<Counters> {
        self.shared
            .upstreams
            .iter()
            .map(|upstream| Counters::read(upstream))
            .collect()
    }

    /// Waits until the balancer uses the instance `name` (or, with `ready` false, has stopped
    /// using it); returns at once where there is no such instance.
    pub async fn until(&self, name: &str, ready: Readiness) {
        let Some(upstream) = self
            .shared
            .upstreams
            .iter()
            .find(|upstream| upstream.name == name)
        else {
            return;
        };
        upstream.doubt.notify_one();
        let wanted = ready == Readiness::Ready;
        // The sender lives in the upstream, which outlives this wait.
        let _ = upstream
            .watch_ready()
            .wait_for(|ready| *ready == wanted)
            .await;
    }

    /// Takes no more connections, lets running requests finish (for [`Limits::drain`] at most)
    /// and returns when all connections are closed.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Whether the balancer uses an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Requests are sent to it.
    Ready,
    /// It is left out until `/readyz` says otherwise.
    Down,
}
