//! The repository as the room of secrets needs it.

use serde_json::Value;
use signet_core::{KeyId, UnixSeconds};
use signet_repository::{Repository, RepositoryError, ResealedRow, ResealedSetting};
use signet_secret::{Applied, MasterKeys, Resealed, SealedStore};

use super::reseal::{ResealFailure, again};
use super::{Standing, Written, sealed_text};

/// The sealed values of a repository, changed at a given time.
pub(super) struct RepositorySecrets<'r> {
    pub(super) repository: &'r Repository,
    /// What settings are sealed anew with.
    pub(super) master: &'r MasterKeys,
    pub(super) active: KeyId,
    pub(super) now: UnixSeconds,
}

impl SealedStore for RepositorySecrets<'_> {
    type Error = ResealFailure;

    async fn values_after(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, String)>, ResealFailure> {
        Ok(self.repository.secrets_after(after, limit).await?)
    }

    async fn staged_after(&self, after: &str, limit: u32) -> Result<Vec<Resealed>, ResealFailure> {
        let rows = self.repository.staged_resealed_after(after, limit).await?;
        let resealed = |row: ResealedRow| Resealed {
            place: row.place,
            was: row.was,
            value: row.value,
        };
        Ok(rows.into_iter().map(resealed).collect())
    }

    async fn stage(&self, batch: &[Resealed]) -> Result<(), ResealFailure> {
        let row = |resealed: &Resealed| ResealedRow {
            place: resealed.place.clone(),
            was: resealed.was.clone(),
            value: resealed.value.clone(),
        };
        let rows: Vec<_> = batch.iter().map(row).collect();
        Ok(self.repository.stage_resealed(&rows).await?)
    }

    /// The settings go with the secrets; they are few, so they are sealed anew when the secrets are.
    async fn apply(&self) -> Result<Applied, ResealFailure> {
        let settings = self.settings().await?;
        match self.repository.apply_resealed(&settings, self.now).await {
            Ok(count) => Ok(Applied::All(count)),
            Err(RepositoryError::ResealConflict { .. }) => Ok(Applied::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    async fn discard(&self) -> Result<(), ResealFailure> {
        Ok(self.repository.discard_resealed().await?)
    }
}

impl RepositorySecrets<'_> {
    async fn settings(&self) -> Result<Vec<ResealedSetting>, ResealFailure> {
        let mut settings = Vec::new();
        for written in sealed_settings(self.repository).await? {
            let again = again(self.master, self.active, &written);
            let Some(value) = again.map_err(|why| why.of(&written))? else {
                continue;
            };
            let name = written.place.strip_prefix(SETTING).unwrap_or_default();
            if let Ok(name) = name.parse() {
                settings.push(ResealedSetting {
                    name,
                    was: Value::String(written.value),
                    value: Value::String(value.to_string()),
                });
            }
        }
        Ok(settings)
    }
}

/// The settings whose values are sealed. There are few settings, so they are read at once.
pub(super) async fn sealed_settings(
    repository: &Repository,
) -> Result<Vec<Written>, RepositoryError> {
    let settings = repository.settings().await?;
    let written = settings.iter().filter_map(|setting| {
        let value = sealed_text(setting.value.as_ref()?)?;
        Some(Written {
            place: format!("{SETTING}{}", setting.name),
            value: value.to_owned(),
            standing: Standing::Setting,
        })
    });
    Ok(written.collect())
}

/// What the place of a setting's value begins with.
const SETTING: &str = "setting/";
