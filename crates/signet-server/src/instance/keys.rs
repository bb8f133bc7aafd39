//! The keys of a running instance: loaded once, and again whenever their directory changes.

use std::sync::Arc;

use serde_json::json;
use signet_audit::Action;
use signet_core::{Clock, KeyId, KeyRing, KeyState, RingName, Seconds, UnixSeconds};
use signet_keys::{KeyError, KeyProblem, KeyStore, KeyWatch, LoadedKeys, is_due};
use signet_repository::IfMissing;
use tokio::sync::Mutex;

use crate::config::{Config, Custody, Role};
use crate::data::DataDirectory;

use super::OpenError;
use super::notice::KeyNotice;
use super::record::{FIRST_START, record_first, undertaking};

/// The first key of a ring.
const MADE: Action = Action::literal("key.make");

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
        let log = data.audit_log();
        if if_missing == IfMissing::Create && private {
            if config.role == Role::Publish {
                store.prepare()?;
            } else {
                let (name, now) = (config.instance_name(), clock.now());
                let begun = log.begin(&undertaking(&name, FIRST_START), now)?;
                let made = store.create_if_missing(now).inspect_err(|_| {
                    // One of two may have been made.
                    if store.load(None).is_ok_and(|loaded| !loaded.keys.is_empty()) {
                        begun.leave();
                    }
                });
                for (ring, id) in made? {
                    tracing::info!(key.ring = %ring, key.id = %id, "made a key");
                    let detail = json!({ "ring": ring.as_str(), "state": "active" });
                    let line = record_first(&log, &name, MADE, &id.to_string(), detail, now);
                    begun.recorded(line.inspect_err(|_| begun.leave())?);
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

    /// What was wrong when they were read last.
    pub(super) async fn found_problems(&self) -> Vec<KeyProblem> {
        self.0.lock().await.loaded.problems.clone()
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

    /// The next ring and what is new about the keys, if anything in the directory changed.
    pub(super) async fn look(
        &self,
        now: UnixSeconds,
    ) -> Result<Option<(KeyRing, Vec<KeyNotice>)>, KeyError> {
        self.apart(move |watched| watched.look(now)).await
    }

    /// The key that makes tokens, if it has done so for `every` or longer.
    pub(super) async fn due(&self, every: Seconds, now: UnixSeconds) -> Option<KeyId> {
        let watched = self.0.lock().await;
        let maker = watched.loaded.maker(RingName::Hmac)?;
        is_due(maker, every, now).then_some(maker.id)
    }

    /// Makes a new key, unless somebody else has.
    pub(super) async fn rotate_when_due(
        &self,
        every: Seconds,
        now: UnixSeconds,
    ) -> Result<Option<KeyId>, KeyError> {
        self.apart(move |watched| watched.store.rotate_when_due(RingName::Hmac, every, now))
            .await
    }

    /// The directory may be on a slow disk, so not on a thread that answers requests.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Watched) -> Result<Option<T>, KeyError> + Send + 'static,
    ) -> Result<Option<T>, KeyError> {
        let mut watched = Arc::clone(&self.0).lock_owned().await;
        let done = tokio::task::spawn_blocking(move || work(&mut watched)).await;
        // It panics only if it was cancelled while shutting down; then there is nothing new.
        done.unwrap_or(Ok(None))
    }
}

impl Watched {
    fn look(&mut self, now: UnixSeconds) -> Result<Option<(KeyRing, Vec<KeyNotice>)>, KeyError> {
        if !self.watch.poll() {
            return Ok(None);
        }
        match self.store.load(Some(&self.loaded)) {
            Ok(loaded) => {
                let notices = KeyNotice::between(&self.loaded, &loaded, now);
                self.loaded = loaded;
                self.report();
                let ring = self.loaded.ring();
                tracing::info!(
                    key.active = ring.active().map(|id| id.to_string()),
                    key.count = ring.verifying().len(),
                    "the keys were read again"
                );
                Ok(Some((ring, notices)))
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
