//! Makes a new repository of a given size, as `cargo xtask bench` needs it to measure memory and start.
//!
//! ```text
//! cargo run --release -p signet-repository --example fill -- repository.db USERS MARKS
//! ```
//!
//! The users are `user-0000000`, `user-0000001` and so on, with a name, a mail address, a password hash that no password
//! has, and some of twelve groups. The marks end sessions that nobody has, ten years from now.

use std::error::Error;
use std::path::{Path, PathBuf};

use signet_core::{GroupName, GroupSet, Subject, UnixSeconds};
use signet_repository::{
    Existing, IfMissing, NewUser, Password, PasswordHash, Repository, RepositoryOptions,
    RepositoryUrl, UserProfile,
};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

/// As long as the hashes that Signet makes.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const GROUPS: usize = 12;
const TEN_YEARS: u64 = 10 * 365 * 86_400;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, users, marks] = &arguments[..] else {
        return Err("usage: fill PATH USERS MARKS".into());
    };
    let path = PathBuf::from(path);
    if path.exists() {
        return Err(format!("{} exists already", path.display()).into());
    }
    let now = now()?;
    add_users(&path, users.parse()?, now).await?;
    add_marks(&path, marks.parse()?, now).await
}

async fn add_users(path: &Path, count: usize, now: UnixSeconds) -> Result<(), Box<dyn Error>> {
    let options = RepositoryOptions::new(RepositoryUrl::sqlite(path), IfMissing::Create);
    let repository = Repository::open(options).await?;
    let hash: PasswordHash = HASH.parse()?;
    let groups = (0..GROUPS)
        .map(|number| format!("group-{number:02}").parse::<GroupName>())
        .collect::<Result<Vec<_>, _>>()?;
    let users = (0..count)
        .map(|number| user(number, &hash, &groups))
        .collect::<Result<Vec<_>, _>>()?;
    repository
        .import_users(users, Existing::Refuse, now, |_| {})
        .await?;
    repository.close().await;
    Ok(())
}

fn user(
    number: usize,
    hash: &PasswordHash,
    groups: &[GroupName],
) -> Result<NewUser, Box<dyn Error>> {
    let id = format!("user-{number:07}");
    let mut user = NewUser::new(id.parse::<Subject>()?);
    user.profile = UserProfile {
        name: Some(format!("Given Family {number}")),
        mail: Some(format!("{id}@example.com")),
    };
    user.password = Some(Password::lasting(hash.clone()));
    // Three groups of twelve, one of two hundred and twenty sets at most, as in a company with a dozen departments.
    user.groups = [number, number / 7, number / 11]
        .iter()
        .filter_map(|pick| groups.get(pick % groups.len()).cloned())
        .collect::<GroupSet>();
    Ok(user)
}

/// One statement for all of them: one transaction for each, as a logout has it, would take hours.
async fn add_marks(path: &Path, count: i64, now: UnixSeconds) -> Result<(), Box<dyn Error>> {
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let end = i64::try_from(now.0 + TEN_YEARS)?;
    sqlx::query(
        "WITH RECURSIVE number(n) AS (SELECT 1 WHERE $1 > 0 UNION ALL SELECT n + 1 FROM number WHERE n < $1) \
         INSERT INTO marks (seq, id, ends, user_id, reason, created) \
         SELECT counter.seq + n, randomblob(16), $2, NULL, 'logout', $3 FROM number, counter",
    )
    .bind(count)
    .bind(end)
    .bind(i64::try_from(now.0)?)
    .execute(&mut *transaction)
    .await?;
    sqlx::query("UPDATE counter SET seq = seq + $1")
        .bind(count)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}

#[allow(
    clippy::disallowed_methods,
    reason = "a program of its own, and no part of the library"
)]
fn now() -> Result<UnixSeconds, Box<dyn Error>> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(UnixSeconds(since.as_secs()))
}
