//! Whether an instance runs, and requests should be sent to it.

use std::path::Path;

use crate::health::{Checked, Finding, Ground, HealthCheck, Status};
use crate::instance::Readiness as State;
use crate::shell::quoted;

pub(super) struct Readiness;

impl HealthCheck for Readiness {
    fn name(&self) -> &'static str {
        "instance"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["instance", "systemready"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move { Ok(vec![look(ground)]) })
    }
}

fn look(ground: &Ground) -> Finding {
    let Some(instance) = ground.instance() else {
        return down(ground.path());
    };
    match instance.state.readiness() {
        State::Ready => Finding::good("it runs and is ready"),
        State::NoActiveKey => {
            Finding::critical("NOT_READY", "it is not ready: no key is active")
                .causes("nobody can log in here, and balancers send nobody")
                .mend("`signet keys list`; copy keys/hmac/*.jwk from the author, or `signet keys import`; it is noticed within 2 seconds")
        }
        State::RepositoryUnavailable => Finding::critical(
            "NOT_READY",
            "it is not ready: the repository does not answer, or its file was replaced",
        )
        .causes("nobody can log in or out here; logins already made go on")
        .mend("the check `repository` says why; when the file was replaced, restart the instance"),
        State::Draining => Finding::new(
            Status::TemporarilyUnavailable,
            "DRAINING",
            "it is shutting down",
        )
        .causes("balancers send nobody any more")
        .mend("wait for the next start"),
    }
}

/// No instance runs on the data at `data`.
pub(crate) fn down(data: &Path) -> Finding {
    Finding::critical(
        "INSTANCE_DOWN",
        format!("the instance on {} does not run", data.display()),
    )
    .causes("nobody can log in here, and the proxies that ask it let nobody pass")
    .mend(format!(
        "`signet serve --data {}`, or start its service; `signet doctor` says what would keep it from starting",
        quoted(data)
    ))
}
