//! A user as the repository knows them, and how such a row is read and written.

use signet_core::{Generation, GroupName, GroupSet, Subject, UnixSeconds, UserRecord};
use sqlx::Row as _;

use crate::sqlite::{Connection, Row};
use crate::write::Write;
use crate::{Password, PasswordKind, RepositoryError, Seq, UserError, column, groups, tokens};

/// What people call a user, and how to reach them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserProfile {
    /// The name to show.
    pub name: Option<String>,
    /// The mail address.
    pub mail: Option<String>,
}

/// A user to be created.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The id; it never changes.
    pub subject: Subject,
    /// Name and mail address.
    pub profile: UserProfile,
    /// The password; a user without one cannot log in with a password.
    pub password: Option<Password>,
    /// The groups; those that do not exist yet are created.
    pub groups: GroupSet,
    /// Whether the user may log in.
    pub enabled: bool,
}

impl NewUser {
    /// An enabled user with nothing but an id.
    #[must_use]
    pub fn new(subject: Subject) -> Self {
        Self {
            subject,
            profile: UserProfile::default(),
            password: None,
            groups: GroupSet::default(),
            enabled: true,
        }
    }
}

/// All that is known of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What verdicts need: id, generation, flags, groups.
    pub record: UserRecord,
    /// Name and mail address.
    pub profile: UserProfile,
    /// The password, if there is one.
    pub password: Option<Password>,
    /// When the user was created, or created again.
    pub created: UnixSeconds,
    /// When the user was last changed.
    pub changed: UnixSeconds,
    /// The number of the last change.
    pub seq: Seq,
}

impl Account {
    /// The account that `user` becomes, with the generation after that of a tombstone if there is one.
    pub(crate) fn created(
        user: &NewUser,
        tombstone: Option<&Self>,
        now: UnixSeconds,
    ) -> Result<Self, UserError> {
        let mut account = Self {
            record: UserRecord {
                subject: user.subject.clone(),
                generation: Generation(1),
                enabled: user.enabled,
                deleted: false,
                groups: user.groups.clone(),
            },
            profile: user.profile.clone(),
            password: user.password.clone(),
            created: now,
            changed: now,
            seq: Seq(0),
        };
        if let Some(tombstone) = tombstone {
            account.record.generation = tombstone.record.generation;
            account.raise()?;
        }
        Ok(account)
    }

    /// Ends all sessions of the user by the next generation.
    pub(crate) fn raise(&mut self) -> Result<(), UserError> {
        let next = self.record.generation.next();
        if next == self.record.generation {
            return Err(UserError::GenerationExhausted(self.record.subject.clone()));
        }
        self.record.generation = next;
        Ok(())
    }

    /// Leaves only what a tombstone keeps: id and generation.
    pub(crate) fn bury(&mut self) {
        self.record.deleted = true;
        self.record.enabled = false;
        self.record.groups = GroupSet::default();
        self.profile = UserProfile::default();
        self.password = None;
    }

    /// Reads a row of [`account_sql!`].
    pub(crate) fn read(row: &Row) -> Result<Self, RepositoryError> {
        let kind = match row.try_get(5)? {
            false => PasswordKind::Lasting,
            true => PasswordKind::OneTime,
        };
        let password = match row.try_get::<Option<&str>, _>(4)? {
            None => None,
            Some(hash) => Some(Password {
                hash: column::parsed(hash, "a password hash is none")?,
                kind,
            }),
        };
        Ok(Self {
            record: UserRecord {
                subject: column::subject(row, 1)?,
                generation: column::generation(row, 6)?,
                enabled: row.try_get(7)?,
                deleted: row.try_get(8)?,
                groups: column::groups(row, 11)?,
            },
            profile: UserProfile {
                name: row.try_get(2)?,
                mail: row.try_get(3)?,
            },
            password,
            created: column::time(row, 9)?,
            changed: column::time(row, 10)?,
            seq: column::seq(row, 0)?,
        })
    }
}

/// A query for accounts, ended by what is given.
macro_rules! account_sql {
    ($rest:literal) => {
        concat!(
            "SELECT u.seq, u.id, u.name, u.mail, u.password_hash, u.one_time, u.generation, \
             u.enabled, u.deleted, u.created, u.changed, \
             (SELECT string_agg(m.group_name, ',') FROM memberships m WHERE m.user_id = u.id) \
             FROM users u ",
            $rest
        )
    };
}
pub(crate) use account_sql;

/// The account with this id, tombstones included.
pub(crate) async fn find(
    connection: &mut Connection,
    subject: &Subject,
) -> Result<Option<Account>, RepositoryError> {
    sqlx::query(account_sql!("WHERE u.id = $1"))
        .bind(subject.as_str().to_owned())
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(Account::read)
        .transpose()
}

/// The account with this id, or else one whose id looks like it, tombstones included.
///
/// The id is asked for by itself: what looks alike can change with a new edition of Unicode.
pub(crate) async fn find_alike(
    connection: &mut Connection,
    subject: &Subject,
) -> Result<Option<Account>, RepositoryError> {
    if let Some(same) = find(connection, subject).await? {
        return Ok(Some(same));
    }
    sqlx::query(account_sql!("WHERE u.skeleton = $1"))
        .bind(subject.skeleton())
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(Account::read)
        .transpose()
}

/// Writes `after` in the place of `before`, gives it its number, and ends repository tokens of older generations.
pub(crate) async fn store(
    write: &mut Write,
    before: Option<&Account>,
    mut after: Account,
) -> Result<Account, RepositoryError> {
    let nobody = GroupSet::default();
    let had = before.map_or(&nobody, |account| &account.record.groups);
    for name in joined(&after, had) {
        groups::ensure(write, name, after.changed).await?;
    }
    // After its groups, so that whoever follows the changes knows these first.
    after.seq = write.seq().await?;
    let record = &after.record;
    let id = record.subject.as_str().to_owned();
    sqlx::query(
        "INSERT INTO users (seq, id, skeleton, name, mail, password_hash, one_time, \
         generation, enabled, deleted, created, changed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, name = excluded.name, \
         mail = excluded.mail, password_hash = excluded.password_hash, \
         one_time = excluded.one_time, generation = excluded.generation, \
         enabled = excluded.enabled, deleted = excluded.deleted, \
         created = excluded.created, changed = excluded.changed",
    )
    .bind(column::integer(after.seq.0))
    .bind(id.clone())
    .bind(record.subject.skeleton())
    .bind(after.profile.name.clone())
    .bind(after.profile.mail.clone())
    .bind(after.hash())
    .bind(after.must_change())
    .bind(i64::from(record.generation.0))
    .bind(record.enabled)
    .bind(record.deleted)
    .bind(column::integer(after.created.0))
    .bind(column::integer(after.changed.0))
    .execute(write.connection())
    .await?;

    for name in had
        .iter()
        .filter(|name| !record.groups.contains(name.as_str()))
    {
        leave(write.connection(), &id, name).await?;
    }
    for name in joined(&after, had) {
        join(write.connection(), &id, name).await?;
    }
    if before.is_some_and(|account| account.record.generation < record.generation) {
        tokens::remove_older(write.connection(), &record.subject, record.generation).await?;
    }
    Ok(after)
}

impl Account {
    /// Whether the password must be changed at the next login.
    #[must_use]
    pub fn must_change(&self) -> bool {
        self.password
            .as_ref()
            .is_some_and(|password| password.kind == PasswordKind::OneTime)
    }

    pub(crate) fn hash(&self) -> Option<String> {
        self.password
            .as_ref()
            .map(|password| password.hash.as_str().to_owned())
    }
}

/// The groups of an account that are not among those it had.
fn joined<'a>(account: &'a Account, had: &'a GroupSet) -> impl Iterator<Item = &'a GroupName> {
    let groups = account.record.groups.iter();
    groups.filter(|name| !had.contains(name.as_str()))
}

async fn leave(
    connection: &mut Connection,
    id: &str,
    name: &GroupName,
) -> Result<(), RepositoryError> {
    sqlx::query("DELETE FROM memberships WHERE user_id = $1 AND group_name = $2")
        .bind(id.to_owned())
        .bind(name.as_str().to_owned())
        .execute(connection)
        .await?;
    Ok(())
}

async fn join(
    connection: &mut Connection,
    id: &str,
    name: &GroupName,
) -> Result<(), RepositoryError> {
    sqlx::query("INSERT INTO memberships (user_id, group_name) VALUES ($1, $2)")
        .bind(id.to_owned())
        .bind(name.as_str().to_owned())
        .execute(connection)
        .await?;
    Ok(())
}
