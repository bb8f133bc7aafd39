//! What memory knows better than the disk is written there.

use std::sync::Arc;

use signet_core::Key;

use super::{KeyStore, REVOKED};
use crate::merge::{Merge, union};
use crate::{Custody, Effect, Found, KeyError, KeyFault, KeyProblem, Lock, Revocations};

impl KeyStore {
    /// Writes later states into key files, and revoked keys into `revoked` (`on_disk` is what it says, if it can be read).
    /// What fails is reported: the keys in memory are right all the same.
    pub(super) fn write_back(
        &self,
        merge: &Merge<'_>,
        on_disk: Option<&Revocations>,
    ) -> Vec<KeyProblem> {
        let is_mounted = self.guard.custody == Custody::Mounted;
        let has_news = on_disk.is_some_and(|known| !known.is_superset(&merge.revoked));
        // The files of a mounted secret say themselves what they revoke.
        let has_news = has_news && !is_mounted;
        if merge.ahead.is_empty() && merge.rescued.is_empty() && !has_news {
            return Vec::new();
        }
        match self.begin() {
            Ok(lock) => self.write_all(&lock, merge, has_news),
            Err(error) => {
                let error = Arc::new(error);
                let corrections = merge.ahead.iter().chain(&merge.rescued);
                corrections
                    .map(|key| self.not_corrected(key, Arc::clone(&error)))
                    .chain(has_news.then(|| self.not_remembered(Arc::clone(&error))))
                    .collect()
            }
        }
    }

    fn write_all(&self, lock: &Lock, merge: &Merge<'_>, has_news: bool) -> Vec<KeyProblem> {
        let mut problems = Vec::new();
        if has_news && let Err(error) = self.remember(lock, &merge.revoked) {
            problems.push(self.not_remembered(Arc::new(error)));
        }
        for key in &merge.ahead {
            if let Err(error) = self.correct(key) {
                problems.push(self.not_corrected(key, Arc::new(error)));
            }
        }
        for key in &merge.rescued {
            if let Err(error) = self.put_back(key) {
                problems.push(self.not_corrected(key, Arc::new(error)));
            }
        }
        problems
    }

    /// The file is read again: since it was loaded, somebody may have changed or removed it under the lock.
    fn correct(&self, key: &Key) -> Result<(), KeyError> {
        for found in self.scan(key.ring)? {
            if let Found::Readable(on_disk) = found
                && on_disk.id == key.id
                && on_disk.state < key.state
            {
                self.provider.write(&union(&on_disk, key))?;
            }
        }
        Ok(())
    }

    /// A key in use whose file was removed is written again, unless it came back meanwhile.
    fn put_back(&self, key: &Key) -> Result<(), KeyError> {
        let found = self.scan(key.ring)?;
        let is_there = found.iter().any(|found| match found {
            Found::Readable(on_disk) => on_disk.id == key.id,
            Found::Unreadable { id, .. } => *id == Some(key.id),
        });
        if !is_there {
            self.provider.write(key)?;
        }
        Ok(())
    }

    fn not_corrected(&self, key: &Key, source: Arc<KeyError>) -> KeyProblem {
        let path = self.path(key.ring.as_str()).join(format!("{}.jwk", key.id));
        let fault = KeyFault::NotCorrected {
            id: key.id,
            state: key.state,
            source,
        };
        KeyProblem::new(path, fault).with(Effect::Noted)
    }

    fn not_remembered(&self, source: Arc<KeyError>) -> KeyProblem {
        KeyProblem::new(self.path(REVOKED), KeyFault::NotRemembered(source)).with(Effect::Noted)
    }
}

#[cfg(test)]
mod tests;
