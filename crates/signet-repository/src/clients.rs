//! OAuth clients: definitions, and the access tokens that this instance was given for them.

use serde_json::Value;
use signet_core::UnixSeconds;
use sqlx::Row as _;

use crate::sqlite::Row;
use crate::write::Write;
use crate::{Repository, RepositoryError, column, secrets};

/// An OAuth client as it was last defined. Its secret stands apart, sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientRow {
    /// Its name.
    pub name: String,
    /// What it is, in the words of those who use it.
    pub definition: Value,
    /// When it was last changed.
    pub changed: UnixSeconds,
}

/// An access token, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientToken {
    /// The sealed token.
    pub value: String,
    /// When it ends.
    pub expires: UnixSeconds,
}

/// What a token was asked for with, as far as it stands in the repository.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientBasis {
    /// The definition; `None` for a client that is defined elsewhere.
    pub definition: Option<Value>,
    /// A place, and the sealed value that it had, if any; `None` for a secret that is kept elsewhere.
    pub secret: Option<(String, Option<String>)>,
}

impl Repository {
    /// The client of this name.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn client(&self, name: &str) -> Result<Option<ClientRow>, RepositoryError> {
        sqlx::query(
            "SELECT name, definition, changed FROM clients \
             WHERE name = $1 AND definition IS NOT NULL",
        )
        .bind(name.to_owned())
        .fetch_optional(self.store.readers())
        .await?
        .as_ref()
        .map(ClientRow::read)
        .transpose()
    }

    /// All clients, by name.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn clients(&self) -> Result<Vec<ClientRow>, RepositoryError> {
        sqlx::query(
            "SELECT name, definition, changed FROM clients \
             WHERE definition IS NOT NULL ORDER BY name",
        )
        .fetch_all(self.store.readers())
        .await?
        .iter()
        .map(ClientRow::read)
        .collect()
    }

    /// Defines a client, and with `secret` gives a place its sealed value: both or neither.
    ///
    /// A token that was given to the client as it was before is forgotten. The same again is no change.
    ///
    /// # Errors
    /// If the repository cannot be written; nothing has changed then.
    pub async fn put_client(
        &self,
        name: &str,
        definition: &Value,
        secret: Option<(&str, &str)>,
        now: UnixSeconds,
    ) -> Result<(), RepositoryError> {
        let mut write = self.write().await?;
        let mut changed = define(&mut write, name, Some(definition), now).await?;
        if let Some((place, value)) = secret {
            changed |= secrets::set(&mut write, place, Some(value), now).await?;
        }
        if changed {
            forget_token(&mut write, name).await?;
        }
        write.commit().await
    }

    /// Removes a client, the sealed value of `place` and the client's token: all or nothing. Returns whether there was a client.
    ///
    /// # Errors
    /// If the repository cannot be written; nothing has changed then.
    pub async fn remove_client(
        &self,
        name: &str,
        place: &str,
        now: UnixSeconds,
    ) -> Result<bool, RepositoryError> {
        let mut write = self.write().await?;
        let changed = define(&mut write, name, None, now).await?;
        secrets::set(&mut write, place, None, now).await?;
        forget_token(&mut write, name).await?;
        write.commit().await?;
        Ok(changed)
    }

    /// The token that this instance holds for a client, ended or not.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn client_token(&self, name: &str) -> Result<Option<ClientToken>, RepositoryError> {
        sqlx::query("SELECT value, expires FROM client_tokens WHERE name = $1")
            .bind(name.to_owned())
            .fetch_optional(self.store.readers())
            .await?
            .map(|row| {
                Ok(ClientToken {
                    value: row.try_get(0)?,
                    expires: column::time(&row, 1)?,
                })
            })
            .transpose()
    }

    /// Keeps a token for a client, in the place of an earlier one, and returns whether it did. It stays on this instance.
    ///
    /// Only if what the token was asked for with is still what stands here: a slow endpoint may answer after the client
    /// was replaced or removed, and what it then gives is of the client as it was before.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub async fn put_client_token(
        &self,
        name: &str,
        token: &ClientToken,
        basis: &ClientBasis,
    ) -> Result<bool, RepositoryError> {
        let mut write = self.write().await?;
        if !is_present(&mut write, name, basis).await? {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO client_tokens (name, value, expires) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value, expires = excluded.expires",
        )
        .bind(name.to_owned())
        .bind(token.value.clone())
        .bind(column::integer(token.expires.0))
        .execute(write.connection())
        .await?;
        write.commit().await?;
        Ok(true)
    }

    /// Forgets the token of a client.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub async fn forget_client_token(&self, name: &str) -> Result<(), RepositoryError> {
        let mut write = self.write().await?;
        forget_token(&mut write, name).await?;
        write.commit().await
    }
}

impl ClientRow {
    /// Reads `name, definition, changed`.
    fn read(row: &Row) -> Result<Self, RepositoryError> {
        Ok(Self {
            name: row.try_get(0)?,
            definition: serde_json::from_str(row.try_get(1)?)
                .map_err(|_| RepositoryError::Damaged("the definition of a client is not JSON"))?,
            changed: column::time(row, 2)?,
        })
    }
}

/// Gives a client a definition, or takes it away; whether that changed anything.
async fn define(
    write: &mut Write,
    name: &str,
    definition: Option<&Value>,
    now: UnixSeconds,
) -> Result<bool, RepositoryError> {
    let definition = definition.map(Value::to_string);
    let present: Option<Option<String>> =
        sqlx::query_scalar("SELECT definition FROM clients WHERE name = $1")
            .bind(name.to_owned())
            .fetch_optional(write.connection())
            .await?;
    if present.flatten() == definition {
        return Ok(false);
    }
    let seq = write.seq().await?;
    sqlx::query(
        "INSERT INTO clients (seq, name, definition, changed) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, definition = excluded.definition, \
         changed = excluded.changed",
    )
    .bind(column::integer(seq.0))
    .bind(name.to_owned())
    .bind(definition)
    .bind(column::integer(now.0))
    .execute(write.connection())
    .await?;
    Ok(true)
}

/// Whether a client and its secret are as they were.
async fn is_present(
    write: &mut Write,
    name: &str,
    basis: &ClientBasis,
) -> Result<bool, RepositoryError> {
    let definition: Option<Option<String>> =
        sqlx::query_scalar("SELECT definition FROM clients WHERE name = $1")
            .bind(name.to_owned())
            .fetch_optional(write.connection())
            .await?;
    // A text that is not JSON is not what anybody has read.
    let definition = definition.flatten().map(|text| text.parse().ok());
    if definition != basis.definition.clone().map(Some) {
        return Ok(false);
    }
    match &basis.secret {
        None => Ok(true),
        Some((place, value)) => Ok(secrets::find(write.connection(), place).await? == *value),
    }
}

pub(crate) async fn forget_token(write: &mut Write, name: &str) -> Result<(), RepositoryError> {
    sqlx::query("DELETE FROM client_tokens WHERE name = $1")
        .bind(name.to_owned())
        .execute(write.connection())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
