//! Values that were sealed anew and wait until all of them are: then they are put in force at once, or none is.

use serde_json::Value;
use signet_core::UnixSeconds;
use sqlx::{QueryBuilder, Row as _};

use crate::sqlite::Database;
use crate::write::Write;
use crate::{Repository, RepositoryError, Seq, SettingName, column, settings};

/// So many rows are written with one statement.
const CHUNK: usize = 200;

/// So many are put in force with one statement.
const PAGE: i64 = 500;

/// A value that was sealed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResealedRow {
    /// The place it belongs to.
    pub place: String,
    /// The value that it replaces.
    pub was: String,
    /// The value itself.
    pub value: String,
}

/// The value of a setting that was sealed anew.
#[derive(Clone, PartialEq)]
pub struct ResealedSetting {
    /// The setting.
    pub name: SettingName,
    /// The value that it replaces.
    pub was: Value,
    /// The value itself.
    pub value: Value,
}

/// Names the setting alone.
impl core::fmt::Debug for ResealedSetting {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "ResealedSetting({})", self.name)
    }
}

impl Repository {
    /// Puts values aside that were sealed anew, in one transaction; a place that has one already gets the later.
    ///
    /// # Errors
    /// If the repository cannot be written; none of them was put aside then.
    pub async fn stage_resealed(&self, batch: &[ResealedRow]) -> Result<(), RepositoryError> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut write = self.write().await?;
        for rows in batch.chunks(CHUNK) {
            let mut query =
                QueryBuilder::<Database>::new("INSERT INTO resealed (place, was, value) ");
            query.push_values(rows, |mut values, row| {
                values
                    .push_bind(row.place.clone())
                    .push_bind(row.was.clone())
                    .push_bind(row.value.clone());
            });
            query.push(
                " ON CONFLICT (place) DO UPDATE SET was = excluded.was, value = excluded.value",
            );
            query
                .build()
                .persistent(rows.len() == CHUNK)
                .execute(write.connection())
                .await?;
        }
        write.commit().await
    }

    /// The next `limit` values that wait, behind `place` in the order of the places. Nothing is before `""`.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn staged_resealed_after(
        &self,
        place: &str,
        limit: u32,
    ) -> Result<Vec<ResealedRow>, RepositoryError> {
        sqlx::query(
            "SELECT place, was, value FROM resealed WHERE place > $1 ORDER BY place LIMIT $2",
        )
        .bind(place.to_owned())
        .bind(i64::from(limit))
        .fetch_all(self.store.readers())
        .await?
        .iter()
        .map(|row| {
            Ok(ResealedRow {
                place: row.try_get(0)?,
                was: row.try_get(1)?,
                value: row.try_get(2)?,
            })
        })
        .collect()
    }

    /// Puts all values in force that wait, and those of `settings`, in one transaction, and returns how many there were;
    /// none waits any more then.
    ///
    /// # Errors
    /// [`RepositoryError::ResealConflict`] if a place or a setting has not the value any more that was sealed anew,
    /// or the repository cannot be written. Nothing has changed then, and all of them still wait.
    pub async fn apply_resealed(
        &self,
        settings: &[ResealedSetting],
        now: UnixSeconds,
    ) -> Result<u64, RepositoryError> {
        let mut write = self.write().await?;
        let mut count = apply(&mut write, now).await?;
        for setting in settings {
            let ResealedSetting { name, was, value } = setting;
            if !settings::replace(&mut write, name, was, value).await? {
                let place = name.to_string();
                return Err(RepositoryError::ResealConflict { place });
            }
            count += 1;
        }
        write.commit().await?;
        Ok(count)
    }

    /// Forgets the values that wait.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub async fn discard_resealed(&self) -> Result<(), RepositoryError> {
        let mut write = self.write().await?;
        forget(&mut write).await?;
        write.commit().await
    }
}

async fn apply(write: &mut Write, now: UnixSeconds) -> Result<u64, RepositoryError> {
    let conflict: Option<String> = sqlx::query_scalar(
        "SELECT r.place FROM resealed r LEFT JOIN secrets s ON s.place = r.place \
         WHERE s.value IS NULL OR s.value <> r.was ORDER BY r.place LIMIT 1",
    )
    .fetch_optional(write.connection())
    .await?;
    if let Some(place) = conflict {
        return Err(RepositoryError::ResealConflict { place });
    }
    let count = sqlx::query_scalar("SELECT count(*) FROM resealed")
        .fetch_one(write.connection())
        .await?;
    let count = column::unsigned(count, "a count is negative")?;
    if count == 0 {
        return Ok(0);
    }
    let first = write.reserve(count).await?;
    put_in_force(write, first, now).await?;
    forget(write).await?;
    Ok(count)
}

/// Page by page: as one statement it would hold all values in memory.
///
/// Their numbers are in the order of the places, and all above those that are given now.
async fn put_in_force(
    write: &mut Write,
    first: Seq,
    now: UnixSeconds,
) -> Result<(), RepositoryError> {
    let (mut next, mut after) = (first.0, String::new());
    loop {
        let last: Option<String> = sqlx::query_scalar(
            "SELECT max(place) FROM \
             (SELECT place FROM resealed WHERE place > $1 ORDER BY place LIMIT $2)",
        )
        .bind(after.clone())
        .bind(PAGE)
        .fetch_one(write.connection())
        .await?;
        let Some(last) = last else {
            return Ok(());
        };
        let page = sqlx::query(
            "UPDATE secrets SET seq = $1 + r.rank, value = r.value, changed = $2 \
             FROM (SELECT place, value, row_number() OVER (ORDER BY place) - 1 AS rank \
             FROM resealed WHERE place > $3 AND place <= $4) r WHERE r.place = secrets.place",
        )
        .bind(column::integer(next))
        .bind(column::integer(now.0))
        .bind(after)
        .bind(last.clone())
        .execute(write.connection())
        .await?;
        next = next.saturating_add(page.rows_affected());
        after = last;
    }
}

async fn forget(write: &mut Write) -> Result<(), RepositoryError> {
    sqlx::query("DELETE FROM resealed")
        .execute(write.connection())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
