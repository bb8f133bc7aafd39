//! Putting an older state back without taking back what ended, and what became of users, since then.

use std::path::Path;

use signet_core::UnixSeconds;
use sqlx::{Connection as _, Row as _};

use crate::sqlite::{self, Connection};
use crate::{IfMissing, Repository, RepositoryError, column, file, lineage, local};

/// By so much the generation of every user is raised where nobody knows how often it was raised already.
///
/// A password change, a logout of everything or 65 single logouts are one step each, so this is far beyond what a user
/// can have come to; and the generations last for 65,535 times.
const LEAP: u32 = 65_536;

/// What was united with an older state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct United {
    /// Sessions that ended since, or end later than was known.
    pub marks: u64,
    /// Users of whom all sessions were ended since.
    pub raised: u64,
    /// Users who were removed since, and stay removed.
    pub removed: u64,
    /// Users who were disabled since, and stay disabled.
    pub disabled: u64,
    /// Users whose password was changed since, and stays changed.
    pub passwords: u64,
    /// Users who are new since: they are removed, and if one is made again, no old session lives again.
    pub new: u64,
    /// Whether the newer one goes on from the older one. If not, sessions may have ended of which neither knows.
    pub continues: bool,
}

impl Repository {
    /// Unites what must never be taken back from the newer repository at `newer`, which is only read, with this older one.
    ///
    /// Sessions that were ended stay ended: marks, floor, generations and the repository tokens are those of both, and
    /// the numbers of changes go on from the higher ones.
    /// Users who were removed or disabled stay so, and a password that was replaced does not come back.
    /// Everything else stays as it is here. All in one transaction.
    /// Whether the newer one knows all that ended after this one is [`United::continues`].
    ///
    /// # Errors
    /// One of the two cannot be read, or this one not be written; nothing has changed then.
    pub async fn unite_from(
        &self,
        newer: &Path,
        now: UnixSeconds,
    ) -> Result<United, RepositoryError> {
        file::prepare(newer, IfMissing::Refuse)?;
        let mut connection = self.store.connect_with(newer).await?;
        let mut transaction = connection.begin_with(sqlite::BEGIN_WRITE).await?;
        sqlx::raw_sql(sqlite::BEGIN_BULK)
            .execute(&mut *transaction)
            .await?;
        let united = unite(&mut transaction, now).await?;
        transaction.commit().await?;
        connection.close().await?;
        Ok(united)
    }

    /// Ends all sessions of all users, where nobody knows which of them were ended before; returns how many users there are.
    ///
    /// Their generations leap, those of removed users too, and their repository tokens are removed.
    ///
    /// # Errors
    /// If the repository cannot be written; nothing has changed then.
    pub async fn end_every_session(&self, now: UnixSeconds) -> Result<u64, RepositoryError> {
        let mut write = self.write().await?;
        let connection = write.connection();
        let base = head(connection).await?;
        let changed = sqlx::query(
            "UPDATE users SET seq = $1 + r.rank, \
             generation = min(generation + $2, 4294967295), changed = $3 \
             FROM (SELECT id, row_number() OVER (ORDER BY seq) AS rank FROM users) r \
             WHERE r.id = users.id",
        )
        .bind(base)
        .bind(i64::from(LEAP))
        .bind(column::integer(now.0))
        .execute(&mut *connection)
        .await?
        .rows_affected();
        advance(connection, changed).await?;
        execute(connection, "DELETE FROM tokens").await?;
        let users = sqlx::query_scalar("SELECT count(*) FROM users WHERE deleted = 0")
            .fetch_one(&mut *connection)
            .await?;
        write.commit().await?;
        column::unsigned(users, "a count is negative")
    }

    /// Reads all of the file and compares it with itself, and every row that others rely on.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`], or it cannot be read.
    pub async fn check(&self) -> Result<(), RepositoryError> {
        self.store.check().await?;
        self.load(drop).await?;
        Ok(())
    }
}

async fn unite(connection: &mut Connection, now: UnixSeconds) -> Result<United, RepositoryError> {
    // Before the numbers of changes are united, which it compares.
    let continues = lineage::take_over(connection).await?;
    execute(
        connection,
        "UPDATE counter SET seq = max(seq, (SELECT seq FROM newer.counter WHERE id = 1)) WHERE id = 1",
    )
    .await?;
    let floor: Option<String> =
        sqlx::query_scalar("SELECT value FROM newer.local_values WHERE name = $1")
            .bind(local::FLOOR)
            .fetch_optional(&mut *connection)
            .await?;
    if let Some(floor) = floor {
        let floor = column::parsed(&floor, "the floor of the marks is no time")?;
        local::raise_floor(connection, UnixSeconds(floor)).await?;
    }
    let mut united = count(connection).await?;
    united.continues = continues;
    united.marks = numbered(connection, MARKS, now).await?;
    numbered(connection, KNOWN, now).await?;
    united.new = numbered(connection, NEW, now).await?;
    for sql in THE_REST {
        execute(connection, sql).await?;
    }
    Ok(united)
}

const MARKS: &str = "INSERT INTO marks (seq, id, ends, user_id, reason, created) \
    SELECT $1 + row_number() OVER (ORDER BY n.seq), n.id, n.ends, n.user_id, n.reason, n.created \
    FROM newer.marks n \
    WHERE $2 >= 0 AND NOT EXISTS (SELECT 1 FROM marks m WHERE m.id = n.id AND m.ends >= n.ends) \
    ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, ends = excluded.ends";

/// Those whom both know, where the newer one knows more. Who sets a password raises the generation.
const KNOWN: &str = "UPDATE users SET seq = $1 + n.rank, changed = $2, \
    generation = max(users.generation, n.generation), \
    enabled = users.enabled AND n.enabled, \
    deleted = users.deleted OR n.deleted, \
    name = iif(n.deleted, NULL, users.name), \
    mail = iif(n.deleted, NULL, users.mail), \
    password_hash = CASE WHEN users.deleted OR n.deleted THEN NULL \
        WHEN n.generation > users.generation THEN n.password_hash ELSE users.password_hash END, \
    one_time = CASE WHEN users.deleted OR n.deleted THEN 0 \
        WHEN n.generation > users.generation THEN n.one_time ELSE users.one_time END \
    FROM (SELECT o.*, row_number() OVER (ORDER BY o.seq) AS rank \
        FROM newer.users o JOIN users u ON u.id = o.id \
        WHERE o.generation > u.generation OR o.deleted > u.deleted OR o.enabled < u.enabled) n \
    WHERE n.id = users.id";

/// Those whom only the newer one knows, unless people would take them for somebody whom both know.
const NEW: &str = "INSERT INTO users (seq, id, skeleton, name, mail, password_hash, one_time, \
    generation, enabled, deleted, created, changed) \
    SELECT $1 + row_number() OVER (ORDER BY n.seq), n.id, n.skeleton, NULL, NULL, NULL, 0, \
    min(n.generation + (n.deleted = 0), 4294967295), 0, 1, n.created, $2 \
    FROM newer.users n \
    WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = n.id) \
    AND NOT EXISTS (SELECT 1 FROM users u WHERE u.skeleton = n.skeleton)";

const THE_REST: &[&str] = &[
    "DELETE FROM memberships WHERE user_id IN (SELECT id FROM users WHERE deleted = 1)",
    // A token that is not there any more was ended; those that are there are judged by the generation as ever.
    "DELETE FROM tokens",
    "INSERT INTO tokens (id, hash, user_id, generation, session, auth_time, created, expires, session_end, methods) \
     SELECT id, hash, user_id, generation, session, auth_time, created, expires, session_end, methods FROM newer.tokens",
    "DELETE FROM client_tokens",
    "DELETE FROM resealed",
];

/// What will become of users whom both know.
async fn count(connection: &mut Connection) -> Result<United, RepositoryError> {
    let row = sqlx::query(
        "SELECT count(*) FILTER (WHERE n.generation > u.generation), \
         count(*) FILTER (WHERE n.deleted > u.deleted), \
         count(*) FILTER (WHERE n.enabled < u.enabled AND n.deleted = 0), \
         count(*) FILTER (WHERE n.generation > u.generation AND n.deleted = 0 AND u.deleted = 0 \
             AND n.password_hash IS NOT u.password_hash) \
         FROM newer.users n JOIN users u ON u.id = n.id",
    )
    .fetch_one(connection)
    .await?;
    let number = |column| column::unsigned(row.try_get(column)?, "a count is negative");
    Ok(United {
        raised: number(0)?,
        removed: number(1)?,
        disabled: number(2)?,
        passwords: number(3)?,
        ..United::default()
    })
}

/// Runs what gives each row that it changes the next number, and counts on.
async fn numbered(
    connection: &mut Connection,
    sql: &'static str,
    now: UnixSeconds,
) -> Result<u64, RepositoryError> {
    let changed = sqlx::query(sql)
        .bind(head(connection).await?)
        .bind(column::integer(now.0))
        .execute(&mut *connection)
        .await?
        .rows_affected();
    advance(connection, changed).await?;
    Ok(changed)
}

async fn head(connection: &mut Connection) -> Result<i64, RepositoryError> {
    sqlx::query_scalar("SELECT seq FROM counter WHERE id = 1")
        .fetch_optional(connection)
        .await?
        .ok_or(RepositoryError::Damaged("the counter of changes is gone"))
}

async fn advance(connection: &mut Connection, by: u64) -> Result<(), RepositoryError> {
    sqlx::query("UPDATE counter SET seq = seq + $1 WHERE id = 1")
        .bind(column::integer(by))
        .execute(connection)
        .await?;
    Ok(())
}

async fn execute(connection: &mut Connection, sql: &'static str) -> Result<(), RepositoryError> {
    sqlx::query(sql).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
