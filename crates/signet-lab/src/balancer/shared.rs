//! What all connections of a balancer share, and the choice of an instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::policy::BalancePolicy;
use super::upstream::Upstream;

/// Bounds that keep one client or one instance from holding the balancer up.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Client connections at a time; further ones wait to be accepted.
    pub connections: usize,
    /// Time for a client to send a request's headers.
    pub headers: Duration,
    /// Time for a connection to an instance to open.
    pub connect: Duration,
    /// Time for an instance to answer.
    pub answer: Duration,
    /// Time between two looks at an instance's `/readyz`.
    pub probe: Duration,
    /// Time that running requests get when the balancer stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            headers: Duration::from_secs(30),
            connect: Duration::from_secs(2),
            answer: Duration::from_secs(30),
            probe: Duration::from_millis(200),
            drain: Duration::from_secs(5),
        }
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) upstreams: Vec<Arc<Upstream>>,
    pub(super) limits: Limits,
    policy: watch::Sender<BalancePolicy>,
    turn: AtomicUsize,
}

impl Shared {
    pub(super) fn new(
        upstreams: Vec<Arc<Upstream>>,
        policy: BalancePolicy,
        limits: Limits,
    ) -> Self {
        Self {
            upstreams,
            limits,
            policy: watch::Sender::new(policy),
            turn: AtomicUsize::new(0),
        }
    }

    pub(super) fn policy(&self) -> BalancePolicy {
        *self.policy.borrow()
    }

    pub(super) fn set_policy(&self, policy: BalancePolicy) {
        self.policy.send_replace(policy);
    }

    /// The instance for a request: the wanted one if it is ready, else the next ready one in
    /// turn that is not `except`.
    pub(super) fn choose(
        &self,
        wanted: Option<&str>,
        except: Option<&Arc<Upstream>>,
    ) -> Option<Arc<Upstream>> {
        let usable = |upstream: &&Arc<Upstream>| {
            upstream.is_ready() && except.is_none_or(|except| !Arc::ptr_eq(except, upstream))
        };
        if let Some(wanted) = wanted
            && let Some(upstream) = self
                .upstreams
                .iter()
                .filter(usable)
                .find(|upstream| upstream.name == wanted)
        {
            return Some(Arc::clone(upstream));
        }
        let ready = self.upstreams.iter().filter(usable).count();
        // A second choice takes no turn, so that a failure does not disturb the order.
        let turn = match except {
            None => self.turn.fetch_add(1, Ordering::Relaxed),
            Some(_) => self.turn.load(Ordering::Relaxed),
        };
        // Readiness may change between counting and taking: then the first that is left.
        self.upstreams
            .iter()
            .filter(usable)
            .nth(turn.checked_rem(ready)?)
            .or_else(|| self.upstreams.iter().find(usable))
            .cloned()
    }
}
