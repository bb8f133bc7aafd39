//! The data directory as commands use it, whether or not an instance runs on it.

use std::path::Path;
use std::sync::OnceLock;

use anyhow::Context as _;
use serde::Serialize;
use signet_audit::{Actor, Archived, Event, Origin, Pending, Undertaking};
use signet_keys::KeyStore;
use signet_repository::{IfMissing, Repository};
use signet_server::{Config, DataDirectory, Poked};

use crate::context::Context;
use crate::environment;
use crate::output::Output;
use crate::prompt;

/// Said of a change that was not made.
const REFUSED: &str = "nothing was changed, because it could not be recorded";

/// A data directory and its configuration.
#[derive(Debug)]
pub(crate) struct Place {
    directory: DataDirectory,
    config: Config,
    /// The words of the command.
    command: String,
    /// What the command has begun to change. Until the command ends: it may record several changes.
    pending: OnceLock<Pending>,
}

impl Place {
    pub(crate) fn open(path: &Path, command: String) -> anyhow::Result<Self> {
        let directory = DataDirectory::open(path)?;
        let config = directory.config()?;
        Ok(Self {
            directory,
            config,
            command,
            pending: OnceLock::new(),
        })
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

    /// Refuses to go on if a change could not be recorded: to be called before anything is asked. What others left behind
    /// that died in the middle of a change is told now, whether or not this one begins.
    pub(crate) fn ready_to_record(&self) -> anyhow::Result<()> {
        self.directory.audit_log().ready().context(REFUSED)?;
        self.settle_log().context(REFUSED)
    }

    /// Notes that a change begins, or refuses to go on if it could not be recorded: to be called after everything was asked,
    /// and before anything is changed. If the command is killed after this, the log will say so.
    pub(crate) fn begin_change(&self) -> anyhow::Result<()> {
        if self.pending.get().is_some() {
            return self.ready_to_record();
        }
        let log = self.directory.audit_log();
        let pending = log
            .begin(&self.undertaking(), signet_server::system_clock())
            .context(REFUSED)?;
        // Nobody else fills it: a command does one thing after the other.
        let _ = self.pending.set(pending);
        Ok(())
    }

    /// What has begun is not known to have ended when the command ends: the log will say so.
    pub(crate) fn leave_change(&self) {
        if let Some(pending) = self.pending.get() {
            pending.leave();
        }
    }

    /// The data directory was moved to `path`, with the change that has begun in it.
    pub(crate) fn moved_to(mut self, path: &Path) -> anyhow::Result<Self> {
        self.directory = DataDirectory::open(path)?;
        if let Some(pending) = self.pending.get_mut() {
            pending.moved_to(&self.directory.audit_log());
        }
        Ok(self)
    }

    /// Tells the log of what others left behind that died in the middle of a change, before it is copied.
    pub(crate) fn settle_log(&self) -> anyhow::Result<()> {
        let log = self.directory.audit_log();
        let now = signet_server::system_clock();
        Ok(log.settle(&self.config.instance_name(), now)?)
    }

    /// Makes a line of the audit log of a change that was made: what was done to what, and what else matters about it.
    pub(crate) fn record(
        &self,
        context: &Context,
        action: &str,
        object: &str,
        detail: &serde_json::Value,
    ) -> anyhow::Result<()> {
        let Undertaking {
            who,
            from,
            instance,
            ..
        } = self.undertaking();
        let event = Event {
            who,
            from,
            action: action.parse()?,
            object: object.to_owned(),
            detail: detail.clone(),
            instance,
        };
        let recorded = self.directory.audit_log().append(&event, context.now());
        if let Some(pending) = self.pending.get() {
            match &recorded {
                Ok(head) => pending.recorded(*head),
                Err(_) => pending.leave(),
            }
        }
        recorded.context("the change was made, but could not be recorded in the audit log")?;
        Ok(())
    }

    /// Puts the lines of the audit log away.
    pub(crate) fn archive_log(&self, context: &Context, file: &Path) -> anyhow::Result<Archived> {
        let log = self.directory.audit_log();
        log.archive(file, &self.undertaking(), context.now())
            .context("the audit log was not put away, and goes on as it was")
    }

    fn undertaking(&self) -> Undertaking {
        let environment::Operator {
            user,
            uid,
            sudo_user,
        } = environment::operator();
        Undertaking {
            who: Actor::System {
                user,
                uid,
                sudo_user,
            },
            from: Origin::Command {
                terminal: prompt::is_possible(),
            },
            command: self.command.clone(),
            instance: self.config.instance_name(),
        }
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
