//! Everything back as it was.

use signet_aem::Running;
use signet_aem::relocation::{RelocationError, Standing};

use super::narrator::Narrator;
use super::{Reached, Relocate};
use crate::context::Context;
use crate::failure::Failure;
use crate::prompt;

impl Relocate {
    pub(super) async fn take_back(
        &self,
        context: &Context,
        narrator: &mut Narrator<'_>,
    ) -> anyhow::Result<Reached> {
        let mut relocation = self.open()?;
        narrator.stands(self.standing(&relocation));
        if relocation.digests().is_none() {
            return Err(RelocationError::NotBegun(relocation.backup().to_owned()).into());
        }
        if !self.yes && prompt::is_possible() {
            let folder = self.folder.display();
            prompt::confirm(&format!(
                "Put the keys of {folder} back to where they were?"
            ))?;
        }
        if relocation.standing() != Standing::Kept {
            narrator.stands(self.going_back(&relocation));
        }
        let is_over = matches!(
            relocation.standing(),
            Standing::NotBegun | Standing::InFiles | Standing::Kept
        );
        if relocation.needs_instance_to_go_back() {
            let console = self.console(&relocation)?;
            let Some(console) = console else {
                return Err(RelocationError::InstanceNeeded.into());
            };
            if relocation.running() == Running::No {
                let failure = Failure::new(
                    "the keys were removed from the repository, and AEM must run to have them put back there",
                );
                return Err(failure.hint("start AEM, and repeat").into());
            }
            relocation.return_to_repository(&console, narrator).await?;
        } else if self.url.is_some()
            && !is_over
            && let Some(console) = self.console(&relocation)?
            && relocation.running() != Running::No
        {
            // Somebody may have removed them by hand.
            relocation.return_to_repository(&console, narrator).await?;
        }
        if !is_over {
            self.stand_still(context, &relocation, narrator).await?;
        }
        let is_changed = relocation.go_back(narrator)?;
        // An earlier run may have been cut short when all was put back and AEM was stopped.
        let is_stopped =
            relocation.running() == Running::No && relocation.unseen_instance().is_none();
        if let (Some(command), true) = (&self.start, is_changed || is_stopped) {
            self.start_again(command, narrator).await?;
        }
        Ok(Reached::Undone)
    }
}
