//! What instances find when they first start: configuration, keys and users.
//!
//! On a real farm an administrator does this once, and the instances keep themselves in step
//! afterwards; in a lab it is done before the first instance starts.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use signet_core::{GroupName, Subject, UnixSeconds};
use signet_keys::{KeyStore, KeyStoreOptions, atomic};
use signet_repository::{
    Existing, IfMissing, NewUser, Password as StoredPassword, Repository, RepositoryOptions,
    RepositoryUrl, UserProfile,
};

use signet_server::DataDirectory;

use crate::error::LabError;
use crate::instance::Member;
use crate::keyfiles;
use crate::options::TokenMode;
use crate::password::Password;

/// First line of a `signet.toml` that a lab wrote, and may therefore write again.
const MARK: &str = "# Written by `signet lab`, and written again at its next start.";

/// The group that lab users are in.
const GROUP: &str = "visitors";

/// A user of the farm.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// How long tokens live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub(crate) inactivity: Duration,
    pub(crate) renewal_interval: Duration,
}

impl Default for Life {
    /// Renewals often enough to be seen by somebody who tries the lab.
    fn default() -> Self {
        Self {
            inactivity: Duration::from_secs(30 * 60),
            renewal_interval: Duration::from_secs(30),
        }
    }
}

/// Everything that the instances of a farm have in common.
#[derive(Debug)]
pub(crate) struct Population<'a> {
    pub(crate) people: &'a [Person],
    pub(crate) password: &'a Password,
    pub(crate) token: TokenMode,
    pub(crate) life: Life,
    pub(crate) now: UnixSeconds,
}

/// Prepares the data directories of a farm: the keys are the author's, copied to the others, and
/// the farm's id goes with them.
/// A directory that an earlier lab prepared is brought up to date.
///
/// # Errors
/// [`LabError::NotALab`] before anything is written, or what keys, repository or disk say.
pub(crate) async fn farm(
    author: &Member,
    publish: &[Member],
    population: &Population<'_>,
) -> Result<(), LabError> {
    for member in publish.iter().chain([author]) {
        refuse_foreign(&member.data)?;
    }
    let failed = |error| failed(author, error);
    for member in publish.iter().chain([author]) {
        DataDirectory::open_or_create(&member.data, &configuration(member, population))
            .map_err(|error| self::failed(member, error.into()))?;
    }
    let keys = author.data.join("keys");
    KeyStore::open(&keys, KeyStoreOptions::default())
        .and_then(|store| store.create_if_missing(population.now))
        .map_err(|error| failed(error.into()))?;
    let users = users(population).await.map_err(failed)?;
    for member in std::iter::once(author).chain(publish) {
        keyfiles::copy(&author.data, &member.data)?;
        repository(member, &users, population.now)
            .await
            .map_err(|error| self::failed(member, error))?;
        let configuration = configuration(member, population);
        atomic::write(&member.data.join("signet.toml"), configuration.as_bytes())
            .map_err(|error| self::failed(member, error.into()))?;
    }
    Ok(())
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn failed(member: &Member, source: Failure) -> LabError {
    LabError::Provision {
        who: member.name.clone(),
        source,
    }
}

/// A data directory that no lab made is somebody's instance, and stays untouched.
fn refuse_foreign(data: &Path) -> Result<(), LabError> {
    let path = data.join("signet.toml");
    match std::fs::read_to_string(&path) {
        Ok(text) if text.starts_with(MARK) => Ok(()),
        Ok(_) => Err(LabError::NotALab {
            path: data.to_owned(),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(LabError::File {
            action: "read",
            path,
            source,
        }),
    }
}

/// The users as every instance stores them; the password is hashed once for all.
async fn users(population: &Population<'_>) -> Result<Vec<NewUser>, Failure> {
    let password = population.password.clone();
    let hashing = move || signet_login::password::hash(password.reveal());
    let hash = tokio::task::spawn_blocking(hashing).await??;
    let password = StoredPassword::lasting(hash.parse()?);
    let group: GroupName = GROUP.parse()?;
    let user = |person: &Person| {
        Ok(NewUser {
            profile: UserProfile {
                name: Some(person.name.clone()),
                mail: Some(format!("{}@example.com", person.id)),
            },
            password: Some(password.clone()),
            groups: [group.clone()].into_iter().collect(),
            ..NewUser::new(person.id.parse::<Subject>()?)
        })
    };
    population.people.iter().map(user).collect()
}

async fn repository(member: &Member, users: &[NewUser], now: UnixSeconds) -> Result<(), Failure> {
    let repository = open(member).await?;
    repository
        .import_users(users.to_vec(), Existing::Replace, now, |_| ())
        .await?;
    repository.close().await;
    Ok(())
}

async fn open(member: &Member) -> Result<Repository, Failure> {
    let url = RepositoryUrl::sqlite(member.data.join("repository.db"));
    Ok(Repository::open(RepositoryOptions::new(url, IfMissing::Create)).await?)
}

fn configuration(member: &Member, population: &Population<'_>) -> String {
    let mut text = format!("{MARK}\n");
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "public_url = \"http://{host}\"\n\
         role = \"{role}\"\n\
         name = \"{name}\"\n\
         \n\
         [listen]\n\
         public = \"{public}\"\n\
         admin = \"{admin}\"\n\
         trusted_proxies = [\"127.0.0.1/32\"]\n\
         hosts = [\"localhost:{port}\"]\n\
         \n\
         [token]\n\
         encapsulated = {encapsulated}\n\
         inactivity = \"{inactivity}s\"\n\
         renewal_interval = \"{renewal}s\"\n",
        host = member.host,
        port = member.host.rsplit(':').next().unwrap_or_default(),
        role = member.role.as_str(),
        name = member.name,
        public = member.address,
        admin = member.admin,
        encapsulated = population.token == TokenMode::Encapsulated,
        inactivity = population.life.inactivity.as_secs(),
        renewal = population.life.renewal_interval.as_secs(),
    );
    text
}

#[cfg(test)]
mod tests;
