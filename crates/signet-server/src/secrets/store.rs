//! The repository as the room of secrets needs it.

use signet_core::UnixSeconds;
use signet_repository::{Repository, RepositoryError, ResealedRow};
use signet_secret::{Applied, Resealed, SealedStore};

use super::{Standing, Written, sealed_text};

/// The sealed values of a repository, changed at a given time.
pub(super) struct RepositorySecrets<'r> {
    pub(super) repository: &'r Repository,
    pub(super) now: UnixSeconds,
}

impl SealedStore for RepositorySecrets<'_> {
    type Error = RepositoryError;

    async fn values_after(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, String)>, RepositoryError> {
        self.repository.secrets_after(after, limit).await
    }

    async fn staged_after(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Resealed>, RepositoryError> {
        let rows = self.repository.staged_resealed_after(after, limit).await?;
        let resealed = |row: ResealedRow| Resealed {
            place: row.place,
            was: row.was,
            value: row.value,
        };
        Ok(rows.into_iter().map(resealed).collect())
    }

    async fn stage(&self, batch: &[Resealed]) -> Result<(), RepositoryError> {
        let row = |resealed: &Resealed| ResealedRow {
            place: resealed.place.clone(),
            was: resealed.was.clone(),
            value: resealed.value.clone(),
        };
        let rows: Vec<_> = batch.iter().map(row).collect();
        self.repository.stage_resealed(&rows).await
    }

    async fn apply(&self) -> Result<Applied, RepositoryError> {
        match self.repository.apply_resealed(self.now).await {
            Ok(count) => Ok(Applied::All(count)),
            Err(RepositoryError::ResealConflict { .. }) => Ok(Applied::Conflict),
            Err(error) => Err(error),
        }
    }

    async fn discard(&self) -> Result<(), RepositoryError> {
        self.repository.discard_resealed().await
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
pub(super) const SETTING: &str = "setting/";
