use std::fs;

use signet_core::{KeyMaterial, KeyState, UnixSeconds};
use signet_keys::{
    CheckFailure, Deed, Destination, Intent, LoadedKeys, RelocationAide, RelocationOrder,
    RotateMode, StepReport,
};
use signet_repository::Repository;

use super::*;
use crate::config::Config;
use crate::data::DataDirectory;

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);
const HMAC: RingName = RingName::Hmac;

struct Scratch {
    data: DataDirectory,
    config: Config,
    _directory: tempfile::TempDir,
}

impl Scratch {
    /// Two keys in files, and a repository.
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        let data = DataDirectory::open_or_create(&path, "").unwrap();
        let config = data.config().unwrap();
        let scratch = Self {
            data,
            config,
            _directory: directory,
        };
        scratch.open(IfMissing::Create).await.close().await;
        let store = scratch.data.key_store(&scratch.config).unwrap();
        store.create_if_missing(NOW).unwrap();
        scratch
    }

    async fn open(&self, if_missing: IfMissing) -> Repository {
        let opened = self.data.repository(&self.config, if_missing).await;
        opened.unwrap()
    }

    fn provider(&self) -> RepositoryKeys {
        let path = self.data.path().join("repository.db");
        RepositoryKeys::new(RepositoryUrl::sqlite(path))
    }

    fn relocate(&self, to: ProviderName) -> Deed {
        let order = RelocationOrder {
            to: Destination::Place(to),
            intent: Intent::Do,
            backups: self.data.backups_directory(),
            now: NOW,
        };
        let relocation = self.data.relocation(&self.config);
        let moved = relocation.run(&order, &self.data.backup_sealer(), &mut Silent);
        moved.unwrap().deed
    }

    fn load(&self) -> LoadedKeys {
        let store = self.data.key_store(&self.config).unwrap();
        store.load(None).unwrap()
    }
}

struct Silent;

impl RelocationAide for Silent {
    fn took(&mut self, _: &StepReport) {}

    fn before(&mut self, _: &LoadedKeys) -> Result<String, CheckFailure> {
        Ok(String::new())
    }

    fn after(&mut self, _: &LoadedKeys) -> Result<String, CheckFailure> {
        Ok(String::new())
    }
}

fn key(seed: u8, state: KeyState) -> Key {
    let material = KeyMaterial::new([seed; 32]);
    let mut key = Key::new(HMAC, "farm".parse().unwrap(), material, NOW);
    key.state = state;
    key
}

#[tokio::test]
async fn a_row_holds_what_a_key_file_holds() {
    let scratch = Scratch::new().await;
    let provider = scratch.provider();
    provider.prepare().unwrap();
    let before = provider.stamp().unwrap();
    let key = key(7, KeyState::Active);
    provider.write(&key).unwrap();
    assert_ne!(provider.stamp().unwrap(), before);
    let found = provider.scan(HMAC).unwrap();
    let [Found::Readable(read)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(encode_key_file(read), encode_key_file(&key));
    assert_eq!(
        provider.place_of(HMAC, key.id).file_stem().unwrap(),
        key.id.to_string().as_str()
    );
    provider.remove(HMAC, key.id).unwrap();
    assert!(provider.scan(HMAC).unwrap().is_empty());
}

// K1
#[tokio::test]
async fn what_is_no_key_is_named() {
    let scratch = Scratch::new().await;
    let provider = scratch.provider();
    let id = "0".repeat(32);
    provider.rows.put("hmac", &id, b"<html>").unwrap();
    provider.rows.put("hmac", "\u{1b}[2J", b"").unwrap();
    let mut said: Vec<_> = provider
        .scan(HMAC)
        .unwrap()
        .into_iter()
        .map(|found| match found {
            Found::Unreadable { id, problem } => (id.is_some(), problem.to_string()),
            other => panic!("{other:?}"),
        })
        .collect();
    said.sort();
    let path = scratch.data.path().join("repository.db");
    let path = path.display();
    assert_eq!(
        said,
        [
            (
                false,
                format!(
                    "{path}, hmac/\\u{{1b}}[2J: its id is not 32 lower-case hexadecimal digits"
                )
            ),
            (
                true,
                format!("{path}, hmac/{id}: it is a web page, not a key (a saved login page?)")
            ),
        ]
    );
}

#[tokio::test]
async fn without_a_repository_there_is_no_key_and_it_is_not_made() {
    let scratch = Scratch::new().await;
    let path = scratch.data.path().join("repository.db");
    fs::remove_file(&path).unwrap();
    let problem = scratch.provider().scan(HMAC).unwrap_err();
    assert!(matches!(problem.fault, KeyFault::Absent));
    assert_eq!(scratch.provider().stamp(), None);
    assert_eq!(scratch.load().problems.len(), 0);
    assert!(!path.exists());

    fs::write(&path, "something else").unwrap();
    let problem = scratch.provider().scan(HMAC).unwrap_err();
    assert!(!problem.hint().is_empty());
    // Said once, although it is so for both rings; the keys in files are in use.
    let loaded = scratch.load();
    assert_eq!((loaded.problems.len(), loaded.keys.len()), (1, 2));
}

// O6: with an instance that has the repository open all the while.
#[tokio::test]
async fn no_byte_of_a_key_stays_in_the_repository() {
    let scratch = Scratch::new().await;
    let open = scratch.open(IfMissing::Refuse).await;
    assert_eq!(scratch.relocate(ProviderName::Repository), Deed::Moved);
    let keys = scratch.load().keys;
    let store = scratch.data.key_store(&scratch.config).unwrap();
    store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    let bits = |key: &Key| {
        let text = encode_key_file(key);
        let bits = text.split('"').nth(7).unwrap().to_owned();
        [bits.into_bytes(), key.material.expose().to_vec()]
    };
    let is_left = || {
        let files = scratch.provider().traces();
        let files: Vec<u8> = files.iter().flat_map(fs::read).flatten().collect();
        let is_there = |needle: &Vec<u8>| files.windows(needle.len()).any(|part| part == needle);
        keys.iter().flat_map(bits).any(|needle| is_there(&needle))
    };
    assert!(is_left());
    assert_eq!(scratch.relocate(ProviderName::File), Deed::Moved);
    assert!(!is_left());
    assert_eq!(scratch.relocate(ProviderName::File), Deed::Nothing);
    assert_eq!(scratch.load().keys.len(), 3);
    assert!(open.is_in_place());
    assert!(open.head().await.is_ok());
    open.close().await;
}

#[tokio::test]
async fn the_first_start_may_put_keys_into_the_repository() {
    let directory = tempfile::tempdir().unwrap();
    let data = DataDirectory::open_or_create(&directory.path().join("data"), "").unwrap();
    let config = data.config().unwrap();
    let keys = data.path().join("keys");
    signet_keys::private::create_directory(&keys).unwrap();
    fs::write(keys.join("storage"), "repository\n").unwrap();
    let clock = std::sync::Arc::new(|| NOW);
    let instance =
        crate::Instance::open(data.clone(), Default::default(), IfMissing::Create, clock);
    let instance = instance.await.unwrap();
    let loaded = data.key_store(&config).unwrap().load(None).unwrap();
    assert_eq!((loaded.keys.len(), loaded.problems.len()), (2, 0));
    assert!(!keys.join("hmac").exists());
    instance.site().repository.close().await;
}

/// What a running instance makes of a switch of `storage`, and of what happens to the rows.
// Invariant 6
#[tokio::test]
async fn a_running_instance_follows_and_never_lacks_a_key() {
    let scratch = Scratch::new().await;
    let clock = std::sync::Arc::new(|| NOW);
    let instance = crate::Instance::open_existing(scratch.data.clone(), Default::default(), clock);
    let instance = instance.await.unwrap();
    let site = instance.site();
    let verifying = || site.snapshots.keys.load().verifying().collect::<Vec<_>>();
    let first = verifying();
    for to in [
        ProviderName::Repository,
        ProviderName::File,
        ProviderName::Repository,
    ] {
        scratch.relocate(to);
        instance.look().await.unwrap();
        assert_eq!(verifying(), first);
    }
    let store = scratch.data.key_store(&scratch.config).unwrap();
    let second = store.rotate(HMAC, RotateMode::Activate, NOW).unwrap();
    instance.look().await.unwrap();
    assert_eq!(verifying(), [second, first[0]]);

    // The upgrade that looks in the wrong place: it says so, and goes on with what it has.
    fs::write(scratch.data.path().join("keys/storage"), "file").unwrap();
    let complaint = instance.look().await.unwrap_err();
    assert!(complaint.contains("the keys of hmac and master are in the repository"));
    assert_eq!(verifying(), [second, first[0]]);
    scratch.relocate(ProviderName::File);
    instance.look().await.unwrap();
    assert_eq!(verifying(), [second, first[0]]);
    site.repository.close().await;
}
