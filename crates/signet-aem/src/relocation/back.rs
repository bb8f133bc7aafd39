//! The way back to how it was.

use super::journal::Stage;
use super::step::{Aide, Step, StepReport};
use super::{Relocation, RelocationError};
use crate::KeyName;
use crate::console::Console;

impl Relocation {
    /// Whether the keys were removed from the repository, so that the running instance must put them back there first.
    #[must_use]
    pub fn needs_instance_to_go_back(&self) -> bool {
        let journal = self.journal.as_ref();
        journal.is_some_and(|journal| journal.hmac.is_removed || journal.master.is_removed)
    }

    /// Puts the keys back into the repository, if they are not there.
    ///
    /// # Errors
    ///
    /// The instance does not do it, or has other keys there.
    pub async fn return_to_repository(
        &mut self,
        console: &Console,
        aide: &mut dyn Aide,
    ) -> Result<(), RelocationError> {
        self.hold()?;
        self.look_again()?;
        super::source::recognise(&self.site, console, self.running()).await?;
        self.put_back(console).await?;
        self.note(|journal| {
            journal.stage = Stage::GoingBack;
            for name in KeyName::ALL {
                journal.moved_mut(name).is_removed = false;
            }
        })?;
        let detail = "hmac and master are there again";
        aide.took(StepReport::new(Step::Remove, detail));
        Ok(())
    }

    /// Puts `storage` and the files of the keys back as they were. The backup stays. Returns whether anything had been changed.
    ///
    /// # Errors
    ///
    /// AEM runs, the keys must be put back into the repository first, somebody changed a file meanwhile, or something could not be
    /// written: it can be repeated.
    pub fn go_back(&mut self, aide: &mut dyn Aide) -> Result<bool, RelocationError> {
        let stage = self.journal()?.stage;
        self.hold()?;
        self.look_again()?;
        match stage {
            Stage::Undone => return Ok(false),
            Stage::Preparing | Stage::Kept => {
                self.note(|journal| journal.stage = Stage::Undone)?;
                return Ok(false);
            }
            _ => {}
        }
        if self.needs_instance_to_go_back() {
            return Err(RelocationError::InstanceNeeded);
        }
        self.must_be_stopped()?;
        self.check_backup()?;
        // Before anything is noted: what somebody else wrote must not leave it half way back.
        self.refuse_others()?;
        self.note(|journal| journal.stage = Stage::GoingBack)?;
        self.put_back_files(aide)?;
        self.must_be_stopped()?;
        self.note(|journal| journal.stage = Stage::Undone)?;
        self.look_again()?;
        Ok(true)
    }
}
