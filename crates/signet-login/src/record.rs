//! What users change about themselves becomes a line of the audit log.

use std::net::IpAddr;

use signet_audit::{Action, Actor, AuditError, AuditLog, Event, Origin, Pending, Undertaking};
use signet_core::{Subject, UnixSeconds};

use crate::site::Site;

/// What a user changes about their own account.
#[derive(Debug)]
pub(crate) struct OwnChange {
    pub(crate) subject: Subject,
    /// Where the browser is.
    pub(crate) client: IpAddr,
    pub(crate) action: Action,
    /// The words of the command that would do the same.
    pub(crate) command: &'static str,
}

/// Why a user's change was not made.
#[derive(Debug)]
pub(crate) enum NotChanged<E> {
    /// It could not have been recorded.
    Unrecorded,
    /// Making it failed.
    Failed(E),
}

impl Site {
    /// Makes a change and records it. Once it has begun, it goes on even if the browser does not wait; should the program
    /// die before the line is written, the log will say that there was a change.
    pub(crate) async fn change_own<T, E>(
        &self,
        own: OwnChange,
        make: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, NotChanged<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let Some(log) = self.audit.clone() else {
            return make.await.map_err(NotChanged::Failed);
        };
        let now = self.snapshots.clock.now();
        let instance = self.snapshots.settings.load().instance.clone();
        let changing = async move {
            let (event, undertaking) = own.told(instance);
            let begun = begin(log.clone(), undertaking, now).await;
            let begun = begun.map_err(|error| {
                tell(&error, "nothing is changed that cannot be recorded");
                NotChanged::Unrecorded
            })?;
            let made = make.await;
            let event = made.is_ok().then_some(event);
            if let Err(error) = end(log, begun, event, now).await {
                tell(&error, "a change was made and could not be recorded");
            }
            made.map_err(NotChanged::Failed)
        };
        // It is cancelled only while the instance ends, which then has not answered yet.
        let changed = tokio::spawn(changing).await;
        changed.unwrap_or(Err(NotChanged::Unrecorded))
    }
}

impl OwnChange {
    fn told(self, instance: String) -> (Event, Undertaking) {
        let object = self.subject.to_string();
        let who = Actor::Subject {
            subject: object.clone(),
        };
        let from = Origin::Page {
            client: self.client,
        };
        let undertaking = Undertaking {
            who: who.clone(),
            from,
            command: self.command.to_owned(),
            instance: instance.clone(),
        };
        let event = Event {
            who,
            from,
            action: self.action,
            object,
            detail: serde_json::Value::Null,
            instance,
        };
        (event, undertaking)
    }
}

async fn begin(
    log: AuditLog,
    undertaking: Undertaking,
    now: UnixSeconds,
) -> Result<Pending, AuditError> {
    let begun = apart(move || log.begin(&undertaking, now)).await?;
    begun.leave();
    Ok(begun)
}

/// Without an event nothing was changed.
async fn end(
    log: AuditLog,
    begun: Pending,
    event: Option<Event>,
    now: UnixSeconds,
) -> Result<(), AuditError> {
    apart(move || {
        if let Some(event) = event {
            log.append(&event, now)?;
        }
        begun.end();
        Ok(())
    })
    .await
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
