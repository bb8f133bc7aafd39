//! The key provider `repository`: the legacy place, a row for each key, with the same text as a key file.

use std::path::PathBuf;
use std::sync::Arc;

use signet_core::{Key, KeyId, RingName};
use signet_keys::{
    Found, KeyError, KeyFault, KeyProblem, KeyProvider, ProviderName, encode_key_file,
    parse_key_file,
};
use signet_repository::{IfMissing, KeyRows, RepositoryError, RepositoryOptions, RepositoryUrl};

/// Holds the keys in a repository, over a connection of its own.
#[derive(Debug)]
pub(crate) struct RepositoryKeys {
    rows: KeyRows,
    path: PathBuf,
}

impl RepositoryKeys {
    /// The keys in the repository at `url`, which is opened when they are first asked for, and never made.
    pub(crate) fn new(url: RepositoryUrl) -> Self {
        Self {
            path: url.path().to_owned(),
            rows: KeyRows::new(RepositoryOptions::new(url, IfMissing::Refuse)),
        }
    }

    fn found(&self, ring: RingName, id: &str, value: &[u8]) -> Found {
        let name: Option<KeyId> = id.parse().ok();
        let key = match name {
            Some(_) => parse_key_file(ring, id, value).map_err(KeyFault::Row),
            None => Err(KeyFault::RowName),
        };
        match key {
            Ok(key) => Found::Readable(key),
            Err(fault) => Found::Unreadable {
                id: name,
                problem: KeyProblem::new(self.named(ring, id), fault),
            },
        }
    }

    /// `…/repository.db, hmac/<id>`
    fn named(&self, ring: RingName, id: &str) -> PathBuf {
        // What somebody else wrote there is not to move the cursor of whoever reads the message.
        let id: String = id.chars().flat_map(char::escape_default).take(80).collect();
        format!("{}, {ring}/{id}", self.path.display()).into()
    }

    fn failed(&self, error: RepositoryError) -> KeyError {
        KeyError::Provider {
            place: self.path.clone(),
            hint: hint(&error),
            source: error.into(),
        }
    }
}

impl KeyProvider for RepositoryKeys {
    fn name(&self) -> ProviderName {
        ProviderName::Repository
    }

    fn place(&self, ring: RingName) -> PathBuf {
        format!("{}, {ring}", self.path.display()).into()
    }

    fn place_of(&self, ring: RingName, id: KeyId) -> PathBuf {
        self.named(ring, &id.to_string())
    }

    fn scan(&self, ring: RingName) -> Result<Vec<Found>, KeyProblem> {
        let rows = self.rows.rows(ring.as_str()).map_err(|error| {
            let fault = match error {
                RepositoryError::Missing => KeyFault::Absent,
                error => KeyFault::Provider {
                    hint: hint(&error),
                    source: Arc::new(error),
                },
            };
            KeyProblem::new(&self.path, fault)
        })?;
        let found = |row: &signet_repository::KeyRow| self.found(ring, &row.id, &row.value);
        Ok(rows.iter().map(found).collect())
    }

    fn prepare(&self) -> Result<(), KeyError> {
        // That it can be opened is all that is needed.
        self.rows
            .changes()
            .map(drop)
            .map_err(|error| self.failed(error))
    }

    fn write(&self, key: &Key) -> Result<(), KeyError> {
        let text = encode_key_file(key);
        self.rows
            .put(key.ring.as_str(), &key.id.to_string(), text.as_bytes())
            .map_err(|error| self.failed(error))
    }

    fn remove(&self, ring: RingName, id: KeyId) -> Result<(), KeyError> {
        self.rows
            .remove(ring.as_str(), &id.to_string())
            .map_err(|error| self.failed(error))
    }

    fn stamp(&self) -> Option<u64> {
        self.rows.changes().ok()
    }

    fn purge(&self) -> Result<(), KeyError> {
        self.rows.purge().map_err(|error| self.failed(error))
    }

    fn purge_everything(&self) -> Result<(), KeyError> {
        self.rows
            .purge_everything()
            .map_err(|error| self.failed(error))
    }

    fn traces(&self) -> Vec<PathBuf> {
        let beside = |suffix: &str| {
            let mut name = self.path.clone().into_os_string();
            name.push(suffix);
            name.into()
        };
        vec![
            self.path.clone(),
            beside("-wal"),
            beside("-shm"),
            beside("-journal"),
        ]
    }
}

fn hint(error: &RepositoryError) -> String {
    let hint = error.hint();
    hint.unwrap_or("is the disk in order? signet doctor looks at all of it")
        .to_owned()
}

#[cfg(test)]
mod tests;
