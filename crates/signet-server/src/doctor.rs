//! Everything that could be wrong with an installation: the checks of its health, and what only shows when nobody is in
//! a hurry.
//!
//! It changes nothing and needs nothing to be right: no instance, no configuration, no data directory. A new examination
//! is a file in `doctor/` that implements [`HealthCheck`], and a line in [`EXAMINATIONS`].

mod audit;
mod backups;
mod directory;
mod integrity;
mod key_files;
mod node;
mod run;
mod unfinished;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use signet_core::Clock;

use crate::health::{CHECKS, Examined, Freshness, Ground, HealthCheck, Rounds, access};

/// What is looked at beside the health of an instance.
pub static EXAMINATIONS: [&dyn HealthCheck; 8] = [
    &directory::Directory,
    &run::Run,
    &key_files::KeyFiles,
    &unfinished::Unfinished,
    &backups::Backups,
    &node::Node,
    &integrity::Integrity,
    &audit::Audit,
];

/// How long all of it may take: every page of the repository is read.
const PATIENCE: Duration = Duration::from_secs(600);

/// Looks at everything in the data directory at `data`, whether or not there is one.
pub async fn examine(data: &Path, clock: Arc<dyn Clock>) -> Vec<Examined> {
    let ground = Arc::new(Ground::offline(data, clock));
    if let Some(finding) = access::stranger(ground.path(), "doctor") {
        // Whatever a stranger does not see would look as if it were not there.
        return vec![Examined {
            name: directory::Directory.name(),
            tags: directory::Directory.tags(),
            findings: vec![finding],
            took: Duration::ZERO,
            finished: ground.now(),
        }];
    }
    let rounds = Rounds::default();
    let checks: Vec<&'static dyn HealthCheck> = match ground.path().exists() {
        // What should be in it is missing as well, and needs no words.
        false => vec![&directory::Directory],
        true => EXAMINATIONS
            .into_iter()
            .chain(CHECKS.into_iter().filter(|check| is_offline(*check)))
            .collect(),
    };
    let examined = rounds
        .examine(&checks, &ground, PATIENCE, Freshness::Instant)
        .await;
    ground.close().await;
    examined
}

/// Whether the check looks at more than a running instance, and nothing here looks deeper.
fn is_offline(check: &dyn HealthCheck) -> bool {
    !matches!(
        check.name(),
        "instance" | "throttles" | "directory" | "audit"
    )
}

#[cfg(test)]
mod tests;
