//! Marks of ended sessions.

use core::fmt;

use signet_core::{Generation, Mark, Subject, UnixSeconds};
use sqlx::Row as _;

use crate::sqlite::Connection;
use crate::write::Write;
use crate::{Repository, RepositoryError, UserError, account, column, local};

/// So many live marks a user may have; one more becomes a step of the generation.
pub const MARKS_PER_USER: u32 = 64;

/// Why a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MarkReason {
    /// The user logged out.
    Logout,
    /// The user logged in again, and the new session took the old one's place.
    Replaced,
    /// An administrator ended it.
    Administrator,
    /// The identity provider said so.
    Provider,
}

impl MarkReason {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Replaced => "replaced",
            Self::Administrator => "administrator",
            Self::Provider => "provider",
        }
    }
}

impl fmt::Display for MarkReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// It stands.
    Added,
    /// It stood already.
    Known,
    /// It was one too many: all sessions of the user were ended by this generation, and the user's marks dropped.
    Raised(Generation),
}

impl Repository {
    /// Ends a session: its tokens are refused until none can be good any more, clock skew included.
    ///
    /// More than [`MARKS_PER_USER`] live marks of one user become one step of the generation, in the same transaction.
    ///
    /// # Errors
    /// If the repository cannot be written; nothing has changed then, and the session is not ended.
    pub async fn add_mark(
        &self,
        mark: Mark,
        subject: Option<&Subject>,
        reason: MarkReason,
        now: UnixSeconds,
    ) -> Result<Marked, UserError> {
        let mut write = self.write().await?;
        let known: Option<i64> = sqlx::query_scalar("SELECT ends FROM marks WHERE id = $1")
            .bind(mark.id.0.to_vec())
            .fetch_optional(write.connection())
            .await?;
        if known.is_some_and(|ends| ends >= column::integer(mark.until.0)) {
            return Ok(Marked::Known);
        }
        insert(&mut write, mark, subject, reason, now).await?;
        let outcome = match subject {
            Some(subject) => raise_if_many(&mut write, subject, now).await?,
            None => None,
        };
        write.commit().await?;
        Ok(outcome.map_or(Marked::Added, Marked::Raised))
    }

    /// Forgets the marks up to `floor`, once it is written down that every session that ended by then is refused.
    ///
    /// Both happen in one transaction. The floor is never lowered; the one that holds now is returned.
    ///
    /// # Errors
    /// If the repository cannot be written; nothing is forgotten then.
    pub async fn purge_marks(&self, floor: UnixSeconds) -> Result<UnixSeconds, RepositoryError> {
        let mut write = self.write().await?;
        let floor = local::raise_floor(write.connection(), floor).await?;
        sqlx::query("DELETE FROM marks WHERE ends <= $1")
            .bind(column::integer(floor.0))
            .execute(write.connection())
            .await?;
        write.commit().await?;
        Ok(floor)
    }

    /// Purges the marks of sessions that are over at `now`, up to the end of the last of them and no further, and
    /// returns the floor. A clock that runs far ahead thus raises the floor to the end of a real session at most.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub async fn purge_ended_marks(
        &self,
        now: UnixSeconds,
    ) -> Result<UnixSeconds, RepositoryError> {
        let last: Option<i64> = sqlx::query_scalar("SELECT max(ends) FROM marks WHERE ends <= $1")
            .bind(column::integer(now.0))
            .fetch_one(self.store.readers())
            .await?;
        match last {
            Some(last) => {
                let last = column::unsigned(last, "the end of a mark is negative")?;
                self.purge_marks(UnixSeconds(last)).await
            }
            None => self.floor().await,
        }
    }

    /// How many marks are stored.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn count_marks(&self) -> Result<u64, RepositoryError> {
        let row = sqlx::query("SELECT count(*) FROM marks")
            .fetch_one(self.store.readers())
            .await?;
        column::unsigned(row.try_get(0)?, "a count is negative")
    }
}

async fn insert(
    write: &mut Write,
    mark: Mark,
    subject: Option<&Subject>,
    reason: MarkReason,
    now: UnixSeconds,
) -> Result<(), RepositoryError> {
    let seq = write.seq().await?;
    sqlx::query(
        "INSERT INTO marks (seq, id, ends, user_id, reason, created) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, ends = excluded.ends",
    )
    .bind(column::integer(seq.0))
    .bind(mark.id.0.to_vec())
    .bind(column::integer(mark.until.0))
    .bind(subject.map(|subject| subject.as_str().to_owned()))
    .bind(reason.as_str())
    .bind(column::integer(now.0))
    .execute(write.connection())
    .await?;
    Ok(())
}

/// Turns the user's marks into a step of the generation if there are too many.
///
/// A user without a record here has no generation to raise, and keeps the marks.
async fn raise_if_many(
    write: &mut Write,
    subject: &Subject,
    now: UnixSeconds,
) -> Result<Option<Generation>, UserError> {
    if count_live(write.connection(), subject, now).await? <= i64::from(MARKS_PER_USER) {
        return Ok(None);
    }
    let Some(before) = account::find(write.connection(), subject).await? else {
        return Ok(None);
    };
    let mut after = before.clone();
    after.raise()?;
    after.changed = now;
    let after = account::store(write, Some(&before), after).await?;
    sqlx::query("DELETE FROM marks WHERE user_id = $1")
        .bind(subject.as_str().to_owned())
        .execute(write.connection())
        .await?;
    Ok(Some(after.record.generation))
}

async fn count_live(
    connection: &mut Connection,
    subject: &Subject,
    now: UnixSeconds,
) -> Result<i64, RepositoryError> {
    Ok(
        sqlx::query_scalar("SELECT count(*) FROM marks WHERE user_id = $1 AND ends > $2")
            .bind(subject.as_str().to_owned())
            .bind(column::integer(now.0))
            .fetch_one(connection)
            .await?,
    )
}

#[cfg(test)]
mod tests;
