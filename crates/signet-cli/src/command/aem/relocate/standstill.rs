//! AEM stopped, and started again.

use std::time::Duration;

use signet_aem::Running;
use signet_aem::console::{Access, Console, InstanceUrl};
use signet_aem::relocation::{Aide as _, Relocation, Standing, Step, StepReport};
use signet_http::Plain;
use tokio::time::{Instant, sleep};

use super::super::access::present;
use super::super::service;
use super::Relocate;
use super::narrator::Narrator;
use crate::context::Context;
use crate::failure::Failure;
use crate::prompt;

/// The time between two looks whether AEM still runs.
const PAUSE: Duration = Duration::from_millis(500);

impl Relocate {
    /// Sees that AEM is stopped, or has it stopped.
    pub(super) async fn stand_still(
        &self,
        context: &Context,
        relocation: &Relocation,
        narrator: &mut Narrator<'_>,
    ) -> anyhow::Result<()> {
        let unseen = relocation.unseen_instance().map(asked_by_nobody);
        let Some(how) = how_it_runs(relocation, unseen.as_ref()).await else {
            narrator.took(StepReport::new(Step::Stop, "it does not run"));
            return Ok(());
        };
        let patience = Duration::from_secs(self.wait.into());
        let detail = match &self.stop {
            Some(command) => {
                let _bar = narrator.bar("Stopping AEM");
                service::run(command, "--stop", &self.folder, patience).await?;
                let still = wait(relocation, unseen.as_ref(), Some(patience)).await;
                self.fail_if(still, relocation)?;
                format!("{how}; stopped by --stop")
            }
            None if prompt::is_possible() && !context.output.is_json() => {
                context.output.aside(&format!(
                    "\nStop AEM now: {how}. This waits until it is stopped; with Ctrl-C it ends, and goes on when it is run again.\n"
                ));
                let _bar = narrator.bar("Waiting until AEM is stopped");
                wait(relocation, unseen.as_ref(), None).await;
                "it is stopped".to_owned()
            }
            None => {
                let failure = Failure::new(format!(
                    "{how}, and must be stopped; {}",
                    so_far(relocation)
                ));
                let again = self.again();
                return Err(failure.hint(format!("stop AEM, then run: {again}")).into());
            }
        };
        narrator.took(StepReport::new(Step::Stop, detail));
        Ok(())
    }

    fn fail_if(&self, still: Option<String>, relocation: &Relocation) -> anyhow::Result<()> {
        let Some(how) = still else {
            return Ok(());
        };
        let seconds = self.wait;
        let failure = Failure::new(format!(
            "{how}, {seconds} seconds after the command of --stop; {}",
            so_far(relocation)
        ));
        let hint = format!(
            "stop AEM, then run: {}; --wait gives it more time",
            self.again()
        );
        Err(failure.hint(hint).into())
    }

    /// Runs the command of `--start`.
    pub(super) async fn start_again(
        &self,
        command: &str,
        narrator: &mut Narrator<'_>,
    ) -> anyhow::Result<()> {
        let patience = Duration::from_secs(self.wait.into());
        {
            let _bar = narrator.bar("Starting AEM");
            service::run(command, "--start", &self.folder, patience).await?;
        }
        narrator.took(StepReport::new(Step::Start, "started by --start"));
        Ok(())
    }
}

/// What was done before AEM had to be stopped.
fn so_far(relocation: &Relocation) -> String {
    let backup = relocation.backup().display();
    match relocation.standing() {
        Standing::Kept => format!("nothing was changed yet, and the backup is {backup}"),
        _ => format!("the backup is {backup}"),
    }
}

/// An instance that is asked without credentials whether it is there.
fn asked_by_nobody(url: InstanceUrl) -> Console {
    let access = Access {
        credentials: None,
        ca_file: None,
        plain: Plain::Anywhere,
        patience: Access::PATIENCE,
    };
    Console::new(url, access, present())
}

/// What shows that AEM runs; `None` if nothing does.
async fn how_it_runs(relocation: &Relocation, unseen: Option<&Console>) -> Option<String> {
    if let Running::Yes { process } = relocation.running() {
        return Some(format!("AEM runs, as process {process}"));
    }
    let console = unseen?;
    match console.bundles().await {
        Err(error) if error.is_absence() => None,
        Err(error) if error.is_silence() => Some(format!(
            "AEM runs, as far as can be told: something listens at {}",
            console.url()
        )),
        _ => Some(format!("AEM runs, and answers at {}", console.url())),
    }
}

/// Waits until nothing shows that AEM runs. What still does when the time is over is returned.
async fn wait(
    relocation: &Relocation,
    unseen: Option<&Console>,
    patience: Option<Duration>,
) -> Option<String> {
    let end = patience.map(|patience| Instant::now() + patience);
    loop {
        let how = how_it_runs(relocation, unseen).await?;
        if end.is_some_and(|end| Instant::now() >= end) {
            return Some(how.replace("runs", "still runs"));
        }
        sleep(PAUSE).await;
    }
}
