//! What an installation holds, read as an instance reads it when it starts.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use signet_core::{KeyId, KeyState, RingName, Scratch};
use signet_keys::{LoadedKeys, ProviderName};
use signet_repository::{Repository, UserPage};
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
    /// What is sealed in the repository, opened, by its place.
    pub(crate) secrets: BTreeMap<String, String>,
    /// The groups of each user.
    pub(crate) users: BTreeMap<String, Vec<String>>,
    /// The keys of the tokens that are refused, and why.
    pub(crate) refused: Vec<(KeyId, String)>,
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
        let judged = judged(&directory, &loaded, tokens).await?;
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
            sealed: judged.sealed,
            secrets: judged.secrets,
            users: judged.users,
            refused: judged.refused,
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

/// What an instance on this data says.
struct Judged {
    refused: Vec<(KeyId, String)>,
    sealed: SecretCount,
    secrets: BTreeMap<String, String>,
    users: BTreeMap<String, Vec<String>>,
}

async fn judged(
    directory: &DataDirectory,
    loaded: &LoadedKeys,
    tokens: &[String],
) -> Result<Judged, Failure> {
    let clock = Arc::new(signet_server::system_clock);
    let instance = Instance::open_existing(directory.clone(), Overrides::default(), clock).await?;
    let site = instance.site();
    let now = site.snapshots.clock.now();
    let refused = site.snapshots.with_verifier(|verifier, _| {
        let judge = |token: &String| {
            let mut scratch = Scratch::default();
            let verdict = verifier.verify(token.as_bytes(), now, &mut scratch);
            verdict
                .err()
                .map(|denied| (key_of(token), denied.to_string()))
        };
        tokens.iter().filter_map(judge).collect()
    });
    let master = MasterKeys::new(loaded);
    let judged = Judged {
        refused,
        sealed: sealed(directory, &site.repository, &master).await?,
        secrets: secrets(&site.repository, &master).await?,
        users: users(&site.repository).await?,
    };
    site.repository.close().await;
    Ok(judged)
}

/// The key that made a token, as its protected header says.
fn key_of(token: &str) -> KeyId {
    let header = token.split('.').next().unwrap();
    let header = BASE64URL_NOPAD.decode(header.as_bytes()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().parse().unwrap()
}

async fn sealed(
    directory: &DataDirectory,
    repository: &Repository,
    master: &MasterKeys,
) -> Result<SecretCount, Failure> {
    let inventory = SecretInventory::of(directory, repository)?;
    let (mut closed, mut done) = (|_| {}, |_| {});
    let count = inventory.examine(master, Opening::Use, &mut closed, &mut done);
    Ok(count.await?)
}

/// Those that open; how many do not is counted.
async fn secrets(
    repository: &Repository,
    master: &MasterKeys,
) -> Result<BTreeMap<String, String>, Failure> {
    let sealed = repository.secrets_after("", MANY).await?;
    let open = |(place, value): (String, String)| {
        let opened = master.open_text(&place.parse().ok()?, &value).ok()?;
        Some((place, String::from_utf8(opened.to_vec()).ok()?))
    };
    Ok(sealed.into_iter().filter_map(open).collect())
}

async fn users(repository: &Repository) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let page = UserPage {
        limit: MANY,
        ..UserPage::default()
    };
    let accounts = repository.users(&page).await?.into_iter();
    let known = accounts.map(|account| {
        let groups = account.record.groups.iter().map(ToString::to_string);
        (account.record.subject.to_string(), groups.collect())
    });
    Ok(known.collect())
}

/// More than there are.
const MANY: u32 = 100;

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
