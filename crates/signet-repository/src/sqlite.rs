//! What is particular to SQLite: opening, how a transaction that writes begins, its error codes, its housekeeping.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Pool, Row as _, Transaction};
use tokio::time::Instant;

use crate::{RepositoryError, RepositoryOptions, file, migration};

pub(crate) type Database = sqlx::Sqlite;
pub(crate) type Connection = sqlx::SqliteConnection;
pub(crate) type Row = sqlx::sqlite::SqliteRow;

/// The steps of the schema, in order.
pub(crate) const MIGRATIONS: &[migration::Step] = &[
    migration::Step {
        name: "first",
        sql: include_str!("../migrations/sqlite/0001_first.sql"),
    },
    migration::Step {
        name: "keys and secrets",
        sql: include_str!("../migrations/sqlite/0002_keys_and_secrets.sql"),
    },
];

/// Whoever begins like this has the right to write from the start, or waits for it.
pub(crate) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// `Sgnt`: tells a repository from the databases of other programs.
const APPLICATION_ID: i64 = 0x5367_6e74;

/// Marks the file as ours; run with the first step of the schema.
pub(crate) const CLAIM: &str = "PRAGMA application_id = 1399287412";

/// Negative sizes are KiB. A server holds these for ever, so they are small.
const WRITER_CACHE: &str = "-512";
const READER_CACHE: &str = "-256";

/// How a transaction that touches rows all over the file begins, and how it ends: it needs more pages at hand.
pub(crate) const BEGIN_BULK: &str = "PRAGMA cache_size = -16384";
pub(crate) const END_BULK: &str = "PRAGMA cache_size = -512; PRAGMA shrink_memory";

/// The connections to one file: one that writes, a few that read.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    writer: Pool<Database>,
    readers: Pool<Database>,
}

impl Store {
    /// Opens the file, which must exist, and brings its schema up to date.
    pub(crate) async fn open(options: &RepositoryOptions) -> Result<Self, RepositoryError> {
        let path = options.url.path();
        let opened = Self::open_writable(options).await;
        opened.map_err(|error| refined(error, || file::try_to_write(path)))
    }

    async fn open_writable(options: &RepositoryOptions) -> Result<Self, RepositoryError> {
        let path = options.url.path();
        let deadline = Instant::now() + options.patience;
        let writer = loop {
            match open_writer(path, options.patience).await {
                // Switching a new file to the write-ahead log does not wait for others by itself.
                Err(RepositoryError::Busy) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                other => break other?,
            }
        };
        let reader = connection(path, options.patience)
            .pragma("query_only", "ON")
            .pragma("cache_size", READER_CACHE);
        let readers = pool(options.readers, options.patience).connect_lazy_with(reader);
        Ok(Self { writer, readers })
    }

    /// Begins a transaction that writes: it has the right to from the start, or waits for it.
    pub(crate) async fn begin_write(
        &self,
    ) -> Result<Transaction<'static, Database>, RepositoryError> {
        Ok(self.writer.begin_with(BEGIN_WRITE).await?)
    }

    /// Begins a transaction that sees one state throughout.
    pub(crate) async fn begin_read(
        &self,
    ) -> Result<Transaction<'static, Database>, RepositoryError> {
        Ok(self.readers.begin().await?)
    }

    /// For single statements that read.
    pub(crate) fn readers(&self) -> &Pool<Database> {
        &self.readers
    }

    /// The connection that writes, for single statements and for reading what must not need a second connection.
    pub(crate) fn writer(&self) -> &Pool<Database> {
        &self.writer
    }

    /// Moves the write-ahead log into the file and empties it.
    pub(crate) async fn checkpoint(&self) -> Result<(), RepositoryError> {
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&self.writer)
            .await?;
        match row.try_get::<i64, _>(0)? {
            0 => Ok(()),
            _ => Err(RepositoryError::Busy),
        }
    }

    /// Writes the whole file anew, so that nothing is left between the rows; by way of the log, which [`Store::checkpoint`] empties.
    pub(crate) async fn vacuum(&self) -> Result<(), RepositoryError> {
        sqlx::query("VACUUM").execute(&self.writer).await?;
        Ok(())
    }

    pub(crate) async fn rewrite(&self) -> Result<(), RepositoryError> {
        self.vacuum().await?;
        self.checkpoint().await
    }

    /// A connection of its own that writes, with the repository at `newer` under that name beside this one.
    pub(crate) async fn connect_with(&self, newer: &Path) -> Result<Connection, RepositoryError> {
        // Nothing is changed in it, so its schema is only looked at.
        let mut other = connection(newer, Duration::ZERO).connect().await?;
        migration::expect_known(&mut other, MIGRATIONS).await?;
        other.close().await?;
        if self.writer.is_closed() {
            return Err(RepositoryError::Closed);
        }
        let mut connection = self.writer.connect_options().connect().await?;
        sqlx::query("ATTACH DATABASE $1 AS newer")
            .bind(text(newer)?)
            .execute(&mut connection)
            .await?;
        Ok(connection)
    }

    /// Has the database compare the whole file with itself.
    pub(crate) async fn check(&self) -> Result<(), RepositoryError> {
        let verdict: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_all(&self.readers)
            .await?;
        let strays = sqlx::query("PRAGMA foreign_key_check")
            .fetch_optional(&self.readers)
            .await?;
        match (verdict.as_slice(), strays) {
            ([ok], None) if ok == "ok" => Ok(()),
            _ => Err(RepositoryError::Damaged("the database's own check failed")),
        }
    }

    /// Copies one state of the whole file into the empty one at `path`.
    pub(crate) async fn copy_into(&self, path: &Path) -> Result<(), RepositoryError> {
        if self.writer.is_closed() {
            return Err(RepositoryError::Closed);
        }
        // Those that read may not even write a copy, and the one that writes is needed meanwhile.
        let mut connection = self.writer.connect_options().connect().await?;
        sqlx::query("VACUUM INTO $1")
            .bind(text(path)?)
            .execute(&mut connection)
            .await?;
        Ok(connection.close().await?)
    }

    /// Closes all connections, the one that writes last: it tidies the log away.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Whether there is a table of this name.
pub(crate) async fn has_table(
    connection: &mut Connection,
    name: &'static str,
) -> Result<bool, RepositoryError> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1")
            .bind(name)
            .fetch_one(connection)
            .await?;
    Ok(tables > 0)
}

/// The database cannot tell a file system that is read-only from a file that is somebody else's; `write` opens the file
/// for writing.
fn refined(error: RepositoryError, write: impl FnOnce() -> io::Result<()>) -> RepositoryError {
    if !matches!(error, RepositoryError::PermissionDenied) {
        return error;
    }
    match write() {
        Err(why) if why.kind() == ErrorKind::ReadOnlyFilesystem => RepositoryError::ReadOnly,
        _ => error,
    }
}

/// What an error of the database means here.
pub(crate) fn classify(error: sqlx::Error) -> RepositoryError {
    let code = error
        .as_database_error()
        .and_then(|error| error.code())
        .and_then(|code| code.parse::<u32>().ok());
    // The low byte is the kind, the rest a refinement (https://www.sqlite.org/rescode.html).
    match code.map(|code| (code, code & 0xff)) {
        Some((_, 3)) => RepositoryError::PermissionDenied,
        Some((_, 5 | 6)) => RepositoryError::Busy,
        Some((_, 8)) => RepositoryError::ReadOnly,
        Some((_, 11)) => RepositoryError::Damaged("the database's own check failed"),
        // The index of the log could not grow, which has no word of its own for a full disk.
        Some((_, 13) | (IOERR_SHMSIZE, _)) => RepositoryError::DiskFull,
        Some((_, 14)) => RepositoryError::PermissionDenied,
        Some((_, 26)) => RepositoryError::NotARepository,
        _ => RepositoryError::Database(error),
    }
}

const IOERR_SHMSIZE: u32 = 10 | (19 << 8);

async fn open_writer(path: &Path, patience: Duration) -> Result<Pool<Database>, RepositoryError> {
    let options = connection(path, patience)
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("cache_size", WRITER_CACHE)
        // After a large import the log shrinks again.
        .pragma("journal_size_limit", "4194304");
    recognise(path, patience).await?;
    // On a full disk SQLite rolls back by itself; sqlx does not learn of it and believes the transaction open for ever.
    // The ping lets a rollback that is still queued run first; a connection that is still inside is thrown away.
    let pool = pool(1, patience).before_acquire(|connection, _| {
        Box::pin(async move {
            connection.ping().await?;
            Ok(!connection.is_in_transaction())
        })
    });
    let writer = pool.connect_with(options).await?;
    let mut connection = writer.acquire().await?;
    migration::run(&mut connection, MIGRATIONS).await?;
    drop(connection);
    Ok(writer)
}

/// A connection that changes nothing, to a file of ours.
pub(crate) async fn connect_to_read(
    path: &Path,
    patience: Duration,
) -> Result<Connection, RepositoryError> {
    let options = connection(path, patience).read_only(true);
    let opened = async {
        let mut connection = options.pragma("query_only", "ON").connect().await?;
        refuse_foreign(&mut connection).await?;
        Ok(connection)
    };
    opened
        .await
        .map_err(|error| refined(error, || file::try_to_write(path)))
}

/// Looks at the file before anything is changed in it: a new one, or one of ours.
async fn recognise(path: &Path, patience: Duration) -> Result<(), RepositoryError> {
    let mut connection = connection(path, patience).connect().await?;
    let verdict = refuse_foreign(&mut connection).await;
    connection.close().await?;
    verdict
}

async fn refuse_foreign(connection: &mut Connection) -> Result<(), RepositoryError> {
    let id: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master")
        .fetch_one(connection)
        .await?;
    match (id, tables) {
        (APPLICATION_ID, _) | (0, 0) => Ok(()),
        _ => Err(RepositoryError::NotARepository),
    }
}

fn connection(path: &Path, patience: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        // In front of a relative path, so that the database takes no `file:` or `:memory:` for more than a name.
        .filename(Path::new(".").join(path))
        .busy_timeout(patience)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("secure_delete", "ON")
        .pragma("trusted_schema", "OFF")
        // No copy of anything in the system's directory for temporary files.
        .pragma("temp_store", "MEMORY")
        .statement_cache_capacity(32)
        .disable_statement_logging()
}

/// A path for a statement; like that of a connection, it is never taken for anything but a path.
fn text(path: &Path) -> Result<String, RepositoryError> {
    let path = Path::new(".").join(path).into_os_string();
    path.into_string()
        .map_err(|_| RepositoryError::Io(ErrorKind::InvalidFilename.into()))
}

fn pool(connections: u32, patience: Duration) -> PoolOptions<Database> {
    PoolOptions::new()
        .max_connections(connections)
        // The one who waits for the writer waits for a writer who waits for another process.
        .acquire_timeout(patience.saturating_mul(3).max(Duration::from_secs(1)))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

#[cfg(test)]
mod tests;
