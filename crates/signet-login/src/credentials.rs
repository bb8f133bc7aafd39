//! User id and password, whichever way they came: throttled, compared, and the stored hash kept up to date.

use std::net::IpAddr;
use std::sync::Arc;

use secrecy::SecretString;
use signet_core::{Seconds, Subject};
use signet_repository::{Account, PasswordHash, Repository};

use crate::password::{Comparison, Passwords};
use crate::snapshots::Snapshots;
use crate::tally::{Event, Tally};
use crate::throttle::Throttle;

/// Why user id and password were not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// Too many attempts failed; this one was not looked at.
    #[error("too many attempts failed, the next may be made in {0}")]
    Throttled(Seconds),
    /// No such user, the wrong password, or a disabled account: nobody is told which.
    #[error("user id or password is wrong")]
    Wrong,
    /// The repository did not answer.
    #[error("the repository did not answer")]
    Unavailable,
}

/// Checks user ids and passwords.
#[derive(Debug)]
pub struct Credentials {
    snapshots: Arc<Snapshots>,
    repository: Repository,
    passwords: Passwords,
    throttle: Throttle,
    tally: Arc<Tally>,
}

impl Credentials {
    /// Checks against the users of `repository`.
    #[must_use]
    pub fn new(
        snapshots: Arc<Snapshots>,
        repository: Repository,
        passwords: Passwords,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            snapshots,
            repository,
            passwords,
            throttle: Throttle::default(),
            tally,
        }
    }

    /// Hashes passwords under the same limit of memory.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// How many accounts and how many addresses must wait now, because too many attempts failed.
    #[must_use]
    pub fn throttled(&self) -> (usize, usize) {
        let settings = self.snapshots.settings.load();
        let now = self.snapshots.clock.now();
        self.throttle.throttled(&settings.throttle, now)
    }

    /// The account that `user` and `password` open.
    ///
    /// An unknown user takes as long as a wrong password (L7).
    ///
    /// # Errors
    /// [`CredentialError`]; which of its causes made an attempt wrong stands in the log only.
    pub async fn check(
        &self,
        user: &str,
        password: SecretString,
        client: IpAddr,
    ) -> Result<Account, CredentialError> {
        let settings = self.snapshots.settings.load_full();
        let now = self.snapshots.clock.now();
        let subject = user.parse::<Subject>().ok();
        let alias = subject.as_ref().map_or_else(String::new, Subject::skeleton);
        let limits = &settings.throttle;
        // Counted beforehand, or many attempts at once would all slip through.
        if let Err(wait) = self.throttle.attempt(&alias, client, limits, now) {
            self.tally.count(Event::Throttled);
            tracing::warn!(code = "LOGIN_THROTTLED", client.address = %client, "login refused unseen");
            return Err(CredentialError::Throttled(wait));
        }
        let compared = self.compare(subject.as_ref(), &password).await;
        let (account, compared) = compared.inspect_err(|_| {
            self.throttle.undecided(&alias, client, limits, now);
        })?;
        let right =
            account.filter(|account| compared != Comparison::Wrong && account.record.enabled);
        let Some(account) = right else {
            self.tally.count(Event::LoginFailure);
            tracing::warn!(code = "LOGIN_FAILED", client.address = %client, "login failed");
            return Err(CredentialError::Wrong);
        };
        self.throttle.succeeded(&alias, client, limits, now);
        if compared == Comparison::RightButOldHash {
            self.upgrade(&account, password).await;
        }
        Ok(account)
    }

    /// The account with this id, if there is one, and how the password compares with its own.
    async fn compare(
        &self,
        subject: Option<&Subject>,
        password: &SecretString,
    ) -> Result<(Option<Account>, Comparison), CredentialError> {
        let account = match subject {
            Some(subject) => self
                .repository
                .find_for_login(subject)
                .await
                .map_err(|error| {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(
                        code = "REPOSITORY_UNAVAILABLE",
                        error,
                        "a user could not be read"
                    );
                    CredentialError::Unavailable
                })?,
            None => None,
        };
        let stored = account
            .as_ref()
            .and_then(|account| account.password.as_ref());
        let stored = stored.map(|password| password.hash.as_str().to_owned());
        let compared = self.passwords.compare(password.clone(), stored).await;
        let compared = compared.map_err(|_| CredentialError::Unavailable)?;
        Ok((account, compared))
    }

    /// Replaces an imported hash. The login succeeds whether or not this does.
    async fn upgrade(&self, account: &Account, password: SecretString) {
        let Some(old) = &account.password else { return };
        let Ok(hash) = self.passwords.hash(password).await else {
            return;
        };
        let Ok(new) = hash.parse::<PasswordHash>() else {
            return;
        };
        let now = self.snapshots.clock.now();
        let subject = &account.record.subject;
        if let Err(error) = self
            .repository
            .upgrade_password_hash(subject, &old.hash, new, now)
            .await
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                code = "HASH_NOT_UPGRADED",
                error,
                "an imported password hash stays"
            );
        }
    }
}
