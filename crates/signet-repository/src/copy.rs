//! A copy of the whole repository, of one moment, while others read and write.

use std::fs::{self, File};
use std::path::Path;

use crate::file;
use crate::{Repository, RepositoryError};

impl Repository {
    /// Copies the whole repository as it is at one moment into a new file at `path`, mode 0600, flushed to the disk.
    ///
    /// Nobody who writes waits for it, and memory does not grow with the size.
    /// What was removed is not in the copy, nor is any fragment of it.
    ///
    /// # Errors
    /// [`RepositoryError::CopyExists`] if there is something at `path`; or the repository cannot be read,
    /// or the copy not be written. No file is left then.
    pub async fn copy_to(&self, path: &Path) -> Result<(), RepositoryError> {
        file::create_for_copy(path)?;
        let copied = self.copy_into(path).await;
        if copied.is_err() {
            // Whoever looks for the copy would find half of one.
            let _ = fs::remove_file(path);
        }
        copied
    }

    async fn copy_into(&self, path: &Path) -> Result<(), RepositoryError> {
        self.store.copy_into(path).await?;
        // The database does not flush a copy.
        File::open(path)
            .and_then(|copy| copy.sync_all())
            .map_err(file::classify)?;
        file::sync_directory_of(path)
    }
}

#[cfg(test)]
mod tests;
