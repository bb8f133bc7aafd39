//! All of it on a copy, and back again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, ensure};
use signet_aem::Severity;
use signet_aem::console::Console;
use signet_aem::relocation::{
    Aide as _, Rehearsal, Relocation, RelocationError, Standing, Step, StepReport,
};

use super::Relocate;
use super::narrator::Narrator;
use crate::progress::Bar;

/// Says no to a copy that nobody waits for any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Relocate {
    pub(super) async fn rehearse(
        &self,
        relocation: Relocation,
        console: Option<&Console>,
        narrator: &mut Narrator<'_>,
    ) -> anyhow::Result<()> {
        relocation.survey(narrator);
        let fetched = self.fetch(&relocation, console, narrator).await?;
        let rehearsal = copy(relocation, narrator).await?;
        let mut copy = Relocation::open(&rehearsal.folder(), None)?;
        copy.keep(&fetched, narrator)?;
        let untouched = "AEM stays as it is: this is a copy";
        narrator.took(StepReport::new(Step::Stop, untouched));
        copy.switch(narrator)?;
        for step in [Step::Start, Step::Prove, Step::Remove] {
            narrator.took(StepReport::new(step, untouched));
        }
        let found = signet_aem::inspect(&rehearsal.folder())?;
        let worst = found
            .findings
            .iter()
            .find(|finding| finding.severity == Severity::Critical);
        ensure!(
            copy.standing() == Standing::Switched && worst.is_none(),
            "on the copy the keys were moved, but it is not in order{}",
            worst.map_or_else(String::new, |finding| format!(": {}", finding.what))
        );
        copy.go_back(&mut Silent(narrator))
            .context("on the copy the keys were moved, but not back")?;
        ensure!(
            copy.standing() == Standing::NotBegun,
            "on the copy the keys were moved, but not back"
        );
        Ok(())
    }
}

/// Says nothing of the way back.
struct Silent<'n, 'c>(&'n Narrator<'c>);

impl signet_aem::relocation::Aide for Silent<'_, '_> {
    fn took(&mut self, _: StepReport) {}

    fn moment(&self) -> signet_aem::relocation::Moment {
        self.0.moment()
    }
}

/// Copying may take a while; who interrupts it need not wait until it is through.
async fn copy(relocation: Relocation, narrator: &Narrator<'_>) -> anyhow::Result<Rehearsal> {
    let is_wanted = Arc::new(AtomicBool::new(true));
    let _wanted = Wanted(Arc::clone(&is_wanted));
    let bytes = Rehearsal::survey(&relocation)?;
    let bar = narrator
        .bar("Copying")
        .map(|_| Bar::bytes("Copying the bundles", bytes));
    let copied = tokio::task::spawn_blocking(move || {
        let mut done = 0;
        Rehearsal::copy(&relocation, &mut |bytes| {
            done += bytes;
            if let Some(bar) = &bar {
                bar.reach(done);
            }
            is_wanted.load(Ordering::Relaxed)
        })
    });
    let copied: Result<Rehearsal, RelocationError> =
        copied.await.context("the copy was not made")?;
    Ok(copied?)
}
