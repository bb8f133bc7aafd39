//! Sealing every value of an installation anew with the active key of the `master` ring.
//!
//! The former key stays in the ring, so every value opens at every instant, a crash included; and whatever was cut
//! short is finished by running it again.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde_json::Value;
use signet_core::{KeyId, KeyState, RingName, UnixSeconds};
use signet_keys::atomic::{self, WriteError};
use signet_keys::{KeyError, KeyStore, Lock};
use signet_repository::{Repository, RepositoryError, SettingName};
use signet_secret::{MasterKeys, OpenError, Place, ResealError, SealError, SealedValue};

use super::configuration::ConfigurationText;
use super::store::{RepositorySecrets, SETTING, sealed_settings};
use super::{
    ClosedSecret, InventoryError, Opening, SecretCount, SecretInventory, Standing, Written,
};
use crate::data::DataDirectory;

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

/// Why values were not sealed anew. Every value opens as it did before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResealFailure {
    /// Some do not open, so nothing was changed.
    #[error("{total} of the sealed values {} not open, so nothing was changed", if *total == 1 { "does" } else { "do" })]
    Closed {
        /// The first of them.
        first: Vec<ClosedSecret>,
        /// How many there are.
        total: u64,
    },
    /// No key is active, or there is no randomness.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The sealed values could not be read.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The keys could not be read.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Somebody changed values all the while.
    #[error("sealed values were changed again and again meanwhile, so nothing was changed here")]
    Restless,
    /// The repository could not be read or written.
    #[error("the repository could not be written")]
    Repository(#[from] RepositoryError),
    /// The values of the repository are sealed anew, those of the configuration are not.
    #[error(
        "the configuration could not be written: its sealed values still need their former keys"
    )]
    Configuration(#[source] WriteError),
    /// Two at once were to be kept apart, and could not be.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The lock's file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl ResealFailure {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Closed { .. } => Some("signet secret check says for each what to do".to_owned()),
            Self::Seal(error) => Some(error.hint().to_owned()),
            Self::Inventory(error) => error.hint(),
            Self::Keys(error) => Some(error.hint()),
            Self::Restless => Some("repeat it when there is less to do".to_owned()),
            Self::Repository(error) => error.hint().map(str::to_owned),
            Self::Configuration(error) => Some(format!(
                "{}; then repeat signet secret reseal",
                error.hint()
            )),
            Self::Lock { .. } => Some("is the data directory writable for this user?".to_owned()),
        }
    }
}

/// So many values that do not open are named.
const NAMED: usize = 10;

/// Seals with the active key whatever is sealed with another one: all of it, or with a value that does not open, nothing.
///
/// Waits for another run on the same data directory. The values of the repository change in one step; those of the
/// configuration follow, in the text of the file, of which nothing else changes.
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

    let secrets = RepositorySecrets { repository, now };
    let mut done = |count| watch(Phase::Sealing, count);
    let mut in_repository = signet_secret::reseal(&master, &secrets, &mut done).await?;
    watch(Phase::Finishing, 0);
    in_repository += reseal_settings(repository, &master, key).await?;
    let in_configuration = reseal_configuration(data, &master, key)?;
    forget_tokens(data, repository, key).await?;

    let leftover = clean(repository, in_repository).await;
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

/// Each setting by itself: there are few, and until all are done every one opens.
async fn reseal_settings(
    repository: &Repository,
    master: &MasterKeys,
    active: KeyId,
) -> Result<u64, ResealFailure> {
    let mut count = 0;
    for written in sealed_settings(repository).await? {
        let Some(new) = again(master, active, &written)? else {
            continue;
        };
        let name = written.place.strip_prefix(SETTING).unwrap_or_default();
        let Ok(name) = name.parse::<SettingName>() else {
            continue;
        };
        // What somebody wrote meanwhile stays; the next run looks at it.
        let present = repository.setting(&name).await?;
        if present.as_ref().and_then(Value::as_str) == Some(&written.value) {
            let new = Value::String(new.to_string());
            repository.set_setting(&name, &new).await?;
            count += 1;
        }
    }
    Ok(count)
}

/// Replaces the values in the text of the file, and nothing else of it.
fn reseal_configuration(
    data: &DataDirectory,
    master: &MasterKeys,
    active: KeyId,
) -> Result<u64, ResealFailure> {
    for _ in 0..PATIENCE {
        let before = ConfigurationText::read(data).map_err(InventoryError::from)?;
        let (text, count) = before.with(|written| again(master, active, written))?;
        if count == 0 {
            return Ok(0);
        }
        // A link is followed: what it points to is the file.
        let path = data.config_path();
        let path = fs::canonicalize(&path).unwrap_or(path);
        let now = ConfigurationText::read(data).map_err(InventoryError::from)?;
        if now.text() == before.text() {
            atomic::write(&path, text.as_bytes()).map_err(ResealFailure::Configuration)?;
            return Ok(count);
        }
    }
    Err(ResealFailure::Restless)
}

/// The value sealed with the active key; `None` if it is already.
fn again(
    master: &MasterKeys,
    active: KeyId,
    written: &Written,
) -> Result<Option<SealedValue>, ResealFailure> {
    let closed = |error| ResealFailure::Closed {
        first: vec![ClosedSecret {
            place: written.place.clone(),
            standing: written.standing.clone(),
            error,
        }],
        total: 1,
    };
    let place: Place = written
        .place
        .parse()
        .map_err(|error| closed(OpenError::NoPlace(error)))?;
    let value: SealedValue = written
        .value
        .parse()
        .map_err(|error| closed(OpenError::from(error)))?;
    if value.key() == active {
        return Ok(None);
    }
    let secret = master.open_for_resealing(&place, &value).map_err(closed)?;
    Ok(Some(master.seal(&place, &secret)?))
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

impl From<ResealError<RepositoryError>> for ResealFailure {
    fn from(error: ResealError<RepositoryError>) -> Self {
        match error {
            ResealError::Closed { place, error } => Self::Closed {
                first: vec![ClosedSecret {
                    place,
                    standing: Standing::Repository,
                    error,
                }],
                total: 1,
            },
            ResealError::Seal(error) => Self::Seal(error),
            ResealError::Store(error) => Self::Repository(error),
            _ => Self::Restless,
        }
    }
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
