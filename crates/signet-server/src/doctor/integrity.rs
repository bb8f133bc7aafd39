//! Every page of the repository.

use std::path::Path;
use std::time::Duration;

use signet_repository::Inspection;

use crate::health::{Checked, Finding, Ground, HealthCheck, chain};

/// So many faults are told; one is enough to restore it.
const MOST_FAULTS: u8 = 3;
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Integrity;

impl HealthCheck for Integrity {
    fn name(&self) -> &'static str {
        "integrity"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["repository", "storage"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move { Ok(look(&ground.repository_path()).await) })
    }
}

async fn look(path: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What keeps it from being opened is told by the check `repository`.
    if let Ok(mut inspection) = Inspection::open(path, PATIENCE).await {
        match inspection.check(MOST_FAULTS).await {
            Ok(faults) => findings.extend(faults.iter().map(|fault| damaged(path, fault))),
            Err(error) => findings.push(
                Finding::warn(
                    "REPOSITORY_UNCHECKED",
                    format!("{}: {}", path.display(), chain(&error)),
                )
                .causes("nobody knows whether the repository is whole")
                .mend("run `signet doctor` again"),
            ),
        }
        inspection.close().await;
        if findings.is_empty() {
            findings.push(Finding::good("every page of the repository is whole"));
        }
    }
    findings
}

fn damaged(path: &Path, fault: &str) -> Finding {
    Finding::critical("REPOSITORY_DAMAGED", format!("{}: {fault}", path.display()))
        .causes("users, marks or settings may be lost, and what reads that page fails")
        .mend("stop the instance, and put a backup in its place: `signet restore FILE --replace`; then look after the disk")
}
