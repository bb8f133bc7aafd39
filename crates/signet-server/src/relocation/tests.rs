use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use signet_core::{RingName, UnixSeconds};
use signet_keys::KeyStore;
use signet_repository::Repository;

use super::*;

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

struct Scratch {
    data: DataDirectory,
    config: Config,
    directory: tempfile::TempDir,
}

impl Scratch {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::open_or_create(&directory.path().join("data"), "").unwrap();
        let config = data.config().unwrap();
        let scratch = Self {
            data,
            config,
            directory,
        };
        scratch.store().create_if_missing(NOW).unwrap();
        scratch.open(IfMissing::Create).await.close().await;
        scratch
    }

    fn store(&self) -> KeyStore {
        self.data.key_store(&self.config).unwrap()
    }

    async fn open(&self, if_missing: IfMissing) -> Repository {
        let opened = self.data.repository(&self.config, if_missing).await;
        opened.unwrap()
    }

    /// Puts a text into the place of a secret.
    async fn put(&self, place: &str, value: &str) {
        let repository = self.open(IfMissing::Refuse).await;
        repository.set_secret(place, value, NOW).await.unwrap();
        repository.close().await;
    }

    async fn seal(&self, place: &str) {
        let master = MasterKeys::new(&self.store().load(None).unwrap());
        let sealed = master.seal(&place.parse().unwrap(), b"secret").unwrap();
        self.put(place, &sealed.to_string()).await;
    }

    fn beside(&self) -> PathBuf {
        self.directory.path().join("data.rehearsal")
    }
}

fn listing(directory: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let mode = path.symlink_metadata().unwrap().permissions().mode();
            if path.is_dir() {
                directories.push(path.clone());
            }
            found.push((path, mode));
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn whatever_opened_before_must_open_afterwards() {
    let scratch = Scratch::new().await;
    let keys = scratch.store().load(None).unwrap();
    let mut sealed = SealedValues::of(&scratch.data, &scratch.config);
    assert_eq!(
        sealed.before(&keys).unwrap(),
        "nothing is sealed yet; a secret sealed for this opens"
    );
    scratch.seal("client/ims/secret").await;
    scratch.seal("client/other/secret").await;
    // Sealed for another place: it never opened.
    let repository = scratch.open(IfMissing::Refuse).await;
    let value = repository
        .secret("client/ims/secret")
        .await
        .unwrap()
        .unwrap();
    repository.close().await;
    scratch.put("client/moved/secret", &value).await;

    assert_eq!(
        sealed.before(&keys).unwrap(),
        "2 of 3 sealed values open, and a secret sealed for this; 1 did not open before either"
    );
    assert_eq!(
        sealed.after(&keys).unwrap(),
        "2 of 3 sealed values open, and a secret sealed for this"
    );
    let mut others = scratch.store().load(None).unwrap();
    others.keys.retain(|key| key.ring == RingName::Hmac);
    let error = sealed.after(&others).unwrap_err().to_string();
    assert!(error.contains("sealed before does not open"), "{error}");
    sealed.probe = None;
    let error = sealed.after(&others).unwrap_err().to_string();
    assert!(
        error.contains("client/ims/secret") && error.contains("client/other/secret"),
        "{error}"
    );
    assert!(!error.contains("client/moved/secret"), "{error}");
}

#[tokio::test]
async fn a_rehearsal_is_a_copy_and_goes() {
    let scratch = Scratch::new().await;
    scratch.seal("client/ims/secret").await;
    let key = scratch.store().load(None).unwrap().keys[0].id;
    let file = scratch.data.path().join(format!("keys/hmac/{key}.jwk"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let before = listing(scratch.directory.path());

    let rehearsal = Rehearsal::of(&scratch.data, &scratch.config, |_| ())
        .await
        .unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(rehearsal.data().path()), 0o700);
    // What is wrong with the original is wrong with the copy.
    let copy = rehearsal.data().path().join(format!("keys/hmac/{key}.jwk"));
    assert_eq!(mode(&copy), 0o640);
    assert_eq!(rehearsal.data().path(), scratch.beside());
    let repository = rehearsal
        .data()
        .repository(rehearsal.config(), IfMissing::Refuse)
        .await
        .unwrap();
    assert_eq!(repository.count_secrets().await.unwrap(), 1);
    repository.close().await;

    assert!(matches!(
        Rehearsal::of(&scratch.data, &scratch.config, |_| ()).await,
        Err(RehearsalError::Running(_))
    ));
    drop(rehearsal);
    assert_eq!(listing(scratch.directory.path()), before);
}

#[tokio::test]
async fn a_rehearsal_that_died_is_removed_and_nothing_else_is() {
    let scratch = Scratch::new().await;
    let beside = scratch.beside();
    fs::create_dir(&beside).unwrap();
    fs::write(beside.join("letters.txt"), "dear").unwrap();
    assert!(matches!(
        Rehearsal::of(&scratch.data, &scratch.config, |_| ()).await,
        Err(RehearsalError::Foreign(_))
    ));
    assert!(beside.join("letters.txt").exists());
    fs::write(beside.join("rehearsal"), "").unwrap();
    let rehearsal = Rehearsal::of(&scratch.data, &scratch.config, |_| ())
        .await
        .unwrap();
    assert!(!beside.join("letters.txt").exists());
    drop(rehearsal);
    assert!(!beside.exists());
}
