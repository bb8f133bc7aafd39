//! Running checks: all at once, none twice at a time, nobody waiting for ever.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use signet_core::UnixSeconds;
use tokio::sync::watch;
use tokio::time::Instant;

use super::client_memory::ClientMemory;
use super::verbose::span;
use super::{Finding, Ground, HealthCheck, Status};

/// How long a result is handed out again, so that no one who asks often makes work.
const FRESH: Duration = Duration::from_secs(2);
/// A check that runs longer than this has come to nothing.
const LOST: Duration = Duration::from_secs(300);

/// What one check found.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The name of the check.
    pub name: &'static str,
    /// What it belongs to.
    pub tags: &'static [&'static str],
    /// What it found.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub took: Duration,
    /// When it was done.
    pub finished: UnixSeconds,
}

impl Examined {
    /// The worst that was found.
    #[must_use]
    pub fn status(&self) -> Status {
        let statuses = self.findings.iter().map(|finding| finding.status);
        statuses.max().unwrap_or_default()
    }
}

/// Whether a result of a moment ago will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// One that is two seconds old will do.
    #[default]
    Recent,
    /// Look now.
    Instant,
}

/// The checks that run or ran just now.
#[derive(Debug, Default)]
pub struct Rounds {
    runs: Mutex<HashMap<&'static str, Running>>,
    clients: Arc<ClientMemory>,
}

/// A check under way, or done.
#[derive(Clone, Debug)]
struct Running {
    started: Instant,
    done: watch::Receiver<Option<Done>>,
}

#[derive(Clone, Debug)]
struct Done {
    at: Instant,
    examined: Examined,
}

impl Rounds {
    /// What token endpoints said a moment ago, for the next round.
    pub(crate) fn client_memory(&self) -> Arc<ClientMemory> {
        Arc::clone(&self.clients)
    }

    /// Runs these checks, and waits at most `patience` for them. A check that takes longer goes on and is reported as
    /// slow; whoever asks next waits for the same run.
    pub async fn examine(
        &self,
        checks: &[&'static dyn HealthCheck],
        ground: &Arc<Ground>,
        patience: Duration,
        freshness: Freshness,
    ) -> Vec<Examined> {
        let deadline = Instant::now() + patience;
        let running: Vec<_> = checks
            .iter()
            .map(|check| (*check, self.begin(*check, ground, freshness)))
            .collect();
        let mut examined = Vec::with_capacity(running.len());
        for (check, mut running) in running {
            let started = running.started;
            let done =
                tokio::time::timeout_at(deadline, running.done.wait_for(Option::is_some)).await;
            let found = match done {
                Ok(Ok(done)) => done.as_ref().map(|done| done.examined.clone()),
                _ => None,
            };
            examined.push(found.unwrap_or_else(|| slow(check, ground, started.elapsed())));
        }
        examined
    }

    /// The check's present run, or a new one.
    fn begin(
        &self,
        check: &'static dyn HealthCheck,
        ground: &Arc<Ground>,
        freshness: Freshness,
    ) -> Running {
        // A panic elsewhere leaves the list usable.
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = runs.get(check.name()) {
            let will_do = match (&*running.done.borrow(), freshness) {
                // Whoever ran it has gone without a word: a runtime that ended.
                (None, _) => running.done.has_changed().is_ok(),
                (Some(done), Freshness::Recent) => done.at.elapsed() < FRESH,
                (Some(_), Freshness::Instant) => false,
            };
            if will_do {
                return running.clone();
            }
        }
        let (tell, done) = watch::channel(None);
        let running = Running {
            started: Instant::now(),
            done,
        };
        runs.insert(check.name(), running.clone());
        tokio::spawn(run(check, Arc::clone(ground), tell));
        running
    }
}

async fn run(
    check: &'static dyn HealthCheck,
    ground: Arc<Ground>,
    tell: watch::Sender<Option<Done>>,
) {
    let started = Instant::now();
    let examining = Arc::clone(&ground);
    // In a task of its own, so that a panic ends nothing else.
    let outcome = tokio::spawn(async move { check.run(&examining).await }).await;
    let findings = match outcome {
        Ok(Ok(findings)) => findings,
        Ok(Err(error)) => vec![failed(check, &error.to_string())],
        Err(_) => vec![failed(check, "it panicked; the log says where")],
    };
    let done = Done {
        at: Instant::now(),
        examined: Examined {
            name: check.name(),
            tags: check.tags(),
            findings,
            took: started.elapsed(),
            finished: ground.now(),
        },
    };
    // Nobody may wait any more.
    let _ = tell.send(Some(done));
}

fn failed(check: &dyn HealthCheck, why: &str) -> Finding {
    Finding::new(
        Status::HealthCheckError,
        "CHECK_FAILED",
        format!("the check {} failed: {why}", check.name()),
    )
    .causes("nobody knows how it stands there")
    .mend("`signet doctor` looks at the same without the instance")
}

/// As in Felix: a check that is not done yet is no failure, until it takes longer than anybody would wait.
fn slow(check: &dyn HealthCheck, ground: &Ground, took: Duration) -> Examined {
    let status = if took < LOST {
        Status::Warn
    } else {
        Status::Critical
    };
    let finding = Finding::new(
        status,
        "CHECK_SLOW",
        format!(
            "Timeout: the check {} still runs after {}",
            check.name(),
            span(took)
        ),
    )
    .causes("nobody knows yet how it stands there")
    .mend("ask again; if it stays so, a disk or the network does not answer");
    Examined {
        name: check.name(),
        tags: check.tags(),
        findings: vec![finding],
        took,
        finished: ground.now(),
    }
}

#[cfg(test)]
mod tests;
