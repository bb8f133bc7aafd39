//! Settings of the farm: a name and a JSON value.

use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;

use serde_json::Value;
use sqlx::Row as _;

use crate::sqlite::{Connection, Row};
use crate::write::Write;
use crate::{Repository, RepositoryError, Seq, column};

/// Why a text is not the name of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a setting has 1 to 64 lower-case letters, digits, '.', '-' and '_'")]
pub struct SettingNameError;

/// The name of a setting, for example `farm.id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingName(Cow<'static, str>);

impl SettingName {
    /// The farm's id, the issuer of its tokens.
    pub const FARM_ID: Self = Self(Cow::Borrowed("farm.id"));

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SettingName {
    type Err = SettingNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
        ((1..=64).contains(&text.len()) && text.bytes().all(allowed))
            .then(|| Self(Cow::Owned(text.to_owned())))
            .ok_or(SettingNameError)
    }
}

impl fmt::Display for SettingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A setting as it was last changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its name.
    pub name: SettingName,
    /// Its value; `None` once it was removed.
    pub value: Option<Value>,
    /// The number of its last change.
    pub seq: Seq,
}

impl Repository {
    /// The value of a setting, if it has one.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn setting(&self, name: &SettingName) -> Result<Option<Value>, RepositoryError> {
        let mut read = self.store.begin_read().await?;
        Ok(find(&mut read, name)
            .await?
            .and_then(|setting| setting.value))
    }

    /// All settings that have a value, by name.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn settings(&self) -> Result<Vec<Setting>, RepositoryError> {
        sqlx::query("SELECT seq, name, value FROM settings WHERE value IS NOT NULL ORDER BY name")
            .fetch_all(self.store.readers())
            .await?
            .iter()
            .map(Setting::read)
            .collect()
    }

    /// Gives a setting a value. The same value again is no change.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub async fn set_setting(
        &self,
        name: &SettingName,
        value: &Value,
    ) -> Result<(), RepositoryError> {
        self.change_setting(name, Some(value)).await
    }

    /// Takes the value of a setting away.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub async fn remove_setting(&self, name: &SettingName) -> Result<(), RepositoryError> {
        self.change_setting(name, None).await
    }

    /// Gives a setting a value unless it has one, and returns the value it has then: the first one wins.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub async fn set_setting_if_absent(
        &self,
        name: &SettingName,
        value: &Value,
    ) -> Result<Value, RepositoryError> {
        let mut write = self.write().await?;
        if let Some(present) = find(write.connection(), name).await?.and_then(|s| s.value) {
            return Ok(present);
        }
        store(&mut write, name, Some(value)).await?;
        write.commit().await?;
        Ok(value.clone())
    }

    async fn change_setting(
        &self,
        name: &SettingName,
        value: Option<&Value>,
    ) -> Result<(), RepositoryError> {
        let mut write = self.write().await?;
        let present = find(write.connection(), name).await?.and_then(|s| s.value);
        if present.as_ref() == value {
            return Ok(());
        }
        store(&mut write, name, value).await?;
        write.commit().await
    }
}

impl Setting {
    /// Reads `seq, name, value`.
    pub(crate) fn read(row: &Row) -> Result<Self, RepositoryError> {
        let value = row
            .try_get::<Option<&str>, _>(2)?
            .map(serde_json::from_str)
            .transpose()
            .map_err(|_| RepositoryError::Damaged("a setting is not JSON"))?;
        Ok(Self {
            name: column::parsed(row.try_get(1)?, "the name of a setting is none")?,
            value,
            seq: column::seq(row, 0)?,
        })
    }
}

async fn find(
    connection: &mut Connection,
    name: &SettingName,
) -> Result<Option<Setting>, RepositoryError> {
    sqlx::query("SELECT seq, name, value FROM settings WHERE name = $1")
        .bind(name.as_str().to_owned())
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(Setting::read)
        .transpose()
}

/// Gives a setting another value if it has the one that is expected; whether it had.
pub(crate) async fn replace(
    write: &mut Write,
    name: &SettingName,
    was: &Value,
    value: &Value,
) -> Result<bool, RepositoryError> {
    let present = find(write.connection(), name).await?.and_then(|s| s.value);
    if present.as_ref() != Some(was) {
        return Ok(false);
    }
    store(write, name, Some(value)).await?;
    Ok(true)
}

async fn store(
    write: &mut Write,
    name: &SettingName,
    value: Option<&Value>,
) -> Result<(), RepositoryError> {
    let seq = write.seq().await?;
    sqlx::query(
        "INSERT INTO settings (seq, name, value) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, value = excluded.value",
    )
    .bind(column::integer(seq.0))
    .bind(name.as_str().to_owned())
    .bind(value.map(Value::to_string))
    .execute(write.connection())
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
