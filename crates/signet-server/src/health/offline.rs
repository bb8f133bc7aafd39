//! The health of an instance that does not answer, from its data.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use signet_core::{Clock, UnixSeconds};

use crate::data::{AdminAddress, DataDirectory};

use super::check::down;
use super::{
    CHECKS, Examined, Finding, Freshness, Ground, HealthReport, Rounds, Selection, access,
};

/// The check that says whether an instance runs.
const INSTANCE: &str = "instance";

/// Where the instance that runs on the data directory at `data` listens for operators, whatever else is wrong with that
/// directory; `None` if none runs.
#[must_use]
pub fn running_at(data: &Path) -> Option<AdminAddress> {
    DataDirectory::unchecked(data).admin()
}

/// Runs the checks of `selection` on the data directory at `data`, each for at most as long as `patience`.
///
/// Without an instance that answers all is not well, so the check `instance` is always there and says so; `silent` is why
/// an instance that runs did not answer.
pub async fn offline(
    data: &Path,
    clock: Arc<dyn Clock>,
    selection: &Selection,
    patience: Duration,
    silent: Option<&str>,
) -> HealthReport {
    if let Some(finding) = access::stranger(data, "health") {
        return strange(data, finding, silent, clock.now());
    }
    let ground = Arc::new(Ground::offline(data, clock));
    let mut checks = selection.of(&CHECKS);
    if checks.is_empty() {
        return HealthReport::default();
    }
    if checks.iter().all(|check| check.name() != INSTANCE) {
        checks.extend(CHECKS.into_iter().filter(|check| check.name() == INSTANCE));
    }
    let mut examined = Rounds::default()
        .examine(&checks, &ground, patience, Freshness::Instant)
        .await;
    ground.close().await;
    if let Some(why) = silent {
        for examined in examined
            .iter_mut()
            .filter(|examined| examined.name == INSTANCE)
        {
            examined.findings = vec![does_not_answer(why)];
        }
    }
    HealthReport::new(&examined)
}

/// What somebody knows who should not look: whether an instance runs, if at all.
fn strange(
    data: &Path,
    finding: Finding,
    silent: Option<&str>,
    finished: UnixSeconds,
) -> HealthReport {
    let instance = match silent {
        Some(why) => Some(does_not_answer(why)),
        None => match DataDirectory::unchecked(data).claimed() {
            Ok(false) => Some(down(data)),
            _ => None,
        },
    };
    // Apart, so that what is critical is not hidden by what nobody knows.
    let examined = |name, tags, finding| Examined {
        name,
        tags,
        findings: vec![finding],
        took: Duration::ZERO,
        finished,
    };
    let mut all = vec![examined("directory", &["storage", "security"], finding)];
    all.extend(instance.map(|finding| examined(INSTANCE, &["instance", "systemready"], finding)));
    HealthReport::new(&all)
}

fn does_not_answer(why: &str) -> Finding {
    Finding::critical(
        "INSTANCE_SILENT",
        format!("an instance runs and does not answer: {why}"),
    )
    .causes("it may answer nobody else either; what else is said here is from its data")
    .mend("its log says more; restart it")
}
