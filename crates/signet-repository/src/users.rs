//! Users: creating, changing, removing, finding them.

use signet_core::{Generation, GroupName, GroupSet, Subject, UnixSeconds};

use crate::account::{self, account_sql};
use crate::{
    Account, NewUser, Password, PasswordHash, Repository, RepositoryError, UserError, UserProfile,
    column,
};

/// Whether removed users are listed, of whom only id and generation are left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tombstones {
    /// They are left out.
    #[default]
    Hide,
    /// They are listed.
    Show,
}

/// A part of the list of users, which is in the order of their ids.
#[derive(Clone, Debug)]
pub struct UserPage {
    /// Only ids that begin like this.
    pub prefix: String,
    /// Only ids behind this one: the last of the page before.
    pub after: Option<Subject>,
    /// At most so many.
    pub limit: u32,
    /// Whether removed users are listed.
    pub tombstones: Tombstones,
}

impl Default for UserPage {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            after: None,
            limit: 100,
            tombstones: Tombstones::Hide,
        }
    }
}

/// Who has a password here could log in under a name that an identity provider gives out.
pub(crate) fn refuse_password_from_outside(
    subject: &Subject,
    password: Option<&Password>,
) -> Result<(), UserError> {
    match (subject.provider(), password) {
        (Some(_), Some(_)) => Err(UserError::FromOutside(subject.clone())),
        _ => Ok(()),
    }
}

impl Repository {
    /// Creates a user. One who was removed before continues with the next generation.
    ///
    /// # Errors
    /// [`UserError::Exists`], or [`UserError::LookAlike`] if people would take the id for another, a removed one's included.
    pub async fn add_user(&self, user: &NewUser, now: UnixSeconds) -> Result<Account, UserError> {
        refuse_password_from_outside(&user.subject, user.password.as_ref())?;
        let mut write = self.write().await?;
        let present = account::find_alike(write.connection(), &user.subject).await?;
        match &present {
            Some(other) if other.record.subject != user.subject => {
                return Err(UserError::LookAlike {
                    wanted: user.subject.clone(),
                    existing: other.record.subject.clone(),
                });
            }
            Some(same) if !same.record.deleted => {
                return Err(UserError::Exists(user.subject.clone()));
            }
            _ => {}
        }
        let account = Account::created(user, present.as_ref(), now)?;
        let account = account::store(&mut write, present.as_ref(), account).await?;
        write.commit().await?;
        Ok(account)
    }

    /// Changes name and mail address.
    ///
    /// # Errors
    /// [`UserError::Unknown`], or the repository failed.
    pub async fn update_profile(
        &self,
        subject: &Subject,
        profile: UserProfile,
        now: UnixSeconds,
    ) -> Result<Account, UserError> {
        self.change(subject, now, |account| {
            account.profile = profile;
            Ok(())
        })
        .await
    }

    /// Changes the password, or takes it away; ends all sessions of the user by the next generation.
    ///
    /// # Errors
    /// [`UserError::Unknown`], [`UserError::FromOutside`], or the repository failed.
    pub async fn set_password(
        &self,
        subject: &Subject,
        password: Option<Password>,
        now: UnixSeconds,
    ) -> Result<Account, UserError> {
        refuse_password_from_outside(subject, password.as_ref())?;
        self.change(subject, now, |account| {
            account.password = password;
            account.raise()
        })
        .await
    }

    /// Replaces the hash of the same password by a stronger one, unless the password was changed meanwhile; sessions stay.
    ///
    /// # Errors
    /// [`UserError::Unknown`], or the repository failed.
    pub async fn upgrade_password_hash(
        &self,
        subject: &Subject,
        old: &PasswordHash,
        new: PasswordHash,
        now: UnixSeconds,
    ) -> Result<Account, UserError> {
        self.change(subject, now, |account| {
            if let Some(password) = account.password.as_mut().filter(|p| p.hash == *old) {
                password.hash = new;
            }
            Ok(())
        })
        .await
    }

    /// Lets a user log in again. Sessions that disabling ended stay ended.
    ///
    /// # Errors
    /// [`UserError::Unknown`], or the repository failed.
    pub async fn enable_user(
        &self,
        subject: &Subject,
        now: UnixSeconds,
    ) -> Result<Account, UserError> {
        self.change(subject, now, |account| {
            account.record.enabled = true;
            Ok(())
        })
        .await
    }

    /// Shuts a user out, and ends all sessions by the next generation.
    ///
    /// # Errors
    /// [`UserError::Unknown`], or the repository failed.
    pub async fn disable_user(
        &self,
        subject: &Subject,
        now: UnixSeconds,
    ) -> Result<Account, UserError> {
        self.change(subject, now, |account| {
            if !account.record.enabled {
                return Ok(());
            }
            account.record.enabled = false;
            account.raise()
        })
        .await
    }

    /// Removes a user and what was personal about them, and ends all sessions by the next generation.
    ///
    /// What is left is a tombstone with id and generation, which a user created again continues.
    ///
    /// # Errors
    /// [`UserError::Unknown`], or the repository failed.
    pub async fn remove_user(
        &self,
        subject: &Subject,
        now: UnixSeconds,
    ) -> Result<Account, UserError> {
        self.change(subject, now, |account| {
            account.bury();
            account.raise()
        })
        .await
    }

    /// Ends all sessions of a user by the next generation, which is returned.
    ///
    /// # Errors
    /// [`UserError::Unknown`], or the repository failed.
    pub async fn end_sessions(
        &self,
        subject: &Subject,
        now: UnixSeconds,
    ) -> Result<Generation, UserError> {
        let account = self.change(subject, now, Account::raise).await?;
        Ok(account.record.generation)
    }

    /// Puts a user into exactly these groups; those that do not exist yet are created.
    ///
    /// # Errors
    /// [`UserError::Unknown`], or the repository failed.
    pub async fn set_groups(
        &self,
        subject: &Subject,
        groups: GroupSet,
        now: UnixSeconds,
    ) -> Result<Account, UserError> {
        self.change(subject, now, |account| {
            account.record.groups = groups;
            Ok(())
        })
        .await
    }

    /// Puts a user into one more group, which is created if it does not exist yet.
    ///
    /// # Errors
    /// [`UserError::Unknown`], or the repository failed.
    pub async fn add_to_group(
        &self,
        subject: &Subject,
        group: GroupName,
        now: UnixSeconds,
    ) -> Result<Account, UserError> {
        self.change(subject, now, |account| {
            let groups = &mut account.record.groups;
            *groups = groups.iter().cloned().chain([group]).collect();
            Ok(())
        })
        .await
    }

    /// Takes a user out of a group.
    ///
    /// # Errors
    /// [`UserError::Unknown`], or the repository failed.
    pub async fn remove_from_group(
        &self,
        subject: &Subject,
        group: &GroupName,
        now: UnixSeconds,
    ) -> Result<Account, UserError> {
        self.change(subject, now, |account| {
            let groups = &mut account.record.groups;
            *groups = groups
                .iter()
                .filter(|name| *name != group)
                .cloned()
                .collect();
            Ok(())
        })
        .await
    }

    /// All that is known of a user, who may be a tombstone.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn user(&self, subject: &Subject) -> Result<Option<Account>, RepositoryError> {
        let mut read = self.store.begin_read().await?;
        account::find(&mut read, subject).await
    }

    /// What a login needs of a user; `None` if there is none or only a tombstone.
    ///
    /// A disabled user is found, too: whether to let them in is the caller's decision, after the password was checked.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn find_for_login(
        &self,
        subject: &Subject,
    ) -> Result<Option<Account>, RepositoryError> {
        let account = self.user(subject).await?;
        Ok(account.filter(|account| !account.record.deleted))
    }

    /// One page of the list of users.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn users(&self, page: &UserPage) -> Result<Vec<Account>, RepositoryError> {
        let after = page.after.as_ref().map_or("", Subject::as_str);
        let rows = sqlx::query(account_sql!(
            "WHERE u.id >= $1 AND u.id <> $2 AND (u.deleted = $3 OR u.deleted = $4) \
             ORDER BY u.id LIMIT $5"
        ))
        .bind(after.max(&page.prefix).to_owned())
        .bind(after.to_owned())
        .bind(false)
        .bind(page.tombstones == Tombstones::Show)
        .bind(i64::from(page.limit))
        .fetch_all(self.store.readers())
        .await?;
        rows.iter()
            .map(Account::read)
            // Ids are in the order of their bytes, so those with the prefix stand together.
            .take_while(|account| {
                !account
                    .as_ref()
                    .is_ok_and(|a| !a.record.subject.as_str().starts_with(&page.prefix))
            })
            .collect()
    }

    /// How many users there are, tombstones left out.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn count_users(&self) -> Result<u64, RepositoryError> {
        let count = sqlx::query_scalar("SELECT count(*) FROM users WHERE deleted = $1")
            .bind(false)
            .fetch_one(self.store.readers())
            .await?;
        column::unsigned(count, "a count is negative")
    }

    /// Changes one living user. What leaves the user as it was is no change.
    async fn change(
        &self,
        subject: &Subject,
        now: UnixSeconds,
        edit: impl FnOnce(&mut Account) -> Result<(), UserError> + Send,
    ) -> Result<Account, UserError> {
        let mut write = self.write().await?;
        let before = account::find(write.connection(), subject)
            .await?
            .filter(|account| !account.record.deleted)
            .ok_or_else(|| UserError::Unknown(subject.clone()))?;
        let mut after = before.clone();
        edit(&mut after)?;
        if after == before {
            return Ok(before);
        }
        after.changed = now;
        let after = account::store(&mut write, Some(&before), after).await?;
        write.commit().await?;
        Ok(after)
    }
}

#[cfg(test)]
mod tests;
