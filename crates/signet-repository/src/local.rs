//! Values that stay on this instance.

use signet_core::UnixSeconds;
use sqlx::Executor;

use crate::sqlite::{Connection, Database};
use crate::{Repository, RepositoryError, SettingName, column};

/// The name of the floor of the marks.
pub(crate) const FLOOR: &str = "marks.floor";

impl Repository {
    /// A value of this instance alone, as it was given.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn local_value(&self, name: &SettingName) -> Result<Option<String>, RepositoryError> {
        find(self.store.readers(), name.as_str()).await
    }

    /// Keeps a value for this instance alone; it is no change that others hear of.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub async fn set_local_value(
        &self,
        name: &SettingName,
        value: &str,
    ) -> Result<(), RepositoryError> {
        let mut write = self.write().await?;
        set(write.connection(), name.as_str(), value).await?;
        write.commit().await
    }
}

/// The time up to which marks were purged.
pub(crate) async fn floor(connection: &mut Connection) -> Result<UnixSeconds, RepositoryError> {
    match find(connection, FLOOR).await? {
        None => Ok(UnixSeconds(0)),
        Some(text) => column::parsed(&text, "the floor of the marks is no time").map(UnixSeconds),
    }
}

/// Raises the floor of the marks; it is never lowered.
pub(crate) async fn raise_floor(
    connection: &mut Connection,
    floor: UnixSeconds,
) -> Result<UnixSeconds, RepositoryError> {
    let floor = self::floor(connection).await?.max(floor);
    set(connection, FLOOR, &floor.to_string()).await?;
    Ok(floor)
}

pub(crate) async fn find<'e>(
    executor: impl Executor<'e, Database = Database>,
    name: &str,
) -> Result<Option<String>, RepositoryError> {
    Ok(
        sqlx::query_scalar("SELECT value FROM local_values WHERE name = $1")
            .bind(name.to_owned())
            .fetch_optional(executor)
            .await?,
    )
}

pub(crate) async fn set(
    connection: &mut Connection,
    name: &str,
    value: &str,
) -> Result<(), RepositoryError> {
    sqlx::query(
        "INSERT INTO local_values (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name.to_owned())
    .bind(value.to_owned())
    .execute(connection)
    .await?;
    Ok(())
}
