//! The keys of one installation copied to others: checked on all of them before the first is changed, with a backup on each,
//! and proven equal afterwards.

mod backup;
mod damage;
mod error;
mod journal;
mod proof;
mod source;
mod target;
mod undo;
mod work;

use std::path::{Path, PathBuf};

pub(crate) use backup::{Leftover, LeftoverState, leftovers};
pub use damage::{Damage, DamagedFile, Trial};
pub use error::{PlaceFault, ReplicationError};
pub use proof::SameMaster;
pub use source::{Choice, Source};
pub use target::{KeyChange, Target};
pub use undo::{PutBack, Undo};
pub use work::{Ground, Replicated};

use crate::rekey::Progress;

/// What there is to do on several installations, of which none was changed yet.
#[derive(Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The installations, in the order in which they were named.
    pub targets: Vec<Target>,
}

impl Plan {
    /// Looks at all of `folders`, and at what the keys of `source` would break there: in their configurations and at or below
    /// `content`. Changes nothing.
    ///
    /// # Errors
    ///
    /// One of them is no installation that keys can be copied to.
    pub fn make(
        source: &Source,
        folders: &[PathBuf],
        content: &[PathBuf],
        progress: &mut dyn Progress,
    ) -> Result<Self, ReplicationError> {
        let mut plan = Self {
            targets: Vec::new(),
        };
        for folder in folders {
            let target = Target::find(source, folder)?;
            let is_known = |place: &Path| {
                source.directory() == Some(place)
                    || plan.targets.iter().any(|other| other.directory() == place)
            };
            if is_known(target.directory()) {
                return Err(ReplicationError::Same {
                    folder: folder.clone(),
                    directory: target.directory().to_owned(),
                });
            }
            plan.targets.push(target);
        }
        // Reading content takes a while, so everything else is checked before.
        for target in &mut plan.targets {
            target.assess(source, content, progress)?;
        }
        Ok(plan)
    }

    /// Whether all of them have the keys already, and nothing is left to finish.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.targets.iter().all(Target::is_done)
    }

    /// Whether something may break that only an administrator can judge.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.targets.iter().all(|target| target.damage.is_none())
    }
}

#[cfg(test)]
mod tests;
