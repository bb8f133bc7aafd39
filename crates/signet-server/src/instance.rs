//! One instance: everything a data directory amounts to while the program runs, and how it is kept current.

mod certificate;
mod config_text;
mod first;
mod keys;
mod notice;
mod record;
mod rotation;
mod state;

use std::sync::Arc;

use signet_audit::AuditError;
use signet_core::{Clock, IndexKey, Marks, UserIndex};
use signet_gate::Gate;
use signet_keys::KeyError;
use signet_login::{Follower, Site, Snapshots};
use signet_repository::{IfMissing, Repository, RepositoryError};
use tokio::sync::Mutex;

pub(crate) use certificate::tell_admin;
pub(crate) use first::FirstStart;
pub use state::Readiness;

use crate::chain;
use crate::config::Config;
use crate::data::{DataDirectory, DataError};
use crate::hosts::HostNames;
use crate::tls::Tls;
use config_text::ConfigText;
pub(crate) use keys::KeyCensus;
use keys::KeyRoom;
use notice::Notices;
use rotation::Rotation;
pub(crate) use state::Direction;
use state::State;

/// Why an instance could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The data directory or its configuration.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The keys.
    #[error("the keys could not be read")]
    Keys(#[from] KeyError),
    /// The repository.
    #[error("the repository {url} could not be opened")]
    Repository {
        /// Where it is.
        url: String,
        /// Why.
        source: RepositoryError,
    },
    /// The first administrator could not be made.
    #[error("the first administrator could not be made")]
    FirstAdministrator(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the first start makes could not be recorded.
    #[error("the first start could not be recorded")]
    Audit(#[from] AuditError),
    /// The system gave no random bits.
    #[error("no random bits")]
    Random(#[from] getrandom::Error),
}

impl OpenError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Data(error) => error.hint(),
            Self::Keys(error) => error.hint(),
            Self::Repository {
                source: RepositoryError::Missing,
                ..
            } => "an instance has run here before, so the file is lost, not new: is its disk mounted? Restore it from a \
                  backup. To begin again without users, remove the file `initialised`, rotate the hmac key and revoke \
                  the old one, because sessions that had been ended would live again"
                .to_owned(),
            Self::Repository { source, .. } => source
                .hint()
                .unwrap_or("is the disk in order, and the file one of Signet?")
                .to_owned(),
            Self::FirstAdministrator(_) => "`signet user add` makes one by hand".to_owned(),
            Self::Audit(error) => error.hint(),
            Self::Random(_) => "the kernel's random source must work".to_owned(),
        }
    }
}

/// A running instance.
pub struct Instance {
    data: DataDirectory,
    overrides: Overrides,
    pub(crate) site: Arc<Site>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) hosts: HostNames,
    pub(crate) state: State,
    /// Only where this program itself listens.
    pub(crate) tls: Option<Arc<Tls>>,
    keys: KeyRoom,
    notices: Notices,
    rotation: Rotation,
    config_text: Mutex<ConfigText>,
}

/// What the command line says in the place of the configuration, for this run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overrides {
    /// The role.
    pub role: Option<crate::config::Role>,
    /// Where the public listener listens.
    pub public: Option<std::net::SocketAddr>,
    /// Where the admin listener listens.
    pub admin: Option<std::net::SocketAddr>,
}

impl Overrides {
    /// The configuration with these values in it.
    #[must_use]
    pub fn apply(&self, mut config: Config) -> Config {
        config.role = self.role.unwrap_or(config.role);
        config.listen.public = self.public.unwrap_or(config.listen.public);
        config.listen.admin = self.admin.unwrap_or(config.listen.admin);
        config
    }
}

impl Instance {
    /// Opens what is in `data`, which an instance has used before.
    ///
    /// # Errors
    /// [`OpenError`] names what is wrong, and has a hint.
    pub async fn open_existing(
        data: DataDirectory,
        overrides: Overrides,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        Self::open(data, overrides, IfMissing::Refuse, clock).await
    }

    /// Keeps the instance current in the background, for as long as the runtime lives: changed keys, users and settings
    /// count within a second, or at once when a command pokes.
    pub fn follow(self: Arc<Self>) {
        let (never, stopped) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            crate::serve::follow(self, stopped).await;
            drop(never);
        });
    }

    /// Opens what is in `data`; keys and repository are made if they are missing and `if_missing` says so.
    ///
    /// # Errors
    /// [`OpenError`] names what is wrong, and has a hint.
    pub(crate) async fn open(
        data: DataDirectory,
        overrides: Overrides,
        if_missing: IfMissing,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let config_text = ConfigText::read(&data)?;
        let config = overrides
            .apply(Config::parse(&config_text, &data.config_path()).map_err(DataError::from)?);
        // The repository first: it may be where the keys are.
        let repository = open_repository(&data, &config, if_missing).await?;
        let keys = KeyRoom::open(&data, &config, if_missing, &*clock)?;
        let in_repository = |source| repository_error(&config, source);

        // Room from the start, so that a million users are never in memory twice.
        let extent = repository.extent().await.map_err(in_repository)?;
        let mut index = UserIndex::with_room_for(IndexKey(random()?), extent.users);
        let floor = repository.floor().await.map_err(in_repository)?;
        let mut marks = Marks::with_room_for(floor, extent.marks);
        let position = repository
            .load(|changes| {
                index.extend(&changes.users);
                marks.extend(changes.marks);
            })
            .await
            .map_err(in_repository)?;

        let resolved = config.resolve();
        let ring = keys.ring().await;
        let snapshots = Arc::new(Snapshots::new(resolved.login, ring, index, marks, clock));
        let follower = Arc::new(Follower::new(
            repository.clone(),
            Arc::clone(&snapshots),
            position,
        ));
        let places = config.login.hashing_places.unwrap_or_else(cores);
        let site = Site::new(snapshots, repository, follower, places);
        let site = Arc::new(site.with_audit(data.audit_log()));
        let gate = Arc::new(Gate::new(Arc::clone(&site), resolved.gate));
        let state = State::new(&site.snapshots);
        Ok(Self {
            data,
            overrides,
            site,
            gate,
            hosts: HostNames::new(resolved.hosts),
            state,
            tls: None,
            keys,
            notices: Notices::default(),
            rotation: Rotation::new(&config),
            config_text: Mutex::new(ConfigText::taken(config_text)),
        })
    }

    /// The gate, for a layer of tower before a service written in Rust.
    #[must_use]
    pub fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate)
    }

    /// The site, for serving its endpoints from a service written in Rust.
    #[must_use]
    pub fn site(&self) -> Arc<Site> {
        Arc::clone(&self.site)
    }

    /// The configuration in force.
    ///
    /// # Errors
    /// The file was changed since and is wrong now.
    pub async fn config(&self) -> Result<Config, DataError> {
        let text = self.config_text.lock().await.taken.clone();
        let config = Config::parse(&text, &self.data.config_path())?;
        Ok(self.overrides.apply(config))
    }

    /// Looks at everything that may have changed, and takes what is good: configuration, certificate, keys, repository.
    ///
    /// # Errors
    /// What is wrong, a line each; of that, what was in force stays in force.
    pub async fn look(&self) -> Result<(), String> {
        let mut complaints = Vec::new();
        if let Err(error) = self.look_at_config().await {
            complaints.push(error.to_string());
        }
        if let Err(error) = self.look_at_certificate().await {
            complaints.push(error);
        }
        self.rotate_if_due().await;
        match self.keys.look(self.now()).await {
            Ok(Some((ring, notices))) => {
                self.site.tokens.seen().watch(ring.verifying());
                self.site.snapshots.keys.store(Arc::new(ring));
                self.notice(notices).await;
            }
            Ok(None) => {}
            Err(error) => complaints.push(chain(&error)),
        }
        self.record_noticed_keys(false).await;
        let inactivity = self.site.snapshots.settings.load().policy.inactivity;
        self.site.tokens.seen().turn(self.now(), inactivity);
        complaints.extend(self.keys.problems().await);
        let caught_up = self.site.follower.catch_up().await;
        let in_place = self.site.repository.is_in_place();
        if !in_place {
            complaints.push(
                "the repository's file was moved or replaced; restart the instance so that it opens the one that is there"
                    .to_owned(),
            );
        }
        self.state
            .repository_answered(caught_up.is_ok() && in_place);
        if let Err(error) = caught_up {
            complaints.push(chain(&error));
        }
        self.state.update(&self.site.snapshots);
        if complaints.is_empty() {
            Ok(())
        } else {
            Err(complaints.join("\n"))
        }
    }

    /// Forgets what can no longer matter: marks of sessions that are over, and expired repository tokens.
    pub async fn tidy(&self) {
        let now = self.site.snapshots.clock.now();
        let repository = &self.site.repository;
        let tidied = async {
            repository.purge_ended_marks(now).await?;
            repository.remove_expired_tokens(now).await?;
            repository.checkpoint().await
        };
        if let Err(error) = tidied.await {
            tracing::warn!(
                code = "TIDYING_FAILED",
                error = &error as &dyn std::error::Error,
                "old marks and tokens stay"
            );
        }
    }

    /// What is wrong with the keys in use.
    pub(crate) async fn key_problems(&self) -> Vec<signet_keys::KeyProblem> {
        self.keys.found_problems().await
    }

    /// How the keys look now, for metrics.
    pub(crate) async fn key_census(&self) -> KeyCensus {
        self.keys.census().await
    }

    pub(crate) fn data(&self) -> &DataDirectory {
        &self.data
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance")
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

async fn open_repository(
    data: &DataDirectory,
    config: &Config,
    if_missing: IfMissing,
) -> Result<Repository, OpenError> {
    data.repository(config, if_missing)
        .await
        .map_err(|source| repository_error(config, source))
}

fn repository_error(config: &Config, source: RepositoryError) -> OpenError {
    OpenError::Repository {
        url: config.repository.url.to_string(),
        source,
    }
}

fn random() -> Result<[u8; 16], getrandom::Error> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    Ok(bits)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests;
