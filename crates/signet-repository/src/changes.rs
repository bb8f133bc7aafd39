//! What changed since a number: how indexes are built and kept current.

use std::future::poll_fn;

use signet_core::{GroupName, Mark, MarkId, UnixSeconds, UserRecord};
use sqlx::Row as _;

use crate::sqlite::{Connection, Row};
use crate::{Repository, RepositoryError, Seq, Setting, column, local};

/// So many rows of each kind are read at once.
const PAGE: u32 = 4_096;

/// Rows that changed after a number, each kind in the order of the changes, as they are now.
///
/// Applying them twice does no harm. A user who was removed is there as a tombstone;
/// marks that were purged or became a step of a generation are not there any more.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The number of the last change in the repository.
    pub head: Seq,
    /// The number up to which these changes go: continue from here, there is more while it is below `head`.
    pub position: Seq,
    /// Users, tombstones included.
    pub users: Vec<UserRecord>,
    /// Groups that are new.
    pub groups: Vec<GroupName>,
    /// Marks of ended sessions.
    pub marks: Vec<Mark>,
    /// Settings, removed ones included.
    pub settings: Vec<Setting>,
    /// Every session that ended by this time is refused.
    pub floor: UnixSeconds,
}

/// How many rows there are to be loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Users, tombstones included.
    pub users: usize,
    /// Marks of ended sessions.
    pub marks: usize,
}

impl Changes {
    /// Whether there are more changes behind these.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.position < self.head
    }
}

impl Repository {
    /// What changed after `position`, a few thousand rows at most.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn changes_since(&self, position: Seq) -> Result<Changes, RepositoryError> {
        self.changes(position, PAGE).await
    }

    /// About how much [`Repository::load`] will hand over: others may write meanwhile.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn extent(&self) -> Result<Extent, RepositoryError> {
        let (users, marks): (i64, i64) =
            sqlx::query_as("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM marks)")
                .fetch_one(self.store.readers())
                .await?;
        let count = |rows| usize::try_from(rows).unwrap_or_default();
        Ok(Extent {
            users: count(users),
            marks: count(marks),
        })
    }

    /// Hands over all there is, a few thousand rows at a time, and returns the position to continue from.
    ///
    /// Changes made meanwhile are included, and no long read holds up the tidying of the log.
    /// Until the last rows are handed over, what was built from them must not be used.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn load(&self, mut take: impl FnMut(Changes) + Send) -> Result<Seq, RepositoryError> {
        let mut position = Seq(0);
        loop {
            let changes = self.changes(position, PAGE).await?;
            position = changes.position;
            let has_more = changes.has_more();
            take(changes);
            if !has_more {
                return Ok(position);
            }
        }
    }

    pub(crate) async fn changes(&self, after: Seq, page: u32) -> Result<Changes, RepositoryError> {
        // One transaction, so that all kinds are of one state.
        let mut read = self.store.begin_read().await?;
        let head: i64 = sqlx::query_scalar("SELECT seq FROM counter WHERE id = 1")
            .fetch_one(&mut *read)
            .await?;
        let head = column::unsigned(head, "the counter of changes is negative").map(Seq)?;
        let mut window = Window {
            after,
            position: head,
            page,
        };
        let users = window.read(&mut read, USERS, user).await?;
        let marks = window.read(&mut read, MARKS, mark).await?;
        let groups = window.read(&mut read, GROUPS, group).await?;
        let settings = window.read(&mut read, SETTINGS, Setting::read).await?;
        let floor = local::floor(&mut read).await?;
        Ok(Changes {
            head,
            position: window.position,
            users: window.clip(users),
            groups: window.clip(groups),
            marks: window.clip(marks),
            settings: window.clip(settings),
            floor,
        })
    }
}

const USERS: &str = "SELECT u.seq, u.id, u.generation, u.enabled, u.deleted, \
    (SELECT string_agg(m.group_name, ',') FROM memberships m WHERE m.user_id = u.id) \
    FROM users u WHERE u.seq > $1 AND u.seq <= $2 ORDER BY u.seq LIMIT $3";
const MARKS: &str =
    "SELECT seq, id, ends FROM marks WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
const GROUPS: &str =
    "SELECT seq, name FROM groups WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
const SETTINGS: &str =
    "SELECT seq, name, value FROM settings WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";

/// The numbers that one page of changes covers: a kind that fills its page pulls the end down for all.
struct Window {
    after: Seq,
    position: Seq,
    page: u32,
}

impl Window {
    async fn read<T>(
        &mut self,
        connection: &mut Connection,
        sql: &'static str,
        parse: fn(&Row) -> Result<T, RepositoryError>,
    ) -> Result<Vec<(Seq, T)>, RepositoryError> {
        let mut rows = sqlx::query(sql)
            .bind(column::integer(self.after.0))
            .bind(column::integer(self.position.0))
            .bind(i64::from(self.page))
            .fetch(connection);
        let mut parsed = Vec::new();
        // Row by row, because a raw row is many times larger than what is read from it.
        while let Some(row) = poll_fn(|context| rows.as_mut().poll_next(context)).await {
            let row = row?;
            parsed.push((column::seq(&row, 0)?, parse(&row)?));
        }
        let is_full = parsed.len() >= self.page as usize;
        if let Some((last, _)) = parsed.last().filter(|_| is_full) {
            self.position = *last;
        }
        Ok(parsed)
    }

    fn clip<T>(&self, rows: Vec<(Seq, T)>) -> Vec<T> {
        rows.into_iter()
            .take_while(|(seq, _)| *seq <= self.position)
            .map(|(_, row)| row)
            .collect()
    }
}

fn user(row: &Row) -> Result<UserRecord, RepositoryError> {
    Ok(UserRecord {
        subject: column::subject(row, 1)?,
        generation: column::generation(row, 2)?,
        enabled: row.try_get(3)?,
        deleted: row.try_get(4)?,
        groups: column::groups(row, 5)?,
    })
}

fn mark(row: &Row) -> Result<Mark, RepositoryError> {
    Ok(Mark {
        id: MarkId(column::id(row, 1)?),
        until: column::time(row, 2)?,
    })
}

fn group(row: &Row) -> Result<GroupName, RepositoryError> {
    column::parsed(row.try_get(1)?, "the name of a group is none")
}

#[cfg(test)]
mod tests;
