//! Which moments a repository goes on from: tells what continues a backup from what only looks like it.

use data_encoding::HEXLOWER;

use crate::sqlite::{Connection, Store};
use crate::write::Write;
use crate::{Repository, RepositoryError, local};

/// The name of the list of moments: ids with spaces between them, the newest last.
const LINEAGE: &str = "lineage";

/// So many moments are remembered. What goes on from an older one counts as unknown, which ends sessions and revives none.
const MOMENTS: usize = 512;

impl Repository {
    /// Notes a moment that what follows goes on from. To be called before a copy is made that may be put back one day:
    /// whatever has the newest moment of that copy knows what ended until then.
    ///
    /// # Errors
    /// If the repository cannot be written; nothing has changed then.
    pub async fn note_moment(&self) -> Result<(), RepositoryError> {
        let mut write = self.write().await?;
        let mut moments = here(write.connection()).await?;
        moments.push(new_moment()?);
        let surplus = moments.len().saturating_sub(MOMENTS);
        let moments = moments.get(surplus..).unwrap_or_default();
        local::set(write.connection(), LINEAGE, &moments.join(" ")).await?;
        write.commit().await
    }

    /// Forgets what this one goes on from: it counts as another one from now on.
    ///
    /// # Errors
    /// If the repository cannot be written; nothing has changed then.
    pub async fn begin_lineage(&self) -> Result<(), RepositoryError> {
        let mut write = self.write().await?;
        local::set(write.connection(), LINEAGE, &new_moment()?).await?;
        write.commit().await
    }
}

/// Gives a repository that has no moment its first one.
pub(crate) async fn begin_if_missing(store: &Store) -> Result<(), RepositoryError> {
    let text = local::find(store.writer(), LINEAGE).await?;
    if !parse(text.as_deref()).is_empty() {
        return Ok(());
    }
    match begin(store).await {
        // It is opened all the same, and the next one who opens it tries again; until then it counts as unknown.
        Err(RepositoryError::Busy | RepositoryError::DiskFull | RepositoryError::ReadOnly) => {
            Ok(())
        }
        begun => begun,
    }
}

async fn begin(store: &Store) -> Result<(), RepositoryError> {
    let mut write = Write::new(store.begin_write().await?);
    // Another process may have been here since the first look.
    if here(write.connection()).await?.is_empty() {
        local::set(write.connection(), LINEAGE, &new_moment()?).await?;
    }
    write.commit().await
}

/// Whether the repository attached as `newer` goes on from this one, with all that ended here. If it does, its moments
/// are those of both from now on.
pub(crate) async fn take_over(connection: &mut Connection) -> Result<bool, RepositoryError> {
    let newer: Option<String> =
        sqlx::query_scalar("SELECT value FROM newer.local_values WHERE name = $1")
            .bind(LINEAGE)
            .fetch_optional(&mut *connection)
            .await?;
    let moments = parse(newer.as_deref());
    // One that was set back counts on from a lower number, and may have a moment that was noted by hand.
    let is_ahead: Option<bool> = sqlx::query_scalar(
        "SELECT n.seq >= o.seq FROM newer.counter n JOIN main.counter o USING (id)",
    )
    .fetch_optional(&mut *connection)
    .await?;
    let newest = here(connection).await?.pop();
    let continues =
        is_ahead == Some(true) && newest.is_some_and(|newest| moments.contains(&newest));
    if continues {
        local::set(connection, LINEAGE, &moments.join(" ")).await?;
    }
    Ok(continues)
}

async fn here(connection: &mut Connection) -> Result<Vec<String>, RepositoryError> {
    let text = local::find(connection, LINEAGE).await?;
    Ok(parse(text.as_deref()))
}

fn parse(text: Option<&str>) -> Vec<String> {
    let moments = text.unwrap_or_default().split_ascii_whitespace();
    moments.map(ToOwned::to_owned).collect()
}

fn new_moment() -> Result<String, RepositoryError> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    Ok(HEXLOWER.encode(&bits))
}

#[cfg(test)]
mod tests;
