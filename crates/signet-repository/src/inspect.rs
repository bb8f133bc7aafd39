//! Looking into a repository without changing anything, not even its schema.

use std::path::Path;
use std::time::Duration;

use sqlx::{Connection as _, Row as _};

use crate::sqlite::{self, Connection, MIGRATIONS};
use crate::{IfMissing, RepositoryError, file};

/// A repository that is only looked at: for somebody who does not know yet whether it is one, or whether it is whole.
#[derive(Debug)]
pub struct Inspection(Connection);

impl Inspection {
    /// Opens the file at `path` for reading, and waits up to `patience` for other processes.
    ///
    /// # Errors
    /// There is none, or it is no repository, or it cannot be read.
    pub async fn open(path: &Path, patience: Duration) -> Result<Self, RepositoryError> {
        file::prepare(path, IfMissing::Refuse)?;
        let connection = sqlite::connect_to_read(path, patience).await?;
        Ok(Self(connection))
    }

    /// The version of its schema, and the one that this program writes.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn schema(&mut self) -> Result<(u32, u32), RepositoryError> {
        let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
        if !sqlite::has_table(&mut self.0, "migrations").await? {
            return Ok((0, known));
        }
        let found: i64 = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM migrations")
            .fetch_one(&mut self.0)
            .await?;
        let found = u32::try_from(found)
            .map_err(|_| RepositoryError::Damaged("the version of the schema is no number"))?;
        Ok((found, known))
    }

    /// Reads every page of the file and says what is wrong with it, at most `most` things; none if all is well.
    ///
    /// Takes about as long as reading the file.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn check(&mut self, most: u8) -> Result<Vec<String>, RepositoryError> {
        let statement = format!("PRAGMA quick_check({most})");
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .fetch_all(&mut self.0)
            .await;
        let rows = match rows.map_err(RepositoryError::from) {
            Ok(rows) => rows,
            // So damaged that the rest cannot be looked at.
            Err(RepositoryError::Damaged(fault)) => return Ok(vec![fault.to_owned()]),
            Err(error) => return Err(error),
        };
        let mut faults = Vec::new();
        for row in rows {
            let fault: String = row.try_get(0)?;
            if fault != "ok" {
                faults.push(fault);
            }
        }
        Ok(faults)
    }

    /// Closes the file.
    pub async fn close(self) {
        // It was only read, so there is nothing to lose.
        let _ = self.0.close().await;
    }
}

#[cfg(test)]
mod tests;
