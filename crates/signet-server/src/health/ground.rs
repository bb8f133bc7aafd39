//! What checks look at: a running instance, or a data directory that nobody may have looked after for long.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use signet_core::{Clock, KeyId, Seconds, UnixSeconds};
use signet_repository::{
    IfMissing, Inspection, Repository, RepositoryError, RepositoryOptions, RepositoryUrl,
};
use tokio::sync::OnceCell;

use super::KeyPlaces;
use super::client_memory::ClientMemory;
use crate::chain;
use crate::config::Config;
use crate::data::{DataDirectory, DataError};
use crate::instance::Instance;
use crate::sighting::{Sighting, last_seen};

/// How long a repository that another process uses is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// So many missing keys are looked for; who lost more has lost all.
const MOST_SIGHTINGS: usize = 8;

/// What checks look at. Without an instance it is only read, and nothing in it needs to be right.
pub struct Ground {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    instance: Option<Arc<Instance>>,
    config: Result<Config, DataError>,
    repository: OnceCell<Result<Repository, NoRepository>>,
    keys: OnceCell<KeyPlaces>,
    clients: Arc<ClientMemory>,
}

/// Why there is no repository to look into.
#[derive(Debug)]
pub(crate) enum NoRepository {
    /// It cannot be opened.
    Closed(RepositoryError),
    /// An older version wrote it; the next start, or any other command, brings it up to date.
    Older {
        /// The version of its schema.
        found: u32,
        /// The version that this program writes.
        known: u32,
    },
}

impl fmt::Display for NoRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(error) => f.write_str(&chain(error)),
            Self::Older { found, known } => write!(
                f,
                "the repository has the schema {found}, and this version writes {known}"
            ),
        }
    }
}

impl Ground {
    /// A running instance, with the configuration that is in force.
    pub(crate) async fn of(instance: &Arc<Instance>, clients: Arc<ClientMemory>) -> Self {
        Self {
            path: instance.data().path().to_owned(),
            clock: Arc::clone(&instance.site.snapshots.clock),
            config: instance.config().await,
            instance: Some(Arc::clone(instance)),
            repository: OnceCell::new(),
            keys: OnceCell::new(),
            clients,
        }
    }

    /// The data directory at `path`, whether or not there is one, with the configuration that is written there.
    #[must_use]
    pub fn offline(path: &Path, clock: Arc<dyn Clock>) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self {
            config: written(&path),
            path,
            clock,
            instance: None,
            repository: OnceCell::new(),
            keys: OnceCell::new(),
            clients: Arc::default(),
        }
    }

    /// The data directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> UnixSeconds {
        self.clock.now()
    }

    /// The instance, if one is looked at.
    pub(crate) fn instance(&self) -> Option<&Arc<Instance>> {
        self.instance.as_ref()
    }

    /// The configuration in force; where that cannot be known, the defaults.
    pub(crate) fn config(&self) -> Config {
        self.config.as_ref().cloned().unwrap_or_default()
    }

    /// After how long a key should be followed by another.
    pub(crate) fn rotate_every(&self) -> Option<Seconds> {
        self.config().keys.rotate_every.map(|span| span.0)
    }

    /// Why nobody knows the configuration, if that is so.
    pub(crate) fn config_fault(&self) -> Option<&DataError> {
        self.config.as_ref().err()
    }

    /// What tells the time.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// What token endpoints said a moment ago.
    pub(crate) fn client_memory(&self) -> Arc<ClientMemory> {
        Arc::clone(&self.clients)
    }

    /// Where each of these keys was seen.
    pub(crate) async fn last_seen(&self, keys: Vec<KeyId>) -> BTreeMap<KeyId, Vec<Sighting>> {
        let data = DataDirectory::unchecked(&self.path);
        let config = self.config();
        let look = move || {
            let keys: BTreeSet<KeyId> = keys.into_iter().take(MOST_SIGHTINGS).collect();
            keys.into_iter()
                .map(|key| (key, last_seen(&data, &config, key)))
                .collect()
        };
        // Whole directories are read for it.
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }

    /// The configuration as it stands in the file now.
    pub(crate) fn written_config(&self) -> Result<Config, DataError> {
        written(&self.path)
    }

    /// Where the repository is.
    pub(crate) fn repository_path(&self) -> PathBuf {
        let location = self.config().repository.url;
        let url = RepositoryUrl::sqlite(&location.path).under(&self.path);
        url.path().to_owned()
    }

    /// The repository: that of the instance, or the file, which is opened only if that changes nothing in it.
    pub(crate) async fn repository(&self) -> Result<&Repository, &NoRepository> {
        let open = || async {
            match &self.instance {
                Some(instance) => Ok(instance.site.repository.clone()),
                None => open(&self.repository_path()).await,
            }
        };
        self.repository.get_or_init(open).await.as_ref()
    }

    /// The keys, in both places.
    pub(crate) async fn keys(&self) -> &KeyPlaces {
        self.keys
            .get_or_init(|| async {
                let repository = match self.repository().await {
                    Ok(_) => Ok(self.repository_path()),
                    Err(why) => Err(why.to_string()),
                };
                let (path, custody) = (self.path.join("keys"), self.config().keys.custody);
                let look = move || KeyPlaces::look(&path, custody, repository);
                // The directory may be on a slow disk, so not on a thread that answers requests.
                tokio::task::spawn_blocking(look).await.unwrap_or_default()
            })
            .await
    }

    /// Gives back what was opened.
    pub async fn close(&self) {
        // That of the instance stays.
        if let (None, Some(Ok(repository))) = (&self.instance, self.repository.get()) {
            repository.close().await;
        }
    }
}

impl fmt::Debug for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ground")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn written(data: &Path) -> Result<Config, DataError> {
    match DataDirectory::unchecked(data).config() {
        // All of it has defaults.
        Err(DataError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(Config::default())
        }
        read => read,
    }
}

async fn open(path: &Path) -> Result<Repository, NoRepository> {
    let mut inspection = Inspection::open(path, PATIENCE)
        .await
        .map_err(NoRepository::Closed)?;
    let schema = inspection.schema().await;
    inspection.close().await;
    let (found, known) = schema.map_err(NoRepository::Closed)?;
    if found < known {
        return Err(NoRepository::Older { found, known });
    }
    let options = RepositoryOptions::new(RepositoryUrl::sqlite(path), IfMissing::Refuse);
    Repository::open(options.patience(PATIENCE))
        .await
        .map_err(NoRepository::Closed)
}
