//! Many users at once.

use std::collections::{HashMap, HashSet};

use signet_core::{GroupName, Subject, UnixSeconds};
use sqlx::{QueryBuilder, Row as _};

use crate::account::{self, Account};
use crate::sqlite::{self, Database};
use crate::users::refuse_password_from_outside;
use crate::write::Write;
use crate::{NewUser, Repository, RepositoryError, UserError, column, groups};

/// So many users are looked up and written with one statement.
const CHUNK: usize = 200;

/// What an import does with a user who exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It fails, and imports nobody.
    Refuse,
    /// It leaves the user as they are.
    Keep,
    /// It gives the user the imported profile, groups and state, and the imported password if there is one.
    ///
    /// Another password, or disabling, ends the user's sessions as it does otherwise; who has not changed stays untouched.
    Replace,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Users who are new, or were removed before.
    pub added: u64,
    /// Users who existed and were changed.
    pub changed: u64,
    /// Users who existed and were left as they are.
    pub kept: u64,
}

impl Repository {
    /// Imports users in one transaction: all of them or none.
    ///
    /// `progress` is told now and then how many are done. A user who is named twice exists the second time.
    ///
    /// # Errors
    /// The first user that cannot be imported, by id: [`UserError::Exists`] if that is what `existing` says,
    /// [`UserError::LookAlike`]; or the repository failed. Nobody was imported then.
    pub async fn import_users<I>(
        &self,
        users: I,
        existing: Existing,
        now: UnixSeconds,
        progress: impl FnMut(u64) + Send,
    ) -> Result<Imported, UserError>
    where
        I: IntoIterator<Item = NewUser>,
        I::IntoIter: Send,
    {
        let mut write = self.write().await?;
        sqlx::raw_sql(sqlite::BEGIN_BULK)
            .execute(write.connection())
            .await?;
        let mut import = Import {
            write,
            existing,
            now,
            groups: HashSet::new(),
            chunk: HashMap::with_capacity(CHUNK),
            order: Vec::with_capacity(CHUNK),
            done: Imported::default(),
        };
        let result = import.run(users, progress).await;
        let Import {
            mut write, done, ..
        } = import;
        sqlx::raw_sql(sqlite::END_BULK)
            .execute(write.connection())
            .await?;
        result?;
        write.commit().await?;
        Ok(done)
    }
}

impl Imported {
    /// How many users were looked at.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.added + self.changed + self.kept
    }
}

struct Import {
    write: Write,
    existing: Existing,
    now: UnixSeconds,
    /// Those that are known to exist.
    groups: HashSet<GroupName>,
    /// By skeleton, of which there is one each.
    chunk: HashMap<String, NewUser>,
    /// The skeletons in the order in which the users came.
    order: Vec<String>,
    done: Imported,
}

impl Import {
    async fn run<I>(
        &mut self,
        users: I,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), UserError>
    where
        I: IntoIterator<Item = NewUser>,
        I::IntoIter: Send,
    {
        for user in users {
            refuse_password_from_outside(&user.subject, user.password.as_ref())?;
            let skeleton = user.subject.skeleton();
            // The second of two alike must find the first one written.
            if self.chunk.len() >= CHUNK || self.chunk.contains_key(&skeleton) {
                self.flush().await?;
                progress(self.done.total());
            }
            self.order.push(skeleton.clone());
            self.chunk.insert(skeleton, user);
        }
        self.flush().await?;
        progress(self.done.total());
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), UserError> {
        let present = self.present().await?;
        let mut chunk = core::mem::take(&mut self.chunk);
        let mut added = Vec::with_capacity(chunk.len());
        for skeleton in core::mem::take(&mut self.order) {
            let Some(user) = chunk.remove(&skeleton) else {
                continue;
            };
            match present.get(&skeleton) {
                None => {
                    added.push((Account::created(&user, None, self.now)?, skeleton));
                    self.done.added += 1;
                }
                Some(other) if *other != user.subject => {
                    return Err(UserError::LookAlike {
                        wanted: user.subject,
                        existing: other.clone(),
                    });
                }
                Some(_) => self.merge(user).await?,
            }
        }
        self.insert(&added).await?;
        Ok(())
    }

    /// Who of the chunk's users, or who that looks like one of them, is there.
    async fn present(&mut self) -> Result<HashMap<String, Subject>, RepositoryError> {
        if self.chunk.is_empty() {
            return Ok(HashMap::new());
        }
        let mut query =
            QueryBuilder::<Database>::new("SELECT skeleton, id FROM users WHERE skeleton IN (");
        let mut list = query.separated(", ");
        for skeleton in self.chunk.keys() {
            list.push_bind(skeleton.clone());
        }
        list.push_unseparated(")");
        let rows = query
            .build()
            .persistent(false)
            .fetch_all(self.write.connection())
            .await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, column::subject(row, 1)?)))
            .collect()
    }

    /// Imports a user of whom there is a record or a tombstone.
    async fn merge(&mut self, user: NewUser) -> Result<(), UserError> {
        let before = account::find(self.write.connection(), &user.subject)
            .await?
            .ok_or(RepositoryError::Damaged("a user was there and is not"))?;
        let after = match self.existing {
            _ if before.record.deleted => {
                self.done.added += 1;
                Account::created(&user, Some(&before), self.now)?
            }
            Existing::Refuse => return Err(UserError::Exists(user.subject)),
            Existing::Keep => {
                self.done.kept += 1;
                return Ok(());
            }
            Existing::Replace => {
                let mut after = before.clone();
                replace(&mut after, user)?;
                if after == before {
                    self.done.kept += 1;
                    return Ok(());
                }
                after.changed = self.now;
                self.done.changed += 1;
                after
            }
        };
        account::store(&mut self.write, Some(&before), after).await?;
        Ok(())
    }

    /// Inserts users who were never there.
    async fn insert(&mut self, added: &[(Account, String)]) -> Result<(), RepositoryError> {
        if added.is_empty() {
            return Ok(());
        }
        for (account, _) in added {
            for name in account.record.groups.iter() {
                if self.groups.insert(name.clone()) {
                    groups::ensure(&mut self.write, name, self.now).await?;
                }
            }
        }
        let first = self.write.reserve(added.len() as u64).await?;
        let mut query = QueryBuilder::<Database>::new(
            "INSERT INTO users (seq, id, skeleton, name, mail, password_hash, one_time, \
             generation, enabled, deleted, created, changed) ",
        );
        query.push_values(
            (first.0..).zip(added),
            |mut row, (seq, (account, skeleton))| {
                let record = &account.record;
                row.push_bind(column::integer(seq))
                    .push_bind(record.subject.as_str().to_owned())
                    .push_bind(skeleton.clone())
                    .push_bind(account.profile.name.clone())
                    .push_bind(account.profile.mail.clone())
                    .push_bind(account.hash())
                    .push_bind(account.must_change())
                    .push_bind(i64::from(record.generation.0))
                    .push_bind(record.enabled)
                    .push_bind(record.deleted)
                    .push_bind(column::integer(account.created.0))
                    .push_bind(column::integer(account.changed.0));
            },
        );
        query
            .build()
            .persistent(false)
            .execute(self.write.connection())
            .await?;
        self.insert_memberships(added).await
    }

    async fn insert_memberships(
        &mut self,
        added: &[(Account, String)],
    ) -> Result<(), RepositoryError> {
        let memberships: Vec<_> = added
            .iter()
            .flat_map(|(account, _)| {
                let record = &account.record;
                record
                    .groups
                    .iter()
                    .map(|name| (record.subject.as_str(), name.as_str()))
            })
            .collect();
        for part in memberships.chunks(CHUNK * 4) {
            let mut query =
                QueryBuilder::<Database>::new("INSERT INTO memberships (user_id, group_name) ");
            query.push_values(part, |mut row, (user, group)| {
                row.push_bind((*user).to_owned())
                    .push_bind((*group).to_owned());
            });
            query
                .build()
                .persistent(false)
                .execute(self.write.connection())
                .await?;
        }
        Ok(())
    }
}

/// Gives `account` what was imported, and ends its sessions where that is due.
fn replace(account: &mut Account, user: NewUser) -> Result<(), UserError> {
    let shut_out = account.record.enabled && !user.enabled;
    account.record.enabled = user.enabled;
    account.record.groups = user.groups;
    account.profile = user.profile;
    let other_password = user.password.is_some() && user.password != account.password;
    if other_password {
        account.password = user.password;
    }
    if shut_out || other_password {
        account.raise()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
