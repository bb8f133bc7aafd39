//! What users change about themselves becomes a line of the audit log.

use std::net::IpAddr;

use signet_audit::{Action, Actor, AuditError, Event, Origin};
use signet_core::Subject;

use crate::site::Site;

impl Site {
    /// Whether a change could be recorded now. To be asked before it is made.
    pub(crate) async fn is_ready_to_record(&self) -> bool {
        let Some(log) = self.audit.clone() else {
            return true;
        };
        match apart(move || log.ready()).await {
            Ok(()) => true,
            Err(error) => {
                tell(&error, "nothing is changed that cannot be recorded");
                false
            }
        }
    }

    /// Records what `subject` did to their own account. The change is made already, so a failure is for the log alone.
    pub(crate) async fn record_own(&self, subject: &Subject, client: IpAddr, action: Action) {
        let Some(log) = self.audit.clone() else {
            return;
        };
        let now = self.snapshots.clock.now();
        let event = Event {
            who: Actor::Subject {
                subject: subject.to_string(),
            },
            from: Origin::Page { client },
            action,
            object: subject.to_string(),
            detail: serde_json::Value::Null,
            instance: self.snapshots.settings.load().instance.clone(),
        };
        if let Err(error) = apart(move || log.append(&event, now)).await {
            tell(&error, "a change was made and could not be recorded");
        }
    }
}

/// The disk may be slow, so not on a thread that answers requests.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AuditError> + Send + 'static,
) -> Result<T, AuditError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // It is cancelled only while the instance ends, which then has not answered yet.
        Err(error) => Err(AuditError::Interrupted(error.into())),
    }
}

fn tell(error: &AuditError, what: &'static str) {
    let hint = error.hint();
    let error = error as &dyn std::error::Error;
    tracing::error!(code = "AUDIT_FAILED", error, hint, "{what}");
}
