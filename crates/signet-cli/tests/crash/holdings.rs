//! What an installation holds, read as an instance reads it when it starts.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use signet_core::{KeyId, KeyState, RingName, Scratch};
use signet_keys::{LoadedKeys, ProviderName};
use signet_repository::Repository;
use signet_secret::MasterKeys;
use signet_server::secrets::{Opening, SecretCount, SecretInventory};
use signet_server::{DataDirectory, Instance, Overrides};

/// Everything that must survive.
#[derive(Debug)]
pub(crate) struct Holdings {
    /// The keys, wherever they are.
    pub(crate) keys: Keys,
    /// What is wrong with them, each in a line.
    pub(crate) problems: Vec<String>,
    /// The sealed values.
    pub(crate) sealed: SecretCount,
    /// The tokens that are refused, and why.
    pub(crate) refused: Vec<String>,
}

/// A name of a key: the digest of its ring and bits, checked whenever it is read.
pub(crate) type KeyName = (RingName, KeyId);

/// The state of each key, and where it is.
pub(crate) type Keys = BTreeMap<KeyName, (KeyState, ProviderName)>;

impl Holdings {
    /// What is in the data directory `data`.
    ///
    /// # Errors
    /// It cannot be used.
    pub(crate) fn of(data: &Path, tokens: &[String]) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime
            .block_on(Self::read(data, tokens))
            .map_err(|error| chain(&*error))
    }

    async fn read(data: &Path, tokens: &[String]) -> Result<Self, Failure> {
        let directory = DataDirectory::open(data)?;
        let config = directory.config()?;
        let loaded = directory.key_store(&config)?.load(None)?;
        let (refused, sealed) = judged(&directory, &loaded, tokens).await?;
        let log = directory.audit_log().verify(&[], &[])?;
        if !log.holds() {
            return Err(format!("the audit log is broken: {log:?}").into());
        }
        let token = &config.token;
        let entries = loaded.entries(token.inactivity.0, token.skew.0);
        Ok(Self {
            keys: entries
                .into_iter()
                .map(|key| ((key.ring, key.kid), (key.state, key.provider)))
                .collect(),
            problems: loaded.problems.iter().map(ToString::to_string).collect(),
            sealed,
            refused,
        })
    }

    /// The key of this ring in this state, the first by name if there are several.
    pub(crate) fn key(&self, ring: RingName, state: KeyState) -> KeyId {
        let mut keys = self.keys.iter();
        let found = keys.find(|((of, _), (is, _))| (*of, *is) == (ring, state));
        found.unwrap().0.1
    }

    /// The state of a key.
    pub(crate) fn state(&self, ring: RingName, id: KeyId) -> Option<KeyState> {
        self.keys.get(&(ring, id)).map(|(state, _)| *state)
    }
}

type Failure = Box<dyn Error + Send + Sync>;

/// The tokens that an instance on this data would refuse, and the sealed values in its repository and configuration.
async fn judged(
    directory: &DataDirectory,
    loaded: &LoadedKeys,
    tokens: &[String],
) -> Result<(Vec<String>, SecretCount), Failure> {
    let clock = Arc::new(signet_server::system_clock);
    let instance = Instance::open_existing(directory.clone(), Overrides::default(), clock).await?;
    let site = instance.site();
    let now = site.snapshots.clock.now();
    let refused = site.snapshots.with_verifier(|verifier, _| {
        let judge = |token: &String| {
            let mut scratch = Scratch::default();
            let verdict = verifier.verify(token.as_bytes(), now, &mut scratch);
            verdict.err().map(|denied| denied.to_string())
        };
        tokens.iter().filter_map(judge).collect()
    });
    let counted = sealed(directory, &site.repository, loaded).await;
    site.repository.close().await;
    Ok((refused, counted?))
}

async fn sealed(
    directory: &DataDirectory,
    repository: &Repository,
    loaded: &LoadedKeys,
) -> Result<SecretCount, Failure> {
    let inventory = SecretInventory::of(directory, repository)?;
    let master = MasterKeys::new(loaded);
    let (mut closed, mut done) = (|_| {}, |_| {});
    let count = inventory.examine(&master, Opening::Use, &mut closed, &mut done);
    Ok(count.await?)
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
