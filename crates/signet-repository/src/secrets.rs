//! Sealed values, each for the place it belongs to. What stands in them is not known here.

use signet_core::UnixSeconds;
use sqlx::Row as _;

use crate::sqlite::Connection;
use crate::write::Write;
use crate::{Repository, RepositoryError, clients, column};

impl Repository {
    /// The sealed value of a place.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn secret(&self, place: &str) -> Result<Option<String>, RepositoryError> {
        let mut read = self.store.begin_read().await?;
        find(&mut read, place).await
    }

    /// Gives a place a sealed value. The same value again is no change.
    ///
    /// With another secret a client is another one to its endpoint: the token that it was given is forgotten.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub async fn set_secret(
        &self,
        place: &str,
        value: &str,
        now: UnixSeconds,
    ) -> Result<(), RepositoryError> {
        let mut write = self.write().await?;
        change(&mut write, place, Some(value), now).await?;
        write.commit().await
    }

    /// Gives many places their sealed values in one transaction: all of them, or none.
    ///
    /// # Errors
    /// If the repository cannot be written; nothing has changed then.
    pub async fn set_secrets(
        &self,
        values: &[(String, String)],
        now: UnixSeconds,
    ) -> Result<(), RepositoryError> {
        let mut write = self.write().await?;
        for (place, value) in values {
            change(&mut write, place, Some(value), now).await?;
        }
        write.commit().await
    }

    /// Takes the value of a place away; whether there was one.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub async fn remove_secret(
        &self,
        place: &str,
        now: UnixSeconds,
    ) -> Result<bool, RepositoryError> {
        let mut write = self.write().await?;
        let changed = change(&mut write, place, None, now).await?;
        write.commit().await?;
        Ok(changed)
    }

    /// The next `limit` places behind `place` that have a value, in their order, with their values. Nothing is before `""`.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn secrets_after(
        &self,
        place: &str,
        limit: u32,
    ) -> Result<Vec<(String, String)>, RepositoryError> {
        sqlx::query(
            "SELECT place, value FROM secrets WHERE place > $1 AND value IS NOT NULL \
             ORDER BY place LIMIT $2",
        )
        .bind(place.to_owned())
        .bind(i64::from(limit))
        .fetch_all(self.store.readers())
        .await?
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
    }

    /// How many places have a value.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn count_secrets(&self) -> Result<u64, RepositoryError> {
        let count = sqlx::query_scalar("SELECT count(*) FROM secrets WHERE value IS NOT NULL")
            .fetch_one(self.store.readers())
            .await?;
        column::unsigned(count, "a count is negative")
    }
}

pub(crate) async fn find(
    connection: &mut Connection,
    place: &str,
) -> Result<Option<String>, RepositoryError> {
    let value: Option<Option<String>> =
        sqlx::query_scalar("SELECT value FROM secrets WHERE place = $1")
            .bind(place.to_owned())
            .fetch_optional(connection)
            .await?;
    Ok(value.flatten())
}

/// Gives a place another value, and forgets the token of the client that it belongs to; whether that changed anything.
async fn change(
    write: &mut Write,
    place: &str,
    value: Option<&str>,
    now: UnixSeconds,
) -> Result<bool, RepositoryError> {
    let changed = set(write, place, value, now).await?;
    if changed && let Some(name) = client_of(place) {
        clients::forget_token(write, name).await?;
    }
    Ok(changed)
}

/// The client that says at its endpoint who it is with what is sealed for `place`.
fn client_of(place: &str) -> Option<&str> {
    let (name, what) = place.strip_prefix("client/")?.split_once('/')?;
    matches!(what, "secret" | "private-key").then_some(name)
}

/// Gives a place a value, or takes it away; whether that changed anything.
pub(crate) async fn set(
    write: &mut Write,
    place: &str,
    value: Option<&str>,
    now: UnixSeconds,
) -> Result<bool, RepositoryError> {
    if find(write.connection(), place).await?.as_deref() == value {
        return Ok(false);
    }
    let seq = write.seq().await?;
    sqlx::query(
        "INSERT INTO secrets (seq, place, value, changed) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (place) DO UPDATE SET seq = excluded.seq, value = excluded.value, \
         changed = excluded.changed",
    )
    .bind(column::integer(seq.0))
    .bind(place.to_owned())
    .bind(value.map(str::to_owned))
    .bind(column::integer(now.0))
    .execute(write.connection())
    .await?;
    Ok(true)
}

#[cfg(test)]
mod tests;
