//! A move that somebody made by hand, taken over where it can be shown that AEM runs on the files.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use super::backup::Part;
use super::finish::PAUSE;
use super::journal::{Journal, Stage};
use super::source::{Fetched, recognise, repository_key, try_master};
use super::step::{Aide, Moment};
use super::{Relocation, RelocationError, Standing};
use crate::console::Console;
use crate::felix::{CRYPTO, CRYPTO_FILE};
use crate::{KeyBytes, KeyName, Running, running};

impl Relocation {
    /// Takes over a move that was made by hand, so that it can be proven and finished as one of this operation: AEM runs on the
    /// folder, was started after the three files were last changed, and what is in the repository is the same as what is in the
    /// files. Everything is copied into a backup. Returns whether any key is still in the repository; if none is, nothing is
    /// written.
    ///
    /// # Errors
    ///
    /// The keys are not in files, or something of that cannot be shown. Nothing was changed.
    pub async fn take_over(
        &mut self,
        console: &Console,
        patience: Duration,
        aide: &mut dyn Aide,
    ) -> Result<bool, RelocationError> {
        if self.standing() != Standing::InFiles {
            return Err(RelocationError::NotSwitched);
        }
        let running = self.running();
        let Running::Yes { process } = running else {
            return Err(RelocationError::RunsNot);
        };
        let switched = self.changed_before(process, aide)?;
        recognise(&self.site, console, running).await?;
        console
            .wait_until_active(&[CRYPTO, CRYPTO_FILE], patience, PAUSE)
            .await?;
        let (hmac, master) = (
            self.key_in_file(KeyName::Hmac)?,
            self.key_in_file(KeyName::Master)?,
        );
        try_master(console, &master, "files").await?;
        let mut fetched = Fetched {
            hmac,
            master,
            shapes: [None, None],
            url: Some(console.url().clone()),
            is_unseen: false,
        };
        for (place, name) in KeyName::ALL.into_iter().enumerate() {
            let Some(there) = repository_key(console, name).await? else {
                continue;
            };
            if there.key != *fetched.key(name) {
                return Err(RelocationError::PropertyDiffers {
                    url: console.url().to_string(),
                    name,
                });
            }
            if let Some(shape) = fetched.shapes.get_mut(place) {
                *shape = Some(there.shape);
            }
        }
        if fetched.shapes == [None, None] {
            return match console.sees_keys().await? {
                true => Ok(false),
                false => Err(RelocationError::NotSeen(console.url().to_string())),
            };
        }
        let switch = |journal: &mut Journal| {
            journal.stage = Stage::Switched;
            journal.switched = Some(switched);
        };
        self.keep_and_note(&fetched, switch, aide)?;
        Ok(true)
    }

    fn key_in_file(&self, name: KeyName) -> Result<KeyBytes, RelocationError> {
        let path = self.site.key(name);
        KeyBytes::read(name, &path).map_err(|source| RelocationError::KeyFile {
            name,
            path,
            source,
        })
    }

    /// When the last of the three files was changed, which was before this process was started.
    fn changed_before(&self, process: u32, aide: &dyn Aide) -> Result<Moment, RelocationError> {
        let started = running::started(process).ok_or(RelocationError::RunsNot)?;
        let now = aide.moment();
        let mut latest = 0;
        for part in Part::ALL {
            let path = self.part(part);
            let changed = since_start(&path, &now, aide.since_epoch())?;
            if changed > started {
                return Err(RelocationError::ChangedSince { path, process });
            }
            latest = latest.max(changed);
        }
        Ok(Moment {
            hundredths: latest,
            ..now
        })
    }
}

/// When a file was last changed, its owner and mode included, in hundredths of a second since the start of the machine. Nobody can
/// set that time but by setting the clock.
fn since_start(path: &Path, now: &Moment, since_epoch: Duration) -> Result<u64, RelocationError> {
    let metadata = path
        .symlink_metadata()
        .map_err(|error| RelocationError::read(path, error))?;
    let changed = Duration::new(
        u64::try_from(metadata.ctime()).unwrap_or_default(),
        u32::try_from(metadata.ctime_nsec()).unwrap_or_default(),
    );
    let since_then = hundredths(since_epoch.saturating_sub(changed));
    Ok(match changed > since_epoch {
        // The clock was set back since.
        true => u64::MAX,
        false => now.hundredths.saturating_sub(since_then),
    })
}

fn hundredths(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis() / 10).unwrap_or(u64::MAX)
}
