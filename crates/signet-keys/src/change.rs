//! What changes the keys: each change under the lock, and in an order that a crash cannot turn into a loss.

mod trace;

use signet_core::{Key, KeyId, KeyState, RingName, Seconds, UnixSeconds};

use crate::loaded::{activation, maker, removable_at};
use crate::merge::union;
use crate::store::{REVOKED, STORAGE, random_material, scan_if_any};
use crate::{Found, KeyError, KeyProvider, KeyStore, Lock, ProviderName, Revocations};

/// What becomes of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RotateMode {
    /// It makes tokens at once, and the others only verify from now on.
    Activate,
    /// It only verifies until it is activated, so that it can be copied to the other instances first.
    Pending,
}

/// When a key may be retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retirement {
    /// When nothing that it made can be valid any more.
    WhenUnneeded {
        /// The present.
        now: UnixSeconds,
        /// The life of a token.
        inactivity: Seconds,
        /// By how much clocks may differ.
        skew: Seconds,
    },
    /// For a key that seals secrets: nothing is sealed with it any more, as the caller has counted.
    NothingSealed,
    /// At once: what it made is refused from now on.
    Forced,
}

/// What inserting a key changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Insertion {
    /// The key was not here.
    Added,
    /// The key was here in an earlier state.
    Advanced,
    /// The key's file was here, but could not be read.
    Repaired,
    /// The key was here, in this state or a later one.
    Unchanged,
}

/// A key that was removed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Retired {
    /// Where it was.
    pub from: ProviderName,
    /// Why bytes of it may still be in the files that held it, if they may.
    pub left: Option<KeyError>,
}

impl KeyStore {
    /// Makes a new key in `ring`.
    ///
    /// With [`RotateMode::Activate`] the new key is written first and then the others become verify-only, so the ring
    /// makes tokens at every moment between.
    ///
    /// # Errors
    ///
    /// Something could not be read or written, or the keys are a mounted secret.
    pub fn rotate(
        &self,
        ring: RingName,
        mode: RotateMode,
        now: UnixSeconds,
    ) -> Result<KeyId, KeyError> {
        let lock = self.begin()?;
        self.make(&lock, ring, mode, now)
    }

    /// Makes a new key in `ring`, which is active at once, if the one that makes tokens has done so for `every` or longer.
    ///
    /// The age is looked at under the lock, so of two that find it due at once one finds it done. Where no key is active
    /// nothing is due: what is missing is not made anew by itself.
    ///
    /// # Errors
    ///
    /// Something could not be read or written, or the keys are a mounted secret.
    pub fn rotate_when_due(
        &self,
        ring: RingName,
        every: Seconds,
        now: UnixSeconds,
    ) -> Result<Option<KeyId>, KeyError> {
        let lock = self.begin()?;
        let keys = self.readable(&lock, ring)?;
        if !maker(keys.iter()).is_some_and(|key| is_due(key, every, now)) {
            return Ok(None);
        }
        self.make(&lock, ring, RotateMode::Activate, now).map(Some)
    }

    fn make(
        &self,
        lock: &Lock,
        ring: RingName,
        mode: RotateMode,
        now: UnixSeconds,
    ) -> Result<KeyId, KeyError> {
        self.refuse_if_elsewhere(ring)?;
        let others = self.readable(lock, ring)?;
        // The newest makes tokens, so this one must be the newest even where the clock went back.
        let newest = others.iter().map(|key| key.created.plus(Seconds(1))).max();
        let farm = match others.iter().max_by_key(|key| (key.created, key.id)) {
            Some(newest) => newest.farm.clone(),
            None => self.farm()?,
        };
        let created = now.max(newest.unwrap_or(now));
        let mut key = Key::new(ring, farm, random_material()?, created);
        if mode == RotateMode::Activate {
            key.state = KeyState::Active;
            key.activated = Some(now);
        }
        self.provider()?.write(&key)?;
        if mode == RotateMode::Activate {
            self.demote(&others)?;
        }
        Ok(key.id)
    }

    /// Lets a key make tokens; the other active keys of its ring become verify-only, after this one is written.
    ///
    /// # Errors
    ///
    /// There is no such key, it is verify-only or revoked already, something could not be read or written, or the keys
    /// are a mounted secret.
    pub fn activate(&self, id: KeyId, now: UnixSeconds) -> Result<(), KeyError> {
        let lock = self.begin()?;
        let (ring, found) = self.locate(id)?;
        let mut key = self.current(&lock, found)?;
        let mut others = self.readable(&lock, ring)?;
        others.retain(|other| other.id != id && other.state == KeyState::Active);
        match key.state {
            KeyState::Active if others.is_empty() => return Ok(()),
            KeyState::Pending | KeyState::Active => {}
            state => return Err(KeyError::NotActivatable { id, state }),
        }
        key.state = KeyState::Active;
        key.activated = Some(now);
        self.provider()?.write(&key)?;
        self.demote(&others)
    }

    /// Revokes a key for ever: what it made is refused, and a copy of it that comes back stays revoked.
    ///
    /// Its file stays, with the state `revoked`, so that copying it elsewhere carries the news. A key whose file is
    /// damaged can be revoked too.
    ///
    /// # Errors
    ///
    /// There is no such key, it is the only active key of its ring, something could not be read or written, or the keys
    /// are a mounted secret.
    pub fn revoke(&self, id: KeyId) -> Result<(), KeyError> {
        let lock = self.begin()?;
        let (ring, found) = self.locate(id)?;
        let keys = self.readable(&lock, ring)?;
        let mut active = keys.iter().filter(|key| key.state == KeyState::Active);
        if active.next().is_some_and(|key| key.id == id) && active.next().is_none() {
            return Err(KeyError::LastActive { id, ring });
        }
        let mut more = Revocations::default();
        more.insert(ring, id);
        // First what overrules the file: from here on a crash leaves the key revoked.
        self.remember(&lock, &more)?;
        match found {
            Found::Readable(key) if key.state != KeyState::Revoked => {
                self.provider()?.write(&with_state(&key, KeyState::Revoked))
            }
            _ => Ok(()),
        }
    }

    /// Removes a key that only verifies, when nothing needs it any more, or one that is revoked, from wherever it is, so
    /// that no byte of it is left in the files that held it.
    ///
    /// # Errors
    ///
    /// There is no such key, it is pending or active, it may still be needed and this is not forced, something could
    /// not be read or written, or the keys are a mounted secret. The key is still there then.
    pub fn retire(&self, id: KeyId, when: Retirement) -> Result<Retired, KeyError> {
        let lock = self.begin()?;
        let (ring, found) = self.locate(id)?;
        let key = self.current(&lock, found)?;
        match (key.state, when) {
            (KeyState::Pending | KeyState::Active, _) => {
                let state = key.state;
                return Err(KeyError::NotRetirable { id, state });
            }
            (KeyState::Revoked, _) => {
                // The file may be all that knows.
                let mut more = Revocations::default();
                more.insert(ring, id);
                self.remember(&lock, &more)?;
            }
            (KeyState::VerifyOnly, Retirement::Forced) => {}
            (KeyState::VerifyOnly, Retirement::NothingSealed) if ring == RingName::Master => {}
            (KeyState::VerifyOnly, Retirement::NothingSealed) => {
                let removable_at = None;
                return Err(KeyError::TooEarly { id, removable_at });
            }
            (
                KeyState::VerifyOnly,
                Retirement::WhenUnneeded {
                    now,
                    inactivity,
                    skew,
                },
            ) => {
                let keys = self.readable(&lock, ring)?;
                let removable_at = removable_at(&key, &keys, inactivity, skew);
                if removable_at.is_none_or(|at| now <= at) {
                    return Err(KeyError::TooEarly { id, removable_at });
                }
            }
        }
        let provider = self.provider()?;
        // First the copy: until the key itself is gone, this can be repeated.
        let copied = self.remove_copy(ring, id)?;
        provider.remove(ring, id)?;
        let cleaned = [Some(provider), copied]
            .into_iter()
            .flatten()
            .try_for_each(|provider| trace::clean(provider, &key));
        Ok(Retired {
            from: provider.name(),
            left: cleaned.err(),
        })
    }

    /// Adds a key that comes from elsewhere. Where it is here already, the later state wins.
    ///
    /// # Errors
    ///
    /// Its id is not that of its bits, something could not be read or written, or the keys are a mounted secret.
    pub fn insert(&self, key: &Key) -> Result<Insertion, KeyError> {
        if key.material.id(key.ring) != key.id {
            return Err(KeyError::Damaged { id: key.id });
        }
        let lock = self.begin()?;
        let mut key = key.clone();
        if key.state == KeyState::Revoked {
            let mut more = Revocations::default();
            more.insert(key.ring, key.id);
            self.remember(&lock, &more)?;
        } else if self.revocations(&lock)?.contains(key.id) {
            key.state = KeyState::Revoked;
        }
        match self.find(key.ring, key.id)? {
            None => self.provider()?.write(&key).map(|()| Insertion::Added),
            Some(Found::Unreadable { .. }) => {
                self.provider()?.write(&key).map(|()| Insertion::Repaired)
            }
            Some(Found::Readable(here)) if here.state >= key.state => Ok(Insertion::Unchanged),
            Some(Found::Readable(here)) => {
                let merged = union(&here, &key);
                self.provider()?
                    .write(&merged)
                    .map(|()| Insertion::Advanced)
            }
        }
    }

    /// The keys that stay revoked for ever, as the file `revoked` names them.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub fn revoked(&self) -> Result<Revocations, KeyError> {
        let path = self.path(REVOKED);
        Revocations::read(&path, self.guard).map_err(|fault| KeyError::unusable(&path, fault))
    }

    /// A ring without keys here whose keys are in the other place has not lost them: another key would only hide that.
    fn refuse_if_elsewhere(&self, ring: RingName) -> Result<(), KeyError> {
        let provider = self.provider()?;
        if !scan_if_any(provider, ring)?.is_empty() || self.scan_other(ring)?.is_empty() {
            return Ok(());
        }
        Err(KeyError::Elsewhere {
            path: self.path(STORAGE),
            ring,
            there: provider.name().other(),
        })
    }

    /// A copy in the place that `storage` does not name would come back when the keys are moved. Returns where there was one.
    fn remove_copy(&self, ring: RingName, id: KeyId) -> Result<Option<&dyn KeyProvider>, KeyError> {
        if let Some(other) = self.other_provider()?
            && scan_if_any(other, ring)?.iter().any(|found| is(found, id))
        {
            other.remove(ring, id)?;
            return Ok(Some(other));
        }
        Ok(None)
    }

    fn demote(&self, keys: &[Key]) -> Result<(), KeyError> {
        // The one that made tokens goes last: until then nothing changes for whoever reads meanwhile.
        let maker = maker(keys.iter()).map(|key| key.id);
        let mut active: Vec<_> = keys
            .iter()
            .filter(|key| key.state == KeyState::Active)
            .collect();
        active.sort_by_key(|key| Some(key.id) == maker);
        active.into_iter().try_for_each(|key| {
            self.provider()?
                .write(&with_state(key, KeyState::VerifyOnly))
        })
    }

    /// The keys of a ring that can be read, revoked ones as such.
    fn readable(&self, lock: &Lock, ring: RingName) -> Result<Vec<Key>, KeyError> {
        let revoked = self.revocations(lock)?;
        let keys = self
            .scan(ring)?
            .into_iter()
            .filter_map(|found| match found {
                Found::Readable(key) if revoked.contains(key.id) => {
                    Some(with_state(&key, KeyState::Revoked))
                }
                Found::Readable(key) => Some(key),
                Found::Unreadable { .. } => None,
            });
        Ok(keys.collect())
    }

    fn current(&self, lock: &Lock, found: Found) -> Result<Key, KeyError> {
        match found {
            Found::Readable(key) if self.revocations(lock)?.contains(key.id) => {
                Ok(with_state(&key, KeyState::Revoked))
            }
            Found::Readable(key) => Ok(key),
            Found::Unreadable { problem, .. } => {
                Err(KeyError::unusable(&problem.path, problem.fault))
            }
        }
    }

    fn locate(&self, id: KeyId) -> Result<(RingName, Found), KeyError> {
        for ring in RingName::ALL {
            if let Some(found) = self.find(ring, id)? {
                return Ok((ring, found));
            }
        }
        Err(KeyError::UnknownKey(id))
    }

    fn find(&self, ring: RingName, id: KeyId) -> Result<Option<Found>, KeyError> {
        Ok(self.scan(ring)?.into_iter().find(|found| is(found, id)))
    }
}

fn is(found: &Found, id: KeyId) -> bool {
    match found {
        Found::Readable(key) => key.id == id,
        Found::Unreadable { id: name, .. } => *name == Some(id),
    }
}

/// Whether `key` has made tokens for `every` or longer, so that another should take its place.
///
/// A clock that was ahead when it was activated puts that off until the clock is there again, and longer.
#[must_use]
pub fn is_due(key: &Key, every: Seconds, now: UnixSeconds) -> bool {
    activation(key).plus(every) <= now
}

fn with_state(key: &Key, state: KeyState) -> Key {
    Key {
        state,
        ..key.clone()
    }
}

#[cfg(test)]
mod tests;
