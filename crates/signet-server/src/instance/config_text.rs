//! The text of the configuration, and taking another one.

use std::sync::Arc;

use serde_json::json;
use signet_audit::Action;

use super::Instance;
use super::record::digest;
use crate::config::{Config, changes};
use crate::data::{CONFIG_FILE, DataDirectory, DataError};

/// Another configuration is in force.
const TAKEN: Action = Action::literal("config.take");
/// Another configuration was wrong, and is not in force.
const REFUSED: Action = Action::literal("config.refuse");

/// The text of the configuration that is in force, and of the one that was found wrong last.
#[derive(Debug)]
pub(super) struct ConfigText {
    pub(super) taken: String,
    refused: Option<String>,
}

impl ConfigText {
    /// The text that is in force.
    pub(super) fn taken(taken: String) -> Self {
        Self {
            taken,
            refused: None,
        }
    }

    /// The text of the file as it is now.
    pub(super) fn read(data: &DataDirectory) -> Result<String, DataError> {
        data.config_text()
    }
}

impl Instance {
    /// All of the configuration, or nothing of it. A wrong one is logged once, however often it is looked at.
    pub(super) async fn look_at_config(&self) -> Result<(), DataError> {
        let mut known = self.config_text.lock().await;
        let text = match ConfigText::read(&self.data) {
            Ok(text) => text,
            Err(error) => {
                // Not the text of any file, so that it is reported once, and again after the file was readable.
                if known.refused.replace("\0".to_owned()).as_deref() != Some("\0") {
                    self.state.config_failed();
                    tracing::error!(
                        code = "CONFIG_UNREADABLE",
                        error = &error as &dyn std::error::Error,
                        "the configuration cannot be read, the former one stays in force"
                    );
                }
                return Err(error);
            }
        };
        if known.taken == text {
            known.refused = None;
            return Ok(());
        }
        let config = match Config::parse(&text, &self.data.config_path()) {
            Ok(config) => self.overrides.apply(config),
            Err(error) => {
                let detail = json!({
                    "config_sha256": digest(&text),
                    "error": error.to_string(),
                });
                if known.refused.replace(text.clone()) != Some(text) {
                    self.state.config_failed();
                    tracing::error!(
                        code = "CONFIG_REFUSED",
                        error = %error,
                        "the configuration is wrong, the former one stays in force"
                    );
                    self.record(REFUSED, CONFIG_FILE, detail).await;
                }
                return Err(error.into());
            }
        };
        // It is taken even where that cannot be noted: it may be what mends that.
        let begun = self.begin("config take").await.ok();
        let resolved = config.resolve();
        self.site.snapshots.settings.store(Arc::new(resolved.login));
        self.gate.configure(resolved.gate);
        self.hosts.replace(resolved.hosts);
        self.rotation.configure(&config);
        if let Some(tls) = &self.tls {
            tls.configure(&config);
        }
        let former = Config::parse(&known.taken, &self.data.config_path());
        let former = former.map_or_else(|_| Config::default(), |old| self.overrides.apply(old));
        let detail = json!({
            "config_sha256": digest(&text),
            "changed": changes(&former, &config),
        });
        *known = ConfigText::taken(text);
        tracing::info!("the configuration was changed");
        self.record_begun(begun, TAKEN, CONFIG_FILE, detail).await;
        Ok(())
    }
}
