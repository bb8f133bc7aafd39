//! The keys of a running instance: loaded once, and again whenever their directory changes.

use std::sync::Arc;

use signet_core::{Clock, KeyRing, KeyState, RingName};
use signet_keys::{KeyError, KeyProblem, KeyStore, KeyWatch, LoadedKeys};
use signet_repository::IfMissing;
use tokio::sync::Mutex;

use crate::config::{Config, Custody, Role};
use crate::data::DataDirectory;

use super::OpenError;

/// The key store, its watch, and what was loaded last.
pub(super) struct KeyRoom(Arc<Mutex<Watched>>);

/// The keys in numbers.
#[derive(Clone, Debug)]
pub(crate) struct KeyCensus {
    pub(crate) keys: Vec<(RingName, KeyState)>,
    pub(crate) problems: usize,
}

struct Watched {
    store: KeyStore,
    watch: KeyWatch,
    loaded: LoadedKeys,
    reported: Vec<String>,
}

impl KeyRoom {
    /// Opens the store. At the first start of an author or a lone instance the keys are made; a publish instance takes
    /// those of its author and makes none, because tokens of a key that nobody else has would be refused everywhere.
    pub(super) fn open(
        data: &DataDirectory,
        config: &Config,
        if_missing: IfMissing,
        clock: &dyn Clock,
    ) -> Result<Self, OpenError> {
        let store = data.key_store(config)?;
        let private = config.keys.custody == Custody::Private;
        if if_missing == IfMissing::Create && private {
            if config.role == Role::Publish {
                store.prepare()?;
            } else {
                for (ring, id) in store.create_if_missing(clock.now())? {
                    tracing::info!(key.ring = %ring, key.id = %id, "made a key");
                }
            }
        }
        // The watch first: what changes while the keys are loaded is noticed at the next look.
        let watch = store.watch();
        let loaded = store.load(None)?;
        let mut watched = Watched {
            store,
            watch,
            loaded,
            reported: Vec::new(),
        };
        watched.report();
        Ok(Self(Arc::new(Mutex::new(watched))))
    }

    pub(super) async fn ring(&self) -> KeyRing {
        self.0.lock().await.loaded.ring()
    }

    /// How many keys there are, by ring and state, and how many files are bad.
    pub(super) async fn census(&self) -> KeyCensus {
        let watched = self.0.lock().await;
        KeyCensus {
            keys: watched
                .loaded
                .keys
                .iter()
                .map(|key| (key.ring, key.state))
                .collect(),
            problems: watched.loaded.problems.len(),
        }
    }

    /// What is wrong with the key files, each in a line.
    pub(super) async fn problems(&self) -> Vec<String> {
        self.0
            .lock()
            .await
            .loaded
            .problems
            .iter()
            .map(KeyProblem::to_string)
            .collect()
    }

    /// The next ring, if anything in the directory changed.
    pub(super) async fn look(&self) -> Result<Option<KeyRing>, KeyError> {
        let mut watched = Arc::clone(&self.0).lock_owned().await;
        // The directory may be on a slow disk, so not on a thread that answers requests.
        let looked = tokio::task::spawn_blocking(move || watched.look()).await;
        // It panics only if it was cancelled while shutting down; then there is nothing new.
        looked.unwrap_or(Ok(None))
    }
}

impl Watched {
    fn look(&mut self) -> Result<Option<KeyRing>, KeyError> {
        if !self.watch.poll() {
            return Ok(None);
        }
        match self.store.load(Some(&self.loaded)) {
            Ok(loaded) => {
                self.loaded = loaded;
                self.report();
                let ring = self.loaded.ring();
                tracing::info!(
                    key.active = ring.active().map(|id| id.to_string()),
                    key.count = ring.verifying().len(),
                    "the keys were read again"
                );
                Ok(Some(ring))
            }
            Err(error) => {
                tracing::error!(
                    code = "KEYS_UNREADABLE",
                    error = &error as &dyn std::error::Error,
                    "the keys stay as they were"
                );
                Err(error)
            }
        }
    }

    /// Each problem once, and again only after it was gone.
    fn report(&mut self) {
        let problems = &self.loaded.problems;
        for problem in problems
            .iter()
            .filter(|problem| !self.reported.contains(&problem.to_string()))
        {
            let hint = problem.hint();
            tracing::error!(code = "KEYS_BAD", %problem, hint, "the keys are not in order");
        }
        self.reported = problems.iter().map(KeyProblem::to_string).collect();
    }
}
