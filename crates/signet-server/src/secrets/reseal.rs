//! Sealing every value of an installation anew with the active key of the `master` ring.
//!
//! The former key stays in the ring, so every value opens at every instant, a crash included; and whatever was cut
//! short is finished by running it again.

mod failure;

use std::collections::BTreeSet;
use std::fs;
use std::io;

use signet_core::{KeyId, KeyState, RingName, UnixSeconds};
use signet_keys::{KeyStore, Lock, atomic};
use signet_repository::Repository;
use signet_secret::{
    Applied, MasterKeys, OpenError, Place, SealError, SealedStore as _, SealedValue,
};

use super::configuration::ConfigurationText;
use super::store::RepositorySecrets;
use super::{ClosedSecret, InventoryError, Opening, SecretCount, SecretInventory, Written};
use crate::data::DataDirectory;

pub use failure::{ConfigurationFailure, ResealFailure};

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Every value is opened, to see whether it can be.
    Opening,
    /// The values of the repository are sealed anew.
    Sealing,
    /// They are put in force, and the file is written.
    Finishing,
}

/// What was done.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Resealing {
    /// How many values there are.
    pub total: u64,
    /// How many of the repository were sealed anew.
    pub in_repository: u64,
    /// How many of the configuration were.
    pub in_configuration: u64,
    /// The key that everything is sealed with.
    pub key: Option<KeyId>,
    /// Keys of the ring that nothing is sealed with any more: they can be retired.
    pub unused: Vec<KeyId>,
    /// Why bytes of the former values may still be in the file of the repository, if they may.
    pub leftover: Option<String>,
}

/// So many values that do not open are named.
const NAMED: usize = 10;

/// Seals with the active key whatever is sealed with another one: all of it, or with a value that does not open, nothing.
///
/// Waits for another run on the same data directory. The values of the repository, its settings among them, change in one
/// step; those of the configuration follow in a second one, in the text of the file, of which nothing else changes. What
/// comes between the two leaves values of both keys, which all open, and running it again does the rest.
///
/// # Errors
/// See [`ResealFailure`].
pub async fn reseal(
    data: &DataDirectory,
    repository: &Repository,
    keys: &KeyStore,
    now: UnixSeconds,
    watch: &mut (dyn FnMut(Phase, u64) + Send),
) -> Result<Resealing, ResealFailure> {
    let _lock = lock(data).await?;
    let loaded = keys.load(None)?;
    let master = MasterKeys::new(&loaded);
    let key = master.sealing().ok_or(SealError::NoActiveKey)?;
    open_all(data, repository, &master, watch).await?;

    let in_repository = reseal_repository(repository, &master, key, now, watch).await?;
    watch(Phase::Finishing, 0);
    let configured = reseal_configuration(data, &master, key);
    if configured.is_ok() {
        forget_tokens(data, repository, key).await?;
    }
    let leftover = clean(repository, in_repository).await;
    let in_configuration = configured.map_err(|source| ResealFailure::Configuration {
        in_repository,
        key,
        source,
    })?;
    let count = SecretInventory::of(data, repository)
        .map_err(InventoryError::from)?
        .count()
        .await?;
    let is_unused = |id: &KeyId| *id != key && count.sealed_with(*id) == 0;
    Ok(Resealing {
        total: count.total,
        in_repository,
        in_configuration,
        key: Some(key),
        unused: loaded
            .of(RingName::Master)
            .filter(|key| retires(key.state))
            .map(|key| key.id)
            .filter(is_unused)
            .collect(),
        leftover,
    })
}

/// Nothing changes before every value was seen to open.
async fn open_all(
    data: &DataDirectory,
    repository: &Repository,
    master: &MasterKeys,
    watch: &mut (dyn FnMut(Phase, u64) + Send),
) -> Result<SecretCount, ResealFailure> {
    let inventory = SecretInventory::of(data, repository).map_err(InventoryError::from)?;
    let mut first = Vec::new();
    let mut name = |closed| {
        if first.len() < NAMED {
            first.push(closed);
        }
    };
    let mut done = |count| watch(Phase::Opening, count);
    let count = inventory
        .examine(master, Opening::Resealing, &mut name, &mut done)
        .await?;
    match count.closed {
        0 => Ok(count),
        total => Err(ResealFailure::Closed { first, total }),
    }
}

/// Secrets and settings, in one transaction.
async fn reseal_repository(
    repository: &Repository,
    master: &MasterKeys,
    active: KeyId,
    now: UnixSeconds,
    watch: &mut (dyn FnMut(Phase, u64) + Send),
) -> Result<u64, ResealFailure> {
    let secrets = RepositorySecrets {
        repository,
        master,
        active,
        now,
    };
    let mut done = |count| watch(Phase::Sealing, count);
    for _ in 0..PATIENCE {
        match signet_secret::reseal(master, &secrets, &mut done).await? {
            // Of the secrets none is to be sealed anew; there may be settings.
            0 => {}
            count => return Ok(count),
        }
        if let Applied::All(count) = secrets.apply().await? {
            return Ok(count);
        }
    }
    Err(ResealFailure::Restless)
}

/// Replaces the values in the text of the file, and nothing else of it.
fn reseal_configuration(
    data: &DataDirectory,
    master: &MasterKeys,
    active: KeyId,
) -> Result<u64, ConfigurationFailure> {
    for _ in 0..PATIENCE {
        let before = ConfigurationText::read(data)?;
        let (text, count) = before.with(|written| {
            again(master, active, written).map_err(|error| match error {
                NotAgain::Closed(source) => ConfigurationFailure::Closed {
                    place: written.place.clone(),
                    source,
                },
                NotAgain::Seal(error) => error.into(),
            })
        })?;
        if count == 0 {
            return Ok(0);
        }
        // A link is followed: what it points to is the file.
        let path = data.config_path();
        let path = fs::canonicalize(&path).unwrap_or(path);
        if ConfigurationText::read(data)?.text() == before.text() {
            atomic::write(&path, text.as_bytes())?;
            return Ok(count);
        }
    }
    Err(ConfigurationFailure::Restless)
}

/// Why a value is not sealed anew.
pub(super) enum NotAgain {
    Closed(OpenError),
    Seal(SealError),
}

impl NotAgain {
    pub(super) fn of(self, written: &Written) -> ResealFailure {
        match self {
            Self::Closed(error) => ResealFailure::Closed {
                first: vec![ClosedSecret {
                    place: written.place.clone(),
                    standing: written.standing.clone(),
                    error,
                }],
                total: 1,
            },
            Self::Seal(error) => error.into(),
        }
    }
}

/// The value sealed with the active key; `None` if it is already.
pub(super) fn again(
    master: &MasterKeys,
    active: KeyId,
    written: &Written,
) -> Result<Option<SealedValue>, NotAgain> {
    let place: Place = written
        .place
        .parse()
        .map_err(|error| NotAgain::Closed(OpenError::NoPlace(error)))?;
    let value: SealedValue = written
        .value
        .parse()
        .map_err(|error| NotAgain::Closed(OpenError::from(error)))?;
    if value.key() == active {
        return Ok(None);
    }
    let secret = master
        .open_for_resealing(&place, &value)
        .map_err(NotAgain::Closed)?;
    let again = master.seal(&place, &secret).map_err(NotAgain::Seal)?;
    Ok(Some(again))
}

/// Access tokens that are sealed with another key are asked for anew when somebody needs one.
async fn forget_tokens(
    data: &DataDirectory,
    repository: &Repository,
    active: KeyId,
) -> Result<(), ResealFailure> {
    let config = data.config().map_err(InventoryError::from)?;
    let mut names: BTreeSet<_> = config.client.keys().map(ToString::to_string).collect();
    names.extend(repository.clients().await?.into_iter().map(|row| row.name));
    for name in names {
        let token = repository.client_token(&name).await?;
        let is_current = |value: SealedValue| value.key() == active;
        if token.is_some_and(|token| !token.value.parse().is_ok_and(is_current)) {
            repository.forget_client_token(&name).await?;
        }
    }
    Ok(())
}

/// Leaves no byte of the former values in the file of the repository, and says why if that does not succeed.
async fn clean(repository: &Repository, changed: u64) -> Option<String> {
    if changed == 0 {
        return None;
    }
    let cleaned = repository.checkpoint().await;
    cleaned.err().map(|error| error.to_string())
}

/// Only a key that does not seal any more is retired.
const fn retires(state: KeyState) -> bool {
    matches!(state, KeyState::VerifyOnly | KeyState::Revoked)
}

/// One run at a time. The lock is that of this one task, so it is held though others read and write secrets.
async fn lock(data: &DataDirectory) -> Result<Lock, ResealFailure> {
    let path = data.path().join(LOCK);
    let acquired = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || Lock::acquire(&path)).await
    };
    acquired
        .map_err(io::Error::other)
        .and_then(|acquired| acquired)
        .map_err(|source| ResealFailure::Lock { path, source })
}

const LOCK: &str = ".reseal.lock";

/// So often the file may be changed meanwhile.
const PATIENCE: usize = 8;

#[cfg(test)]
mod tests;
