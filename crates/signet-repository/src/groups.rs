//! Groups: created when somebody is put into them.

use signet_core::{GroupName, UnixSeconds};
use sqlx::Row as _;

use crate::write::Write;
use crate::{Repository, RepositoryError, column};

/// A group and how many users are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: GroupName,
    /// How many users are in it.
    pub members: u64,
    /// When somebody was first put into it.
    pub created: UnixSeconds,
}

impl Repository {
    /// All groups, by name; those whom everybody left included.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn groups(&self) -> Result<Vec<Group>, RepositoryError> {
        let rows = sqlx::query(
            "SELECT g.name, g.created, \
             (SELECT count(*) FROM memberships m WHERE m.group_name = g.name) \
             FROM groups g ORDER BY g.name",
        )
        .fetch_all(self.store.readers())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Group {
                    name: column::parsed(row.try_get(0)?, "the name of a group is none")?,
                    members: column::unsigned(row.try_get(2)?, "a count is negative")?,
                    created: column::time(row, 1)?,
                })
            })
            .collect()
    }
}

/// Creates the group unless it exists.
pub(crate) async fn ensure(
    write: &mut Write,
    name: &GroupName,
    now: UnixSeconds,
) -> Result<(), RepositoryError> {
    let known: Option<i64> = sqlx::query_scalar("SELECT seq FROM groups WHERE name = $1")
        .bind(name.as_str().to_owned())
        .fetch_optional(write.connection())
        .await?;
    if known.is_some() {
        return Ok(());
    }
    let seq = write.seq().await?;
    sqlx::query("INSERT INTO groups (seq, name, created) VALUES ($1, $2, $3)")
        .bind(column::integer(seq.0))
        .bind(name.as_str().to_owned())
        .bind(column::integer(now.0))
        .execute(write.connection())
        .await?;
    Ok(())
}
