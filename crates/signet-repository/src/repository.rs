//! The door: one repository, opened.

use signet_core::UnixSeconds;

use crate::file::{self, FileIdentity};
use crate::sqlite::Store;
use crate::write::Write;
use crate::{RepositoryError, RepositoryOptions, Seq, column, lineage, local};

/// What an instance remembers. Cheap to clone: clones share the connections.
///
/// Several processes may have the same file open; whoever writes waits for the others.
/// Dropping a future before it is done undoes what it did.
#[derive(Clone, Debug)]
pub struct Repository {
    pub(crate) store: Store,
    file: FileIdentity,
}

impl Repository {
    /// Opens the repository, creates it if that was asked for, and brings an older schema up to date.
    ///
    /// # Errors
    /// See [`RepositoryError`]: among others [`Missing`](RepositoryError::Missing),
    /// [`TooOpen`](RepositoryError::TooOpen), [`NotARepository`](RepositoryError::NotARepository) and
    /// [`NewerVersion`](RepositoryError::NewerVersion). Nothing was changed then.
    pub async fn open(options: RepositoryOptions) -> Result<Self, RepositoryError> {
        file::prepare(options.url.path(), options.if_missing)?;
        let store = Store::open(&options).await?;
        lineage::begin_if_missing(&store).await?;
        let file = FileIdentity::of(options.url.path())?;
        Ok(Self { store, file })
    }

    /// Whether the file that was opened is still the one at its path. If not, commands write into another one, or none.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.file.is_in_place()
    }

    /// The number of the last change: a cheap look at whether there is anything to do.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn head(&self) -> Result<Seq, RepositoryError> {
        let head = sqlx::query_scalar("SELECT seq FROM counter WHERE id = 1")
            .fetch_optional(self.store.readers())
            .await?
            .ok_or(RepositoryError::Damaged("the counter of changes is gone"))?;
        column::unsigned(head, "the counter of changes is negative").map(Seq)
    }

    /// Every session that ended by this time is refused (see [`Repository::purge_marks`]).
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn floor(&self) -> Result<UnixSeconds, RepositoryError> {
        let mut read = self.store.begin_read().await?;
        local::floor(&mut read).await
    }

    /// Moves the log of recent writes into the file and empties it, so that no value that was replaced or removed is whole in either.
    ///
    /// Cheap: to be called when a change of passwords, users or tokens has settled; closing does it too.
    /// Fragments of a value can be left in the gaps between rows until [`Repository::rewrite`].
    ///
    /// # Errors
    /// [`RepositoryError::Busy`] if another process was reading all the while: call it again later.
    pub async fn checkpoint(&self) -> Result<(), RepositoryError> {
        self.store.checkpoint().await
    }

    /// Writes the whole file anew and empties the log: no fragment of what was removed is left anywhere in it.
    ///
    /// Takes about as long as copying the file, and holds up writers meanwhile.
    ///
    /// # Errors
    /// If there is no space for a second copy, or another process keeps the repository busy.
    pub async fn rewrite(&self) -> Result<(), RepositoryError> {
        self.store.rewrite().await
    }

    /// Closes the connections when those who use them are done; all further calls fail.
    pub async fn close(&self) {
        self.store.close().await;
    }

    pub(crate) async fn write(&self) -> Result<Write, RepositoryError> {
        self.store.begin_write().await.map(Write::new)
    }
}

#[cfg(test)]
mod tests;
