//! Making a new key by itself, every `keys.rotate_every`.

use std::sync::{Mutex, PoisonError};

use serde_json::json;
use signet_audit::Action;
use signet_core::{Seconds, UnixSeconds};

use super::Instance;
use super::record::forget;
use crate::config::Config;

/// A new key makes tokens.
const ROTATED: Action = Action::literal("key.rotate");
/// So long after a failure it is tried again.
const RETRY_AFTER: Seconds = Seconds(60);

/// When the key that makes tokens is to be replaced.
#[derive(Debug, Default)]
pub(super) struct Rotation(Mutex<Plan>);

#[derive(Clone, Copy, Debug, Default)]
struct Plan {
    every: Option<Seconds>,
    failed: Option<UnixSeconds>,
}

impl Rotation {
    pub(super) fn new(config: &Config) -> Self {
        let rotation = Self::default();
        rotation.configure(config);
        rotation
    }

    pub(super) fn configure(&self, config: &Config) {
        let plan = Plan {
            every: config.rotation(),
            failed: None,
        };
        *self.lock() = plan;
    }

    /// How old a key may become, if one is to be replaced and that did not fail a moment ago.
    fn every(&self, now: UnixSeconds) -> Option<Seconds> {
        let plan = *self.lock();
        let failed_lately = plan
            .failed
            .is_some_and(|failed| failed <= now && now.since(failed) < RETRY_AFTER);
        plan.every.filter(|_| !failed_lately)
    }

    fn failed(&self, now: UnixSeconds) {
        self.lock().failed = Some(now);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Instance {
    /// Makes a new key if the one that makes tokens is old enough. The next look at the keys finds it.
    ///
    /// However far the clock jumps ahead, the new key is as old as the clock says, and so the last for as long again.
    pub(super) async fn rotate_if_due(&self) {
        let now = self.now();
        let Some(every) = self.rotation.every(now) else {
            return;
        };
        let Some(former) = self.keys.due(every, now).await else {
            return;
        };
        let Ok(begun) = self.begin("keys rotate").await else {
            self.rotation.failed(now);
            return;
        };
        match self.keys.rotate_when_due(every, now).await {
            Ok(Some(id)) => {
                tracing::info!(key.id = %id, key.former = %former, "made a new key, because the former was old enough");
                let detail = json!({
                    "ring": "hmac",
                    "state": "active",
                    "former": [former.to_string()],
                    "because": format!("keys.rotate_every = {every}"),
                });
                self.record_begun(Some(begun), ROTATED, &id.to_string(), detail)
                    .await;
            }
            // Somebody else was first.
            Ok(None) => forget(begun).await,
            Err(error) => {
                forget(begun).await;
                self.rotation.failed(now);
                let hint = error.hint();
                tracing::error!(
                    code = "ROTATION_FAILED",
                    error = &error as &dyn std::error::Error,
                    hint,
                    "the key that makes tokens is old enough to be replaced, and could not be"
                );
            }
        }
    }
}
