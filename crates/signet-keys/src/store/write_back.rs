//! What memory knows better than the disk is written there.

use std::path::PathBuf;
use std::sync::Arc;

use signet_core::Key;

use super::load::News;
use super::{KeyStore, REVOKED};
use crate::merge::union;
use crate::{Custody, Effect, Found, KeyError, KeyFault, KeyProblem, Lock, Revocations};

impl KeyStore {
    /// Writes later states to where the keys are, and revoked keys into `revoked`.
    /// What fails is reported: the keys in memory are right all the same.
    pub(super) fn write_back(&self, news: &News) -> Vec<KeyProblem> {
        let is_mounted = self.guard.custody == Custody::Mounted;
        // The files of a mounted secret say themselves what they revoke.
        let revoked = news.revoked.as_ref().filter(|_| !is_mounted);
        if news.ahead.is_empty() && news.rescued.is_empty() && revoked.is_none() {
            return Vec::new();
        }
        match self.begin() {
            Ok(lock) => self.write_all(&lock, news, revoked),
            Err(error) => {
                let error = Arc::new(error);
                let corrections = news.ahead.iter().chain(&news.rescued);
                corrections
                    .map(|key| self.not_corrected(key, Arc::clone(&error)))
                    .chain(revoked.map(|_| self.not_remembered(Arc::clone(&error))))
                    .collect()
            }
        }
    }

    fn write_all(
        &self,
        lock: &Lock,
        news: &News,
        revoked: Option<&Revocations>,
    ) -> Vec<KeyProblem> {
        let mut problems = Vec::new();
        if let Some(revoked) = revoked
            && let Err(error) = self.remember(lock, revoked)
        {
            problems.push(self.not_remembered(Arc::new(error)));
        }
        for key in &news.ahead {
            if let Err(error) = self.correct(key) {
                problems.push(self.not_corrected(key, Arc::new(error)));
            }
        }
        for key in &news.rescued {
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
                self.provider()?.write(&union(&on_disk, key))?;
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
            self.provider()?.write(key)?;
        }
        Ok(())
    }

    fn not_corrected(&self, key: &Key, source: Arc<KeyError>) -> KeyProblem {
        let path = self.named(key);
        let fault = KeyFault::NotCorrected {
            id: key.id,
            state: key.state,
            source,
        };
        KeyProblem::new(path, fault).with(Effect::Noted)
    }

    fn named(&self, key: &Key) -> PathBuf {
        let provider = self.provider().unwrap_or(&*self.files);
        provider.place_of(key.ring, key.id)
    }

    fn not_remembered(&self, source: Arc<KeyError>) -> KeyProblem {
        KeyProblem::new(self.path(REVOKED), KeyFault::NotRemembered(source)).with(Effect::Noted)
    }
}

#[cfg(test)]
mod tests;
