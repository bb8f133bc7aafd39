//! What the instance does by itself, and what it takes over, becomes a line of the audit log.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use signet_audit::{
    Action, Actor, AuditError, AuditLog, Event, Head, Origin, Pending, Undertaking,
};
use signet_core::UnixSeconds;

use super::Instance;
use crate::config::Config;

/// The instance began to run.
const STARTED: Action = Action::literal("instance.start");

/// What the making of the first keys and of the first administrator is called until it is recorded.
pub(super) const FIRST_START: &str = "first start";

impl Instance {
    /// Records what happened. It has happened, so that it cannot be recorded is for the log and for nobody else.
    pub(crate) async fn record(&self, action: Action, object: &str, detail: Value) {
        self.record_begun(None, action, object, detail).await;
    }

    /// Notes that a change begins, in the words of the command that would do the same; says why that cannot be. Whatever
    /// becomes of this instance until it is [recorded](Self::record_begun) or [forgotten](forget), the log will tell of it.
    pub(super) async fn begin(&self, command: &str) -> Result<Pending, AuditError> {
        let (log, now) = (self.data.audit_log(), self.now());
        let undertaking = undertaking(&self.name(), command);
        let begun = apart(move || log.begin(&undertaking, now)).await;
        let begun = begun.inspect_err(|error| {
            tell(error, "nothing is changed that cannot be recorded");
        })?;
        begun.leave();
        Ok(begun)
    }

    /// Records a change that was made after it had begun.
    pub(super) async fn record_begun(
        &self,
        begun: Option<Pending>,
        action: Action,
        object: &str,
        detail: Value,
    ) {
        let event = event(&self.name(), action, object, detail);
        let (log, now) = (self.data.audit_log(), self.now());
        let recorded = apart(move || {
            log.append(&event, now)?;
            if let Some(begun) = begun {
                begun.end();
            }
            Ok(())
        });
        if let Err(error) = recorded.await {
            tell(&error, "something was changed and could not be recorded");
        }
    }

    /// Records with which configuration the instance begins to run, and tells the log where the audit log ends: whoever
    /// keeps the one elsewhere can check the other against it.
    pub(crate) async fn record_start(&self) {
        let (config, digest) = {
            let text = self.config_text.lock().await;
            (self.config_in_force(&text.taken), digest(&text.taken))
        };
        let detail = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "role": config.map(|config| config.role.as_str()),
            "config_sha256": digest,
            "makes_tokens": self.site.snapshots.keys.load().active().map(|id| id.to_string()),
        });
        self.record(STARTED, &self.name(), detail).await;
        let log = self.data.audit_log();
        match apart(move || log.head()).await {
            Ok(Some(Head { seq, hash })) => tracing::info!(
                audit.head = %Head { seq, hash },
                "the audit log ends here; `signet audit verify --head` checks against it"
            ),
            Ok(None) => {}
            Err(error) => tell(&error, "the audit log cannot be read"),
        }
    }

    pub(super) fn now(&self) -> UnixSeconds {
        self.site.snapshots.clock.now()
    }

    fn name(&self) -> String {
        self.site.snapshots.settings.load().instance.clone()
    }

    fn config_in_force(&self, text: &str) -> Option<Config> {
        let config = Config::parse(text, &self.data.config_path()).ok()?;
        Some(self.overrides.apply(config))
    }
}

/// Records what was done before there is an instance.
pub(super) fn record_first(
    log: &AuditLog,
    instance: &str,
    action: Action,
    object: &str,
    detail: Value,
    now: UnixSeconds,
) -> Result<Head, AuditError> {
    log.append(&event(instance, action, object, detail), now)
}

/// What the instance begins to do by itself.
pub(super) fn undertaking(instance: &str, command: &str) -> Undertaking {
    Undertaking {
        who: Actor::signet(),
        from: Origin::Instance,
        command: command.to_owned(),
        instance: instance.to_owned(),
    }
}

/// Nothing was changed after all.
pub(super) async fn forget(begun: Pending) {
    // It may fail; then the log tells of it once too often.
    let _ = apart(move || {
        begun.end();
        Ok(())
    })
    .await;
}

/// The digest by which a text of the configuration is told from others.
pub(super) fn digest(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text))
}

fn event(instance: &str, action: Action, object: &str, detail: Value) -> Event {
    Event {
        who: Actor::signet(),
        from: Origin::Instance,
        action,
        object: object.to_owned(),
        detail,
        instance: instance.to_owned(),
    }
}

/// The disk may be slow, so not on a thread that answers requests.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AuditError> + Send + 'static,
) -> Result<T, AuditError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(AuditError::Interrupted(error.into())),
    }
}

fn tell(error: &AuditError, what: &'static str) {
    let hint = error.hint();
    let error = error as &dyn std::error::Error;
    tracing::error!(code = "AUDIT_FAILED", error, hint, "{what}");
}
