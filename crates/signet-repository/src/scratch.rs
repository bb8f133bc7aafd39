//! A repository for one test, and short ways to say who is in it.

use std::path::PathBuf;
use std::time::Duration;

use signet_core::{GroupSet, Mark, MarkId, Subject, UnixSeconds, UserRecord};
use tempfile::TempDir;

use crate::{
    IfMissing, KeyRows, NewUser, Password, PasswordHash, Repository, RepositoryError,
    RepositoryOptions, RepositoryUrl,
};

pub(crate) const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

pub(crate) struct Scratch {
    directory: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("repository.db")
    }

    pub(crate) async fn try_open(
        &self,
        if_missing: IfMissing,
    ) -> Result<Repository, RepositoryError> {
        Repository::open(self.options(if_missing)).await
    }

    pub(crate) fn options(&self, if_missing: IfMissing) -> RepositoryOptions {
        let url = RepositoryUrl::sqlite(self.path());
        RepositoryOptions::new(url, if_missing).patience(Duration::from_secs(30))
    }

    pub(crate) fn key_rows(&self) -> KeyRows {
        KeyRows::new(self.options(IfMissing::Create))
    }

    pub(crate) async fn open(&self) -> Repository {
        self.try_open(IfMissing::Create).await.unwrap()
    }

    /// A connection past the repository, to break things.
    pub(crate) async fn raw(&self) -> sqlx::SqliteConnection {
        use sqlx::ConnectOptions as _;
        sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.path())
            .create_if_missing(true)
            .connect()
            .await
            .unwrap()
    }

    /// All bytes that lie in the directory.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read_dir(self.directory.path())
            .unwrap()
            .flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
            .collect()
    }
}

pub(crate) fn id(text: &str) -> Subject {
    text.parse().unwrap()
}

pub(crate) fn user(text: &str) -> NewUser {
    NewUser::new(id(text))
}

pub(crate) fn groups(names: &[&str]) -> GroupSet {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

pub(crate) fn hash(text: &str) -> PasswordHash {
    text.parse().unwrap()
}

pub(crate) fn password(text: &str) -> Option<Password> {
    Some(Password::lasting(hash(text)))
}

pub(crate) fn mark(n: u16, until: u64) -> Mark {
    let mut bytes = [7; 16];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    Mark {
        id: MarkId(bytes),
        until: UnixSeconds(until),
    }
}

pub(crate) fn ids(records: &[UserRecord]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record.subject.as_str())
        .collect()
}
