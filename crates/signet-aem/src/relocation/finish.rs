//! The keys removed from the repository, once AEM demonstrably runs on the files.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::journal::Stage;
use super::source::{self, Tried, recognise, try_master};
use super::step::{Aide, Step, StepReport};
use super::{Relocation, RelocationError};
use crate::console::{Console, ConsoleFault, KeyShape, RepositoryKeyError};
use crate::felix::{CRYPTO, CRYPTO_FILE};
use crate::{KeyName, Running, running};

/// The time between two looks at an instance that starts.
pub(super) const PAUSE: Duration = Duration::from_secs(2);

/// That AEM runs on the files, and what is still in the repository.
#[derive(Debug)]
pub struct Proof {
    tried: Tried,
    there: Vec<(KeyName, KeyShape)>,
}

impl Proof {
    /// The keys that are still in the repository.
    pub fn in_repository(&self) -> impl Iterator<Item = KeyName> {
        self.there.iter().map(|(name, _)| *name)
    }
}

impl Relocation {
    /// Sees that the instance runs on the files: started after `storage` was switched, on this folder, its bundles active, and
    /// where that can be tried, sealing with the `master` of the file. Waits for it as long as `patience` says.
    ///
    /// # Errors
    ///
    /// It does not, or nothing shows that it does. Nothing was changed.
    pub async fn prove(
        &mut self,
        console: &Console,
        patience: Duration,
        aide: &mut dyn Aide,
    ) -> Result<Proof, RelocationError> {
        self.hold()?;
        self.look_again()?;
        match self.journal()?.stage {
            Stage::Switched | Stage::Removing | Stage::Finished => {}
            Stage::Kept | Stage::Writing => return Err(RelocationError::NotSwitched),
            Stage::GoingBack => return Err(RelocationError::GoingBack(self.backup.clone())),
            Stage::Preparing | Stage::Undone => {
                return Err(RelocationError::NotBegun(self.backup.clone()));
            }
        }
        self.must_be_as_written()?;
        let end = Instant::now() + patience;
        console
            .wait_until_active(&[CRYPTO, CRYPTO_FILE], patience, PAUSE)
            .await?;
        let process = self.started_afterwards(aide)?;
        recognise(&self.site, console, self.running()).await?;
        let master = self.kept_key(KeyName::Master)?;
        let tried = loop {
            match try_master(console, &master, "files").await {
                // Its bundle is active before the keys are loaded.
                Err(RelocationError::Console(error))
                    if matches!(error.fault, ConsoleFault::Status(500..))
                        && Instant::now() < end =>
                {
                    sleep(PAUSE).await;
                }
                tried => break tried?,
            }
        };
        let there = self.still_there(console, end).await?;
        let detail = format!(
            "process {process} was started afterwards, and both bundles are active\n{}",
            tried.in_words()
        );
        aide.took(StepReport::new(Step::Prove, detail));
        Ok(Proof { tried, there })
    }

    /// The keys that are in the repository. That one is not there is believed only of an instance that shows the place.
    async fn still_there(
        &self,
        console: &Console,
        end: Instant,
    ) -> Result<Vec<(KeyName, KeyShape)>, RelocationError> {
        loop {
            let error = match self.look_for_keys(console).await {
                Ok(Some(there)) => return Ok(there),
                Ok(None) => RelocationError::NotSeen(console.url().to_string()),
                Err(error) if is_starting(&error) => error,
                Err(error) => return Err(error),
            };
            if Instant::now() >= end {
                return Err(error);
            }
            sleep(PAUSE).await;
        }
    }

    /// The keys that are in the repository; `None` if it cannot be told that one is not there.
    async fn look_for_keys(
        &self,
        console: &Console,
    ) -> Result<Option<Vec<(KeyName, KeyShape)>>, RelocationError> {
        let mut there = Vec::new();
        for name in KeyName::ALL {
            if let Some(shape) = self.property(console, name).await? {
                there.push((name, shape));
            }
        }
        let is_certain = there.len() == KeyName::ALL.len() || console.sees_keys().await?;
        Ok(is_certain.then_some(there))
    }

    /// Removes the keys from the repository, looks that they are gone and that AEM still seals with the `master` of the file. If
    /// not, they are put back at once.
    ///
    /// # Errors
    ///
    /// Somebody changed a key since the proof, they could not be removed, or something was wrong afterwards.
    pub async fn remove(
        &mut self,
        console: &Console,
        proof: &Proof,
        aide: &mut dyn Aide,
    ) -> Result<(), RelocationError> {
        self.hold()?;
        if proof.there.is_empty() {
            self.note(|journal| journal.stage = Stage::Finished)?;
            let detail = "neither hmac nor master is there";
            aide.took(StepReport::new(Step::Remove, detail));
            return Ok(());
        }
        // Whoever was asked may have thought for long. What is in the backup alone can be put back.
        self.look_again()?;
        self.must_be_as_written()?;
        for name in proof.in_repository() {
            self.property(console, name).await?;
        }
        self.note(|journal| {
            journal.stage = Stage::Removing;
            for (name, shape) in &proof.there {
                let moved = journal.moved_mut(*name);
                moved.shape = Some(*shape);
                moved.is_removed = true;
            }
        })?;
        if let Err(reason) = self.remove_and_try(console, proof).await {
            return Err(match self.put_back(console).await {
                Ok(()) => {
                    self.note(|journal| {
                        journal.stage = Stage::Switched;
                        for name in KeyName::ALL {
                            journal.moved_mut(name).is_removed = false;
                        }
                    })?;
                    RelocationError::PutBack(Box::new(reason))
                }
                Err(source) => RelocationError::NotPutBack {
                    reason: Box::new(reason),
                    source: Box::new(source),
                },
            });
        }
        self.note(|journal| journal.stage = Stage::Finished)?;
        let names: Vec<_> = proof.in_repository().map(KeyName::as_str).collect();
        let detail = format!("{} removed, and AEM goes on", names.join(" and "));
        aide.took(StepReport::new(Step::Remove, detail));
        Ok(())
    }

    async fn remove_and_try(
        &self,
        console: &Console,
        proof: &Proof,
    ) -> Result<(), RelocationError> {
        let names: Vec<_> = proof.in_repository().collect();
        console.remove_repository_keys(&names).await?;
        for name in names {
            if source::repository_key(console, name).await?.is_some() {
                return Err(RelocationError::StillThere {
                    url: console.url().to_string(),
                    name,
                });
            }
        }
        console
            .wait_until_active(&[CRYPTO, CRYPTO_FILE], Duration::ZERO, PAUSE)
            .await?;
        if proof.tried == Tried::Opens {
            try_master(console, &self.kept_key(KeyName::Master)?, "files").await?;
        }
        Ok(())
    }

    /// Sees that the keys that were looked at in the repository are there, and puts those there that are not.
    pub(super) async fn put_back(&self, console: &Console) -> Result<(), RelocationError> {
        for name in KeyName::ALL {
            let Some(shape) = self.journal()?.moved(name).shape else {
                continue;
            };
            if self.property(console, name).await?.is_some() {
                continue;
            }
            let key = self.kept_key(name)?;
            console.put_repository_key(&key, shape).await?;
            if self.property(console, name).await?.is_none() {
                return Err(RelocationError::NoProperty {
                    url: console.url().to_string(),
                    name,
                });
            }
        }
        // An earlier run may have been cut short between the copy and this.
        console.remove_scratch().await?;
        Ok(())
    }

    /// What holds a key in the repository, `None` if it is not there. It must be the one that was moved.
    async fn property(
        &self,
        console: &Console,
        name: KeyName,
    ) -> Result<Option<KeyShape>, RelocationError> {
        let Some(found) = source::repository_key(console, name).await? else {
            return Ok(None);
        };
        match found.key.digests() == self.journal()?.moved(name).digests {
            true => Ok(Some(found.shape)),
            false => Err(RelocationError::PropertyDiffers {
                url: console.url().to_string(),
                name,
            }),
        }
    }

    /// The process that runs AEM, which was started after `storage` was switched.
    fn started_afterwards(&self, aide: &dyn Aide) -> Result<u32, RelocationError> {
        let Running::Yes { process } = self.running() else {
            return Err(RelocationError::RunsNot);
        };
        let switched = self.journal()?.switched.as_ref();
        let switched = switched.ok_or(RelocationError::NotSwitched)?;
        // Whatever runs now was started in this run of the machine.
        let is_later_boot = aide.moment().boot != switched.boot;
        let started = running::started(process).ok_or(RelocationError::RunsNot)?;
        match is_later_boot || started >= switched.hundredths {
            true => Ok(process),
            false => Err(RelocationError::StartedBefore { process }),
        }
    }
}

/// Whether an instance has not got everything up yet.
fn is_starting(error: &RelocationError) -> bool {
    let error = match error {
        RelocationError::Console(error) => error,
        RelocationError::RepositoryKey {
            source: RepositoryKeyError::Console(error),
            ..
        } => error,
        _ => return false,
    };
    error.is_starting()
}
