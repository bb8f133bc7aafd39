//! The first start: a configuration to begin with, and an administrator with a one-time password.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use signet_audit::Action;
use signet_core::{GroupName, Subject};
use signet_keys::{KeyStore, KeyStoreOptions};
use signet_login::password;
use signet_repository::{NewUser, Password, PasswordHash, Repository};

use super::record::{FIRST_START, forget};
use super::{Instance, OpenError, Overrides};
use crate::config::{Config, Role};
use crate::data::{DataDirectory, DataError};

/// The user that is made.
const ADMINISTRATOR: &str = "admin";
/// The first administrator, or its password, was made.
const ADDED: Action = Action::literal("user.add");
/// The group that may administer.
const ADMINISTRATORS: &str = "administrators";
/// Set once the first administrator was made, so that it is never made again, even if it was removed.
const MADE: &str = "first-administrator";
/// Letters and digits that cannot be mistaken for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// What a first start makes.
pub(crate) struct FirstStart;

impl FirstStart {
    /// The text of `signet.toml` to begin with.
    pub(crate) fn config(overrides: &Overrides) -> String {
        let config = overrides.apply(Config::default());
        let port = config.listen.public.port();
        format!(
            "# The configuration of this instance. Every key and its default: `signet config show`,\n\
             # and docs/reference/config.md. A changed file is noticed within 2 seconds.\n\
             \n\
             # The address browsers know the site by. Behind a proxy: \"https://www.example.com\".\n\
             public_url = \"http://localhost:{port}\"\n\
             role = \"{role}\"\n\
             \n\
             [listen]\n\
             public = \"{public}\"\n\
             admin = \"{admin}\"\n\
             # The proxies whose X-Forwarded-* headers count, for example [\"127.0.0.1\"].\n\
             trusted_proxies = []\n",
            role = config.role,
            public = config.listen.public,
            admin = config.listen.admin,
        )
    }

    /// The data directory at `path`, made if there is none; nothing is left behind where it could not be used.
    pub(crate) fn data(path: &Path, overrides: &Overrides) -> Result<DataDirectory, OpenError> {
        if let Err(DataError::Missing(path)) = DataDirectory::open(path) {
            KeyStore::open(&path.join("keys"), KeyStoreOptions::default())?.check_place()?;
        }
        Ok(DataDirectory::open_or_create(
            path,
            &Self::config(overrides),
        )?)
    }

    /// Makes the first administrator, unless there ever was a user. A publish instance has none of its own.
    pub(crate) async fn administrator(
        instance: &Instance,
        role: Role,
    ) -> Result<Option<(Subject, SecretString)>, OpenError> {
        if role == Role::Publish {
            return Ok(None);
        }
        let repository = &instance.site.repository;
        let now = instance.site.snapshots.clock.now();
        let failed = OpenError::FirstAdministrator;
        if is_made(repository).await.map_err(failed)? {
            return Ok(None);
        }
        let begun = instance.begin(FIRST_START).await?;
        let made = match make(repository, now).await {
            Ok(Some(made)) => made,
            nothing => {
                forget(begun).await;
                return nothing.map_err(failed);
            }
        };
        let detail = json!({ "groups": [ADMINISTRATORS], "password": "one-time" });
        instance
            .record_begun(Some(begun), ADDED, ADMINISTRATOR, detail)
            .await;
        // The index must know the user before the first request.
        let caught_up = instance.site.follower.catch_up().await;
        caught_up.map_err(|error| failed(error.into()))?;
        Ok(Some(made))
    }

    /// The first administrator's password was handed over, so it is not made again.
    pub(crate) async fn told(instance: &Instance) -> Result<(), OpenError> {
        told(&instance.site.repository)
            .await
            .map_err(OpenError::FirstAdministrator)
    }
}

/// Remembers that the administrator's password was handed over.
async fn told(repository: &Repository) -> Result<(), Failure> {
    Ok(repository.set_local_value(&MADE.parse()?, "made").await?)
}

async fn is_made(repository: &Repository) -> Result<bool, Failure> {
    Ok(repository.local_value(&MADE.parse()?).await?.is_some())
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn make(
    repository: &Repository,
    now: signet_core::UnixSeconds,
) -> Result<Option<(Subject, SecretString)>, Failure> {
    let subject: Subject = ADMINISTRATOR.parse()?;
    let untold = match repository.user(&subject).await? {
        // A start that ended before the password was handed over: nobody knows it.
        Some(account) => account.must_change() && repository.count_users().await? == 1,
        None => false,
    };
    if !untold && repository.count_users().await? > 0 {
        repository
            .set_local_value(&MADE.parse()?, "not needed")
            .await?;
        return Ok(None);
    }
    let password = one_time_password()?;
    let hash: PasswordHash = password::hash(password.expose_secret())?.parse()?;
    let one_time = Some(Password::one_time(hash));
    if untold {
        repository.set_password(&subject, one_time, now).await?;
    } else {
        let group: GroupName = ADMINISTRATORS.parse()?;
        let user = NewUser {
            password: one_time,
            groups: [group].into_iter().collect(),
            ..NewUser::new(subject.clone())
        };
        repository.add_user(&user, now).await?;
    }
    Ok(Some((subject, password)))
}

/// Four groups of five characters: 100 random bits that can be read aloud.
fn one_time_password() -> Result<SecretString, getrandom::Error> {
    let mut bits = zeroize::Zeroizing::new([0; 20]);
    getrandom::fill(&mut *bits)?;
    let mut text = String::with_capacity(23);
    for (place, byte) in bits.iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(text.into())
}
