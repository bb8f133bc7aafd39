//! Moving the keys from one place to the other, so that at no instant the last copy of one exists nowhere.
//!
//! The fifteen steps are those that an administrator would take by hand: look, back up, write, compare, switch, try, and
//! only then remove. What fails before anything is removed is taken back; what fails later, or dies, is finished by asking
//! again, because `keys/relocation` remembers it.

mod backup;
mod error;
mod find;
mod journal;
mod needle;
mod probe;
mod retreat;
mod run;
mod situation;
mod step;
mod steps;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use signet_core::UnixSeconds;

use crate::custody::Guard;
use crate::disk::{Disk, Os};
use crate::{KeyProvider, KeyStore, KeyStoreOptions, LoadedKeys, ProviderName};

pub use backup::{BackupSealer, relocation_backups};
pub use error::{Aftermath, CheckFailure, RelocationError, RelocationFailure};
pub use journal::unfinished_relocation;
pub(crate) use journal::{JOURNAL, Moving};
pub(crate) use needle::Needles;
use run::Run;
pub use step::{RelocationStep, StepReport};

/// A directory of keys as it is moved: opened whatever `storage` says, because that may be what is wrong.
#[derive(Debug)]
pub struct Relocation {
    store: KeyStore,
}

/// What is asked of a [`Relocation`].
#[derive(Clone, Debug)]
pub struct RelocationOrder {
    /// Where the keys are to be.
    pub to: Destination,
    /// Whether it is done, or only shown.
    pub intent: Intent,
    /// The directory for backups, which is made if it is missing.
    pub backups: PathBuf,
    /// The present.
    pub now: UnixSeconds,
}

/// Where the keys are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// In this place.
    Place(ProviderName),
    /// Where they were before they were moved last, together with what the newest backup has of them.
    Back,
}

/// Whether something is done, or only shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Intent {
    /// It is done.
    Do,
    /// It is looked at, and nothing is changed.
    Show,
}

/// Who accompanies a move: hears of each step, and tries what the keys are for.
pub trait RelocationAide {
    /// Somebody else changes keys; this waits until that is done.
    fn waits(&mut self) {}

    /// A step was taken, or would be.
    fn took(&mut self, report: &StepReport);

    /// Tries, before anything is changed, what is sealed with the keys. The text says what was tried.
    ///
    /// # Errors
    ///
    /// Something that the move must not begin with.
    fn before(&mut self, keys: &LoadedKeys) -> Result<String, CheckFailure>;

    /// Tries the same with the keys of the new place, while the old one still has them.
    ///
    /// # Errors
    ///
    /// Something does not open that did before: all is put back.
    fn after(&mut self, keys: &LoadedKeys) -> Result<String, CheckFailure>;
}

/// What a move came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Relocated {
    /// Where the keys are, or would be.
    pub to: ProviderName,
    /// What was done.
    pub deed: Deed,
    /// How many keys there are.
    pub keys: usize,
    /// The file that they were sealed into beforehand, which stays until somebody removes it.
    pub backup: Option<PathBuf>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deed {
    /// The keys are in their new place, and nowhere else.
    Moved,
    /// They were there already.
    Nothing,
    /// It was only shown.
    Shown,
}

impl Relocation {
    /// The keys in `directory`. Nothing is read yet.
    #[must_use]
    pub fn new(directory: &Path, options: KeyStoreOptions) -> Self {
        let guard = Guard::new(options.custody);
        Self::on(directory, guard, Arc::new(Os), options.repository)
    }

    pub(crate) fn on(
        directory: &Path,
        guard: Guard,
        disk: Arc<dyn Disk>,
        repository: Option<Arc<dyn KeyProvider>>,
    ) -> Self {
        Self {
            store: KeyStore::unchecked(directory, guard, disk, repository),
        }
    }

    /// Moves the keys, or shows how they would be moved. Whoever changes keys meanwhile waits.
    ///
    /// It may be asked again at any time: what was cut short is finished, and what is done already is nothing to do.
    ///
    /// # Errors
    ///
    /// What went wrong at which step, and what that means for the keys.
    pub fn run(
        &self,
        order: &RelocationOrder,
        sealer: &dyn BackupSealer,
        aide: &mut dyn RelocationAide,
    ) -> Result<Relocated, RelocationFailure> {
        Run::new(&self.store, order, sealer, aide).run()
    }
}

#[cfg(test)]
mod tests;
