//! Keeping the snapshots current with the repository: the one way by which a change there reaches the verdicts.

use std::sync::Arc;

use signet_repository::{Changes, Repository, RepositoryError, Seq};
use tokio::sync::Mutex;

use crate::snapshots::Snapshots;

/// Follows the repository's changes. Reading and applying them happens under one lock, so that an older state never
/// overwrites a newer one; no verdict takes that lock.
#[derive(Debug)]
pub struct Follower {
    repository: Repository,
    snapshots: Arc<Snapshots>,
    position: Mutex<Seq>,
}

impl Follower {
    /// Follows `repository` from `position` on; what came before is in `snapshots` already.
    #[must_use]
    pub fn new(repository: Repository, snapshots: Arc<Snapshots>, position: Seq) -> Self {
        Self {
            repository,
            snapshots,
            position: Mutex::new(position),
        }
    }

    /// Brings the snapshots up to the last change that is committed at this moment.
    ///
    /// # Errors
    /// If the repository cannot be read; the snapshots stay as they are.
    pub async fn catch_up(&self) -> Result<(), RepositoryError> {
        let mut position = self.position.lock().await;
        if self.repository.head().await? <= *position {
            return Ok(());
        }
        loop {
            let changes = self.repository.changes_since(*position).await?;
            apply(&self.snapshots, &changes);
            *position = changes.position;
            if !changes.has_more() {
                return Ok(());
            }
        }
    }
}

/// Swaps in the snapshots that follow from `changes`.
fn apply(snapshots: &Snapshots, changes: &Changes) {
    if !changes.users.is_empty() {
        let index = snapshots.index.load().with(&changes.users);
        snapshots.index.store(Arc::new(index));
    }
    let marks = snapshots.marks.load();
    if !changes.marks.is_empty() || changes.floor > marks.floor() {
        let next = marks.with(changes.marks.iter().copied());
        let next = if changes.floor > marks.floor() {
            next.purged(changes.floor)
        } else {
            next
        };
        snapshots.marks.store(Arc::new(next));
    }
}
