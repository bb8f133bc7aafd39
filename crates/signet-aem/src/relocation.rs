//! Moving the keys of an installation out of the repository into files, so that at no instant a crash leaves an AEM that starts
//! without them.
//!
//! First everything is copied into a backup; then, with AEM stopped, the keys are written, and `storage`, which makes them count,
//! is switched last; only when AEM demonstrably runs on them are the properties of `/etc/key` removed. A journal in the backup
//! says how far it is, so that the same command goes on where an earlier one stopped.

mod back;
mod backup;
mod error;
mod finish;
mod journal;
mod rehearsal;
mod site;
mod source;
mod step;
mod switch;
mod takeover;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use signet_keys::Lock;

pub use error::RelocationError;
pub use finish::Proof;
pub(crate) use journal::{Leftover, LeftoverState, leftovers};
pub use rehearsal::Rehearsal;
pub(crate) use rehearsal::rehearsals;
pub use source::{Fetched, Source};
pub use step::{Aide, Moment, Step, StepReport};

use crate::console::InstanceUrl;
use crate::disk::{Disk, Os, Signature, directory_of};
use crate::{Digests, Inspection, KeyName, Running};
use journal::{Journal, Stage};
use site::Site;

/// The name of the backup's directory in the folder of the installation, unless another is named.
pub const BACKUP: &str = "signet-relocation";
/// In the names of files that have not taken their places yet.
const SIGNATURE: Signature = Signature(BACKUP);

/// An installation whose keys are moved, and how far that is.
#[derive(Debug)]
pub struct Relocation {
    folder: PathBuf,
    site: Site,
    backup: PathBuf,
    journal: Option<Journal>,
    disk: Arc<dyn Disk>,
    lock: Option<Lock>,
}

/// How far the keys of an installation are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Standing {
    /// Nothing was begun, and they are not in files.
    NotBegun,
    /// They are in files, and not by this operation, as far as is known.
    InFiles,
    /// They are in the backup; in the installation nothing was changed.
    Kept,
    /// They are being written into the installation, which needs AEM to be stopped.
    Writing,
    /// `storage` says that they are in files. Those in the repository are still there.
    Switched,
    /// Those in the repository are being removed.
    Removing,
    /// They are in files and nowhere else.
    Finished,
    /// They are being put back as they were.
    GoingBack,
}

impl Relocation {
    /// The installation in `folder`, whose backup is in `backup`: by default in the folder, where an earlier run may have left it.
    ///
    /// # Errors
    ///
    /// It is not clear which files are meant, or what an earlier run left belongs to another installation.
    pub fn open(folder: &Path, backup: Option<&Path>) -> Result<Self, RelocationError> {
        Self::on(folder, backup, Arc::new(Os))
    }

    fn on(
        folder: &Path,
        backup: Option<&Path>,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, RelocationError> {
        let site = Site::examine(folder)?;
        let backup = match backup {
            Some(backup) => {
                without_links(backup).map_err(|error| RelocationError::read(backup, error))?
            }
            None => journal::place(&site.folder, site.cache()),
        };
        let journal = Journal::read(&backup)?;
        if let Some(journal) = &journal {
            journal.check(&site, &backup)?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            site,
            backup,
            journal,
            disk,
            lock: None,
        })
    }

    /// How far it is.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let elsewhere = match self.site.is_in_files() {
            true => Standing::InFiles,
            false => Standing::NotBegun,
        };
        match self.stage() {
            None | Some(Stage::Preparing | Stage::Undone) => elsewhere,
            Some(Stage::Kept) => Standing::Kept,
            Some(Stage::Writing) => Standing::Writing,
            Some(Stage::Switched) => Standing::Switched,
            Some(Stage::Removing) => Standing::Removing,
            Some(Stage::Finished) => match self.site.is_in_files() {
                true => Standing::Finished,
                // Somebody switched it again by hand.
                false => Standing::NotBegun,
            },
            Some(Stage::GoingBack) => Standing::GoingBack,
        }
    }

    /// Where the backup is, or will be.
    #[must_use]
    pub fn backup(&self) -> &Path {
        &self.backup
    }

    /// What the folder tells.
    #[must_use]
    pub const fn inspection(&self) -> &Inspection {
        &self.site.inspection
    }

    /// Whether AEM runs on the folder at this moment.
    #[must_use]
    pub fn running(&self) -> Running {
        Running::look(self.site.cache())
    }

    /// The instance whose process cannot be seen from here, though it answered: whether it is stopped only it can tell.
    #[must_use]
    pub fn unseen_instance(&self) -> Option<InstanceUrl> {
        let journal = self.journal.as_ref().filter(|journal| journal.is_unseen)?;
        journal.url.as_deref()?.parse().ok()
    }

    /// The instance that the keys were fetched from.
    #[must_use]
    pub fn instance(&self) -> Option<InstanceUrl> {
        self.journal.as_ref()?.url.as_deref()?.parse().ok()
    }

    /// By what the keys that are moved are known, once they are in the backup.
    #[must_use]
    pub fn digests(&self) -> Option<[(KeyName, Digests); 2]> {
        let journal = self.journal.as_ref()?;
        Some([
            (KeyName::Hmac, journal.hmac.digests.clone()),
            (KeyName::Master, journal.master.digests.clone()),
        ])
    }

    /// Tells what was found out before anything is fetched.
    pub fn survey(&self, aide: &mut dyn Aide) {
        self.site.survey(aide);
    }

    fn stage(&self) -> Option<Stage> {
        self.journal.as_ref().map(|journal| journal.stage)
    }

    /// Takes the lock of the backup, which must be there, and sees that nobody else went on meanwhile.
    fn hold(&mut self) -> Result<(), RelocationError> {
        if self.lock.is_some() {
            return Ok(());
        }
        let lock = journal::lock(&self.backup)?;
        if Journal::read(&self.backup)? != self.journal {
            return Err(RelocationError::Busy(self.backup.clone()));
        }
        self.lock = Some(lock);
        Ok(())
    }

    /// Looks at the folder anew: time may have passed.
    fn look_again(&mut self) -> Result<(), RelocationError> {
        let site = Site::examine(&self.folder)?;
        if let Some(journal) = &self.journal {
            journal.check(&site, &self.backup)?;
        }
        self.site = site;
        Ok(())
    }

    /// Refuses to go on while AEM runs.
    fn must_be_stopped(&self) -> Result<(), RelocationError> {
        match self.running() {
            Running::Yes { process } => Err(RelocationError::Runs { process }),
            Running::No => Ok(()),
        }
    }

    fn journal(&self) -> Result<&Journal, RelocationError> {
        self.journal
            .as_ref()
            .ok_or_else(|| RelocationError::NotBegun(self.backup.clone()))
    }

    /// Writes the journal with what `change` changes in it.
    fn note(&mut self, change: impl FnOnce(&mut Journal)) -> Result<(), RelocationError> {
        let mut journal = self.journal()?.clone();
        change(&mut journal);
        journal.write(&*self.disk, &self.backup)?;
        self.journal = Some(journal);
        Ok(())
    }
}

/// The place of a backup as it can be named from anywhere. Whether it is a link itself is looked at later.
fn without_links(backup: &Path) -> io::Result<PathBuf> {
    let backup = std::path::absolute(backup)?;
    let Some(name) = backup.file_name() else {
        return backup.canonicalize();
    };
    match directory_of(&backup).canonicalize() {
        Ok(directory) => Ok(directory.join(name)),
        // Whoever makes it says so.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(backup),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
