//! The data directory as commands use it, whether or not an instance runs on it.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use signet_audit::{Actor, Event, Origin};
use signet_keys::KeyStore;
use signet_repository::{IfMissing, Repository};
use signet_server::{Config, DataDirectory, Poked};

use crate::context::Context;
use crate::environment;
use crate::output::Output;
use crate::prompt;

/// A data directory and its configuration.
#[derive(Debug)]
pub(crate) struct Place {
    directory: DataDirectory,
    config: Config,
}

impl Place {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let directory = DataDirectory::open(path)?;
        let config = directory.config()?;
        Ok(Self { directory, config })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn keys(&self) -> anyhow::Result<KeyStore> {
        Ok(self.directory.key_store(&self.config)?)
    }

    /// Opens the repository for `work`, and closes it, which also empties its log of what was removed.
    pub(crate) async fn with_repository<R>(
        &self,
        work: impl AsyncFnOnce(&Repository) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let repository = self
            .directory
            .repository(&self.config, IfMissing::Refuse)
            .await
            .with_context(|| {
                let url = &self.config.repository.url;
                let directory = self.directory.path().display();
                format!("the repository {url} of {directory} could not be opened")
            })?;
        let result = work(&repository).await;
        repository.close().await;
        result
    }

    /// The data directory.
    pub(crate) fn directory(&self) -> &DataDirectory {
        &self.directory
    }

    /// Refuses to go on if a change could not be recorded: to be called before a change is made.
    pub(crate) fn ready_to_record(&self) -> anyhow::Result<()> {
        self.directory
            .audit_log()
            .ready()
            .context("nothing was changed, because it could not be recorded")
    }

    /// Makes a line of the audit log of a change that was made: what was done to what, and what else matters about it.
    pub(crate) fn record(
        &self,
        context: &Context,
        action: &str,
        object: &str,
        detail: &serde_json::Value,
    ) -> anyhow::Result<()> {
        let environment::Operator {
            user,
            uid,
            sudo_user,
        } = environment::operator();
        let event = Event {
            who: Actor::System {
                user,
                uid,
                sudo_user,
            },
            from: Origin::Command {
                terminal: prompt::is_possible(),
            },
            action: action.parse()?,
            object: object.to_owned(),
            detail: detail.clone(),
            instance: self.config.instance_name(),
        };
        self.directory
            .audit_log()
            .append(&event, context.now())
            .context("the change was made, but could not be recorded in the audit log")?;
        Ok(())
    }

    /// Makes a running instance look at what changed.
    pub(crate) async fn poke(&self) -> InstanceSays {
        match self.directory.poke().await {
            Poked::NotRunning => InstanceSays::NotRunning,
            Poked::Applied => InstanceSays::Applied,
            Poked::Refused(reason) => InstanceSays::Refused { reason },
            _ => InstanceSays::Silent,
        }
    }
}

/// What the running instance said to a change.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(crate) enum InstanceSays {
    /// There is none.
    NotRunning,
    /// It is in force there.
    Applied,
    /// Not all that it looked at is good; it took the rest.
    Refused { reason: String },
    /// Nothing, in time.
    Silent,
}

impl InstanceSays {
    /// Says so beside the answer of a command that changed something.
    pub(crate) fn tell(&self, output: &Output) {
        match self {
            Self::Applied => output.note("In force on the running instance."),
            Self::NotRunning => {
                output.note("No instance is running on this data; the next start reads it.");
            }
            Self::Refused { reason } => output.warning(&format!(
                "it is written, but the running instance complains and may not use it: {reason}"
            )),
            Self::Silent => output.warning(
                "it is written, but the running instance did not answer; it looks by itself within 2 seconds, unless it hangs",
            ),
        }
    }
}
