//! AEM stopped and started again by commands of the administrator.

use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use signet_aem::Running;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Bar;

/// The time between two looks whether AEM still runs.
const PAUSE: Duration = Duration::from_millis(500);

/// What every command takes that changes keys of which AEM holds a copy in memory.
#[derive(Debug, Args)]
pub(super) struct Service {
    /// Run this to stop AEM; $SIGNET_AEM_DIR names the folder, where there are several
    #[arg(long, value_name = "COMMAND")]
    stop: Option<String>,

    /// Run this to start AEM again; it must return, best when AEM is up
    #[arg(long, value_name = "COMMAND")]
    start: Option<String>,

    /// How long AEM may take to stop, to start, or to read its keys again
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u32,
}

impl Service {
    /// Whether AEM can be stopped.
    pub(super) const fn can_stop(&self) -> bool {
        self.stop.is_some()
    }

    /// How long AEM may take.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(self.wait.into())
    }

    /// Stops AEM, if it runs on `folder` and there is a command for that.
    pub(super) async fn stop(&self, context: &Context, folder: &Path) -> anyhow::Result<()> {
        let Some(command) = &self.stop else {
            return Ok(());
        };
        if running(folder)? == Running::No {
            return Ok(());
        }
        let _bar = bar(context, "Stopping AEM");
        run(command, "--stop", folder, self.patience()).await?;
        let end = Instant::now() + self.patience();
        while let Running::Yes { process } = running(folder)? {
            if Instant::now() >= end {
                let failure = Failure::new(format!(
                    "AEM still runs on {}, as process {process}, {} seconds after the command of --stop",
                    folder.display(),
                    self.wait
                ));
                return Err(failure.hint("give it more time with --wait").into());
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Starts AEM, if it does not run on `folder` and there is a command for that.
    pub(super) async fn start(&self, context: &Context, folder: &Path) -> anyhow::Result<()> {
        let Some(command) = &self.start else {
            return Ok(());
        };
        if running(folder)? != Running::No {
            return Ok(());
        }
        let _bar = bar(context, "Starting AEM");
        run(command, "--start", folder, self.patience()).await
    }
}

fn running(folder: &Path) -> anyhow::Result<Running> {
    Ok(signet_aem::inspect(folder)?.running)
}

/// Something that turns while there is nothing but to wait.
pub(super) fn bar(context: &Context, label: &'static str) -> Option<Bar> {
    (!context.output.is_json()).then(|| Bar::unknown(label))
}

/// Runs a command of the administrator by the shell. What it says goes to standard error; `$SIGNET_AEM_DIR` names the folder.
pub(super) async fn run(
    command: &str,
    option: &str,
    folder: &Path,
    patience: Duration,
) -> anyhow::Result<()> {
    let failed = || format!("the command of {option} could not be run");
    let said = io::stderr()
        .as_fd()
        .try_clone_to_owned()
        .with_context(failed)?;
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .env("SIGNET_AEM_DIR", folder)
        .stdin(Stdio::null())
        .stdout(said)
        .spawn()
        .with_context(failed)?;
    match timeout(patience, child.wait()).await {
        Ok(status) => judge(status.with_context(failed)?, option),
        Err(_) => {
            let seconds = patience.as_secs();
            let failure = Failure::new(format!(
                "the command of {option} did not end within {seconds} seconds, and goes on"
            ));
            let hint = "it must return: put what stays into the background (nohup … &), or give more time with --wait";
            Err(failure.hint(hint).into())
        }
    }
}

fn judge(status: ExitStatus, option: &str) -> anyhow::Result<()> {
    if status.success() {
        return Ok(());
    }
    let failure = Failure::new(format!("the command of {option} failed: {status}"));
    let hint = "see what it says above, and repeat: what is done already is not done again";
    Err(failure.hint(hint).into())
}
