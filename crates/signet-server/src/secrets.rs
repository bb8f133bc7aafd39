//! Every sealed value of an installation: those in `signet.toml`, and those in the repository.
//!
//! Where a value stands in the file names its place: `secret` of `[client.ims]` is `client/ims/secret`.
//! Access tokens that were given to OAuth clients are sealed as well, but whoever cannot open one asks for another; so
//! they are not counted here.

mod configuration;
mod reseal;
mod store;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde_json::Value;
use signet_core::KeyId;
use signet_repository::{Repository, RepositoryError};
use signet_secret::{BATCH, MasterKeys, OpenError, Place, PlaceError, SealedValue};

use crate::data::{DataDirectory, DataError};
use configuration::ConfigurationText;

pub use reseal::{ConfigurationFailure, Phase, ResealFailure, Resealing, reseal};

/// The sealed values of an installation at one moment.
#[derive(Debug)]
pub struct SecretInventory<'r> {
    configuration: ConfigurationText,
    repository: &'r Repository,
}

/// Where a sealed value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// In the configuration.
    Configuration {
        /// The file.
        path: PathBuf,
        /// The line, counted from one.
        line: usize,
    },
    /// Among the secrets of the repository.
    Repository,
    /// In a setting of the repository.
    Setting,
}

/// What a value is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// To be used: a revoked key does not open it.
    Use,
    /// To be sealed anew.
    Resealing,
}

/// A sealed value that does not open.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClosedSecret {
    /// The place that it belongs to.
    pub place: String,
    /// Where it stands.
    pub standing: Standing,
    /// Why it does not open.
    pub error: OpenError,
}

/// How many sealed values there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretCount {
    /// All of them.
    pub total: u64,
    /// Those that do not open.
    pub closed: u64,
    /// How many name each key.
    pub by_key: BTreeMap<KeyId, u64>,
}

/// Why the sealed values of an installation could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// The configuration.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The repository.
    #[error("the sealed values in the repository could not be read")]
    Repository(#[from] RepositoryError),
}

impl InventoryError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data(error) => Some(error.hint()),
            Self::Repository(error) => error.hint().map(str::to_owned),
        }
    }
}

/// A sealed value as it is written.
#[derive(Clone)]
struct Written {
    place: String,
    value: String,
    standing: Standing,
}

/// Names the place alone: what is written there may be a secret that was never sealed.
impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Written({})", self.place)
    }
}

impl<'r> SecretInventory<'r> {
    /// Reads the configuration; the repository is read when it is asked for.
    ///
    /// # Errors
    /// The configuration cannot be read or used.
    pub fn of(data: &DataDirectory, repository: &'r Repository) -> Result<Self, DataError> {
        Ok(Self {
            configuration: ConfigurationText::read(data)?,
            repository,
        })
    }

    /// Opens every value, and tells of each that does not open. Memory does not grow with their number.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn examine(
        &self,
        master: &MasterKeys,
        opening: Opening,
        closed: &mut (dyn FnMut(ClosedSecret) + Send),
        done: &mut (dyn FnMut(u64) + Send),
    ) -> Result<SecretCount, InventoryError> {
        let mut count = SecretCount::default();
        self.each(&mut |written| {
            count.take(&written.value);
            done(count.total);
            if let Err(error) = open(master, opening, &written) {
                count.closed += 1;
                closed(ClosedSecret {
                    place: written.place,
                    standing: written.standing,
                    error,
                });
            }
        })
        .await?;
        Ok(count)
    }

    /// Counts the values and the keys that they name, without opening any.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn count(&self) -> Result<SecretCount, InventoryError> {
        let mut count = SecretCount::default();
        self.each(&mut |written| count.take(&written.value)).await?;
        Ok(count)
    }

    /// How many values there are, roughly: for a progress bar.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn size(&self) -> Result<u64, InventoryError> {
        let written = self.configuration.values().len() as u64;
        Ok(written + self.repository.count_secrets().await?)
    }

    /// The value that the configuration has for a place, if it has one.
    #[must_use]
    pub fn configured(&self, place: &Place) -> Option<(&str, Standing)> {
        let written = self.configuration.values();
        let found = written
            .into_iter()
            .find(|written| written.place == place.as_str())?;
        Some((&found.value, found.standing.clone()))
    }

    /// The place to which a sealed value in `signet.toml` belongs, by the names of its tables and its key.
    ///
    /// # Errors
    /// A name has characters that a place cannot have.
    pub fn place_of<'p>(path: impl IntoIterator<Item = &'p str>) -> Result<Place, PlaceError> {
        configuration::place_of(path).parse()
    }

    async fn each(&self, visit: &mut (dyn FnMut(Written) + Send)) -> Result<(), RepositoryError> {
        self.configuration.values().cloned().for_each(&mut *visit);
        for setting in store::sealed_settings(self.repository).await? {
            visit(setting);
        }
        let mut after = String::new();
        loop {
            let page = self.repository.secrets_after(&after, BATCH).await?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after.clone_from(last);
            for (place, value) in page {
                visit(Written {
                    place,
                    value,
                    standing: Standing::Repository,
                });
            }
        }
    }
}

impl SecretCount {
    /// How many values name this key.
    #[must_use]
    pub fn sealed_with(&self, key: KeyId) -> u64 {
        self.by_key.get(&key).copied().unwrap_or_default()
    }

    fn take(&mut self, value: &str) {
        self.total += 1;
        if let Ok(value) = value.parse::<SealedValue>() {
            *self.by_key.entry(value.key()).or_default() += 1;
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Repository => f.write_str("repository"),
            Self::Setting => f.write_str("repository (setting)"),
        }
    }
}

fn open(master: &MasterKeys, opening: Opening, written: &Written) -> Result<(), OpenError> {
    let place: Place = written.place.parse().map_err(OpenError::NoPlace)?;
    let value: SealedValue = written.value.parse()?;
    let opened = match opening {
        Opening::Use => master.open(&place, &value),
        Opening::Resealing => master.open_for_resealing(&place, &value),
    };
    opened.map(drop)
}

/// The sealed value that a JSON value is, if it is one.
fn sealed_text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| SealedValue::is_meant_by(text))
}

#[cfg(test)]
mod tests;
