//! What token endpoints said a moment ago.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use signet_oauth::ClientName;
use tokio::time::Instant;

use super::Finding;

/// For so long an endpoint is not asked again for the same.
const KEPT: Duration = Duration::from_secs(60);

/// The answers of endpoints, each for a minute.
#[derive(Debug, Default)]
pub(crate) struct ClientMemory {
    /// With a key of this process, so that a print tells nothing about a secret.
    hasher: RandomState,
    answers: Mutex<HashMap<ClientName, Kept>>,
}

/// Stands for a definition and a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print(u64);

#[derive(Debug)]
struct Kept {
    print: Print,
    at: Instant,
    findings: Vec<Finding>,
}

impl ClientMemory {
    pub(crate) fn print(&self, definition: &str, secret: &str) -> Print {
        Print(self.hasher.hash_one((definition, secret)))
    }

    pub(crate) fn recall(&self, name: &ClientName, print: Print) -> Option<Vec<Finding>> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = answers.get(name)?;
        (kept.print == print && kept.at.elapsed() < KEPT).then(|| kept.findings.clone())
    }

    pub(crate) fn keep(&self, name: &ClientName, print: Print, findings: &[Finding]) {
        let kept = Kept {
            print,
            at: Instant::now(),
            findings: findings.to_vec(),
        };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a client that was removed nothing is kept for long.
        answers.retain(|_, kept| kept.at.elapsed() < KEPT);
        answers.insert(name.clone(), kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_a_minute_and_for_the_same_secret() {
        let memory = ClientMemory::default();
        let name: ClientName = "ims".parse().unwrap();
        let print = memory.print("{}", "secret");
        let findings = [Finding::good("it gets a token")];
        memory.keep(&name, print, &findings);
        assert_eq!(memory.recall(&name, print).unwrap(), findings);
        assert_eq!(memory.recall(&name, memory.print("{}", "other")), None);
        assert_eq!(memory.recall(&"ims-2".parse().unwrap(), print), None);
        tokio::time::advance(KEPT).await;
        assert_eq!(memory.recall(&name, print), None);
    }
}
