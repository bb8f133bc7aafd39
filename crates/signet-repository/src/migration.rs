//! Brings the schema of a repository to the version this build knows, and refuses what it does not know.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use crate::RepositoryError;
use crate::sqlite::{self, Connection};

/// One step of the schema. Its number is its place in the list, from 1.
///
/// A step that was released is never changed: repositories remember its checksum.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

impl Step {
    fn checksum(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.sql))
    }
}

/// Runs the steps that are missing, all of them or none.
pub(crate) async fn run(
    connection: &mut Connection,
    steps: &'static [Step],
) -> Result<(), RepositoryError> {
    // Most of the time there is nothing to do, and that needs no right to write.
    if is_current(connection, steps).await? {
        return Ok(());
    }
    let mut transaction = connection.begin_with(sqlite::BEGIN_WRITE).await?;
    sqlx::query(sqlite::CLAIM)
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS migrations \
         (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)",
    )
    .execute(&mut *transaction)
    .await?;
    // Another process may have been here since the first look.
    let done = applied(&mut transaction, steps).await?;
    for (version, step) in (1_i64..).zip(steps).skip(done) {
        sqlx::raw_sql(AssertSqlSafe(step.sql))
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO migrations (version, name, checksum) VALUES ($1, $2, $3)")
            .bind(version)
            .bind(step.name)
            .bind(step.checksum())
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

/// Makes sure that a repository is one, and went no step that is not known here. Later steps may be missing.
pub(crate) async fn expect_known(
    connection: &mut Connection,
    steps: &'static [Step],
) -> Result<(), RepositoryError> {
    match sqlite::has_table(connection, "migrations").await? {
        true => applied(connection, steps).await.map(drop),
        false => Err(RepositoryError::NotARepository),
    }
}

async fn is_current(
    connection: &mut Connection,
    steps: &'static [Step],
) -> Result<bool, RepositoryError> {
    let begun = sqlite::has_table(connection, "migrations").await?;
    Ok(begun && applied(connection, steps).await? == steps.len())
}

/// How many of the steps were run, if they were these steps.
async fn applied(
    connection: &mut Connection,
    steps: &'static [Step],
) -> Result<usize, RepositoryError> {
    let rows = sqlx::query("SELECT version, checksum FROM migrations ORDER BY version")
        .fetch_all(connection)
        .await?;
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if let Some(last) = rows.last() {
        let found = last.try_get::<u32, _>(0)?;
        if found > known {
            return Err(RepositoryError::NewerVersion { found, known });
        }
    }
    for (version, (row, step)) in (1..).zip(rows.iter().zip(steps)) {
        let same =
            row.try_get::<u32, _>(0)? == version && row.try_get::<&str, _>(1)? == step.checksum();
        if !same {
            return Err(RepositoryError::ForeignMigration { version });
        }
    }
    Ok(rows.len())
}

#[cfg(test)]
mod tests;
