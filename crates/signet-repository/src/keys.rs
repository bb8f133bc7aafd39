//! Keys in the repository: the legacy place. Opaque here; what the rows mean is the matter of the room of the keys.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use sqlx::Row as _;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::file::{self, FileIdentity};
use crate::sqlite::Store;
use crate::write::Write;
use crate::{RepositoryError, RepositoryOptions, column};

/// One key as the repository holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// The id of the key, unique in its ring.
    pub id: String,
    /// The key, in whatever form it was given.
    pub value: Zeroizing<Vec<u8>>,
}

impl core::fmt::Debug for KeyRow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeyRow")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The keys in a repository, for callers that wait: keys are read where nothing else runs, at the start for one.
///
/// The repository is opened by each call, over a connection of its own, and closed again: keys are read rarely. Whoever asks
/// for [`KeyRows::changes`] will ask again, so from then on it stays open, until another file has taken its place.
/// Calls may come from inside an asynchronous runtime, which they hold up, and from several threads, which take turns.
#[derive(Debug)]
pub struct KeyRows {
    options: RepositoryOptions,
    door: Mutex<Option<Door>>,
}

impl KeyRows {
    /// The keys in the repository that `options` name. Nothing is opened yet.
    #[must_use]
    pub fn new(options: RepositoryOptions) -> Self {
        Self {
            options,
            door: Mutex::new(None),
        }
    }

    /// The keys of a ring, by id.
    ///
    /// # Errors
    /// If the repository cannot be opened or read.
    pub fn rows(&self, ring: &str) -> Result<Vec<KeyRow>, RepositoryError> {
        self.run(async |store| {
            let mut write = store.writer().acquire().await?;
            sqlx::query("SELECT id, value FROM keys WHERE ring = $1 ORDER BY id")
                .bind(ring.to_owned())
                .fetch_all(&mut *write)
                .await?
                .iter()
                .map(|row| {
                    Ok(KeyRow {
                        id: row.try_get(0)?,
                        value: Zeroizing::new(row.try_get(1)?),
                    })
                })
                .collect()
        })
    }

    /// Stores a key, in the place of one with the same id. It is on the disk when this returns. The same again is no change.
    ///
    /// # Errors
    /// If the repository cannot be written; nothing has changed then.
    pub fn put(&self, ring: &str, id: &str, value: &[u8]) -> Result<(), RepositoryError> {
        self.run(async |store| {
            let mut write = Write::new(store.begin_write().await?);
            let changed = sqlx::query(
                "INSERT INTO keys (ring, id, value) VALUES ($1, $2, $3) \
                 ON CONFLICT (ring, id) DO UPDATE SET value = excluded.value \
                 WHERE keys.value <> excluded.value",
            )
            .bind(ring.to_owned())
            .bind(id.to_owned())
            .bind(value.to_vec())
            .execute(write.connection())
            .await?
            .rows_affected();
            commit_if_changed(write, changed).await
        })
    }

    /// Removes a key; one that is not there is no error. Its bytes stay in the files until [`KeyRows::purge`].
    ///
    /// # Errors
    /// If the repository cannot be written; nothing has changed then.
    pub fn remove(&self, ring: &str, id: &str) -> Result<(), RepositoryError> {
        self.run(async |store| {
            let mut write = Write::new(store.begin_write().await?);
            let changed = sqlx::query("DELETE FROM keys WHERE ring = $1 AND id = $2")
                .bind(ring.to_owned())
                .bind(id.to_owned())
                .execute(write.connection())
                .await?
                .rows_affected();
            commit_if_changed(write, changed).await
        })
    }

    /// How often keys were changed here: a cheap look at whether there is something new.
    ///
    /// # Errors
    /// If the repository cannot be opened or read.
    pub fn changes(&self) -> Result<u64, RepositoryError> {
        self.run_and(Then::StayOpen, async |store| {
            let count = sqlx::query_scalar("SELECT count FROM key_changes WHERE id = 1")
                .fetch_optional(store.writer())
                .await?
                .ok_or(RepositoryError::Damaged(
                    "the counter of key changes is gone",
                ))?;
            column::unsigned(count, "the counter of key changes is negative")
        })
    }

    /// Leaves no byte of keys that were removed here in the repository's files: the keys that stay are written anew, and the log of
    /// recent writes is emptied. Takes as long and as much memory as the keys need, however large the repository is.
    ///
    /// # Errors
    /// [`RepositoryError::LogInUse`] if others were reading all the while, and bytes may be left: to be called again.
    pub fn purge(&self) -> Result<(), RepositoryError> {
        self.purge_with(anew)
    }

    /// As [`KeyRows::purge`], whoever removed a key: other programs leave its bytes on pages that are free, or belong to other
    /// tables by now. So the whole file is written anew.
    ///
    /// An instance may have the repository open meanwhile; it is held up for about as long as copying the file takes.
    /// Needs as much memory as the file has bytes: on the disk, a second copy in a temporary file would be one more place where
    /// bytes of keys can be left.
    ///
    /// # Errors
    /// As there. Or there is no space for a second copy.
    pub fn purge_everything(&self) -> Result<(), RepositoryError> {
        self.purge_with(Store::vacuum)
    }

    fn purge_with(
        &self,
        write_anew: impl AsyncFnOnce(&Store) -> Result<(), RepositoryError> + Send,
    ) -> Result<(), RepositoryError> {
        let patience = self.options.patience;
        self.run(async |store| {
            write_anew(store).await?;
            let deadline = Instant::now() + patience;
            loop {
                match store.checkpoint().await {
                    Err(RepositoryError::Busy) if Instant::now() < deadline => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Err(RepositoryError::Busy) => return Err(RepositoryError::LogInUse),
                    other => return other,
                }
            }
        })
    }

    fn run<T: Send>(
        &self,
        work: impl AsyncFnOnce(&Store) -> Result<T, RepositoryError> + Send,
    ) -> Result<T, RepositoryError> {
        self.run_and(Then::Close, work)
    }

    /// Does one piece of work on a thread of its own, since the caller's may belong to a runtime already.
    fn run_and<T: Send>(
        &self,
        then: Then,
        work: impl AsyncFnOnce(&Store) -> Result<T, RepositoryError> + Send,
    ) -> Result<T, RepositoryError> {
        let mut guard = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *guard;
        apart(|| {
            let stays = kept.take().filter(|door| door.file.is_in_place());
            let then = if stays.is_some() {
                Then::StayOpen
            } else {
                then
            };
            let door = match stays {
                Some(door) => door,
                None => Door::open(&self.options)?,
            };
            let done = door.runtime.block_on(work(&door.store));
            match then {
                Then::StayOpen => *kept = Some(door),
                Then::Close => door.runtime.block_on(door.store.close()),
            }
            done
        })?
    }
}

/// What becomes of the open repository after a piece of work.
#[derive(Clone, Copy)]
enum Then {
    Close,
    StayOpen,
}

/// The open repository, and the runtime in which it is used.
#[derive(Debug)]
struct Door {
    store: Store,
    file: FileIdentity,
    runtime: Runtime,
}

impl Door {
    fn open(options: &RepositoryOptions) -> Result<Self, RepositoryError> {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(RepositoryError::Io)?;
        file::prepare(options.url.path(), options.if_missing)?;
        let store = runtime.block_on(Store::open(options))?;
        let file = FileIdentity::of(options.url.path())?;
        Ok(Self {
            store,
            file,
            runtime,
        })
    }
}

impl Drop for KeyRows {
    fn drop(&mut self) {
        let door = self.door.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(door) = door.take() {
            // Moved, because a runtime must not be dropped inside another one. Without a thread, the system closes the file.
            let _ = apart(move || door.runtime.block_on(door.store.close()));
        }
    }
}

/// Takes all keys out and puts those that are there in again.
///
/// No page of the keys ever holds anything else: what a table gives up is overwritten with zeros (`secure_delete`), and only then used
/// for others. So fragments of a key can only stand in the gaps between the keys that are left, and there are none on new pages.
async fn anew(store: &Store) -> Result<(), RepositoryError> {
    let mut write = Write::new(store.begin_write().await?);
    let rows = sqlx::query("SELECT ring, id, value FROM keys ORDER BY ring, id")
        .fetch_all(write.connection())
        .await?;
    // Without a condition, it is not row by row that they are removed, but page by page.
    sqlx::query("DELETE FROM keys")
        .execute(write.connection())
        .await?;
    for row in rows {
        let (ring, id): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let value = Zeroizing::new(row.try_get::<Vec<u8>, _>(2)?);
        sqlx::query("INSERT INTO keys (ring, id, value) VALUES ($1, $2, $3)")
            .bind(ring)
            .bind(id)
            .bind(value.as_slice())
            .execute(write.connection())
            .await?;
    }
    write.commit().await
}

async fn commit_if_changed(mut write: Write, changed: u64) -> Result<(), RepositoryError> {
    if changed == 0 {
        return Ok(());
    }
    let counted = sqlx::query("UPDATE key_changes SET count = count + 1 WHERE id = 1")
        .execute(write.connection())
        .await?
        .rows_affected();
    if counted == 0 {
        return Err(RepositoryError::Damaged(
            "the counter of key changes is gone",
        ));
    }
    write.commit().await
}

fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, RepositoryError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("key-rows".into())
            .spawn_scoped(scope, work)
            .map_err(RepositoryError::Io)?;
        thread.join().or_else(|panic| resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests;
