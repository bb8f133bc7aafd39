//! All of it on a copy, and back again.

use std::path::Path;

use anyhow::{Context as _, ensure};
use signet_aem::Severity;
use signet_aem::console::Console;
use signet_aem::relocation::{Aide as _, Rehearsal, Relocation, Standing, Step, StepReport};

use super::Relocate;
use super::narrator::Narrator;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Bar;

impl Relocate {
    pub(super) async fn rehearse(
        &self,
        relocation: Relocation,
        console: Option<&Console>,
        narrator: &mut Narrator<'_>,
    ) -> anyhow::Result<()> {
        relocation.survey(narrator);
        let fetched = self.fetch(&relocation, console, narrator).await?;
        let (rehearsal, _step) = copy(&relocation, narrator)?;
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

    fn since_epoch(&self) -> std::time::Duration {
        self.0.since_epoch()
    }
}

/// Copies the bundles. Whoever stops the program from then on leaves no copy behind.
fn copy(
    relocation: &Relocation,
    narrator: &Narrator<'_>,
) -> anyhow::Result<(Rehearsal, Option<interrupt::Step>)> {
    let bytes = Rehearsal::survey(relocation)?;
    let bar = narrator
        .bar("Copying")
        .map(|_| Bar::bytes("Copying the bundles", bytes));
    let (mut done, mut step) = (0, None);
    let begun = |root: &Path| {
        let root = root.to_owned();
        step = Some(interrupt::told(narrator.output(), move || abandoned(&root)));
    };
    let copied = Rehearsal::copy(relocation, begun, &mut |bytes| {
        done += bytes;
        if let Some(bar) = &bar {
            bar.reach(done);
        }
        true
    });
    Ok((copied?, step))
}

fn abandoned(root: &Path) -> Failure {
    match Rehearsal::abandon(root) {
        Ok(()) => Failure::new("nothing was changed, and the copy is removed"),
        Err(error) => Failure::new(format!(
            "nothing was changed, but the copy with its keys could not be removed: {error}"
        ))
        .hint(format!("rm -r {}*", signet_server::quoted(root))),
    }
}
