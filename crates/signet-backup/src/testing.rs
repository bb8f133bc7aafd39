//! An installation for one test, and short ways to put it away and back.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use age::x25519;
use signet_bundle::NodeIdentity;
use signet_core::UnixSeconds;
use signet_keys::KeyStore;
use signet_repository::{IfMissing, NewUser, Repository};
use signet_server::{Config, DataDirectory};
use tempfile::TempDir;

use crate::opened::{MAGIC, PURPOSE};
use crate::seal;
use crate::{Backup, BackupError, BackupOptions, FileError, OpenedBackup, Seal, Unseal, back_up};

pub(crate) const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

pub(crate) struct Scene {
    directory: TempDir,
    /// Who can open the backups.
    pub(crate) key: x25519::Identity,
}

impl Scene {
    /// An empty place.
    pub(crate) fn empty() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            key: x25519::Identity::generate(),
        }
    }

    /// With an installation in which there are keys and the user alice.
    pub(crate) async fn new() -> Self {
        Self::configured("").await
    }

    pub(crate) async fn configured(config: &str) -> Self {
        let scene = Self::empty();
        let data = DataDirectory::open_or_create(&scene.data(), config).unwrap();
        let config = data.config().unwrap();
        data.key_store(&config)
            .unwrap()
            .create_if_missing(NOW)
            .unwrap();
        let repository = data.repository(&config, IfMissing::Create).await.unwrap();
        let alice = NewUser::new("alice".parse().unwrap());
        repository.add_user(&alice, NOW).await.unwrap();
        repository.close().await;
        scene
    }

    /// Another scene with the same in it.
    pub(crate) fn copied(&self) -> Self {
        let copy = Self {
            directory: tempfile::tempdir().unwrap(),
            key: self.key.clone(),
        };
        copy_into(self.path(), copy.path());
        copy
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("backup")
    }

    pub(crate) fn installation(&self) -> (DataDirectory, Config) {
        let data = DataDirectory::open(&self.data()).unwrap();
        let config = data.config().unwrap();
        (data, config)
    }

    pub(crate) fn keys(&self) -> KeyStore {
        let (data, config) = self.installation();
        data.key_store(&config).unwrap()
    }

    pub(crate) async fn repository(&self) -> Repository {
        let (data, config) = self.installation();
        data.repository(&config, IfMissing::Refuse).await.unwrap()
    }

    pub(crate) fn options(&self) -> BackupOptions {
        BackupOptions {
            seal: Seal::Recipients(vec![self.key.to_public()]),
            name: "test".parse().unwrap(),
            program: "0.0.0",
            now: NOW,
        }
    }

    pub(crate) async fn back_up(&self) -> Backup {
        self.back_up_to(&self.file()).await.unwrap()
    }

    pub(crate) async fn back_up_to(&self, path: &Path) -> Result<Backup, BackupError> {
        let (data, config) = self.installation();
        back_up(&data, &config, path, &self.options(), |_, _| {}).await
    }

    pub(crate) fn unseal(&self) -> Unseal {
        Unseal::Identities(vec![self.key.clone()])
    }

    pub(crate) fn open(&self) -> Result<OpenedBackup, FileError> {
        OpenedBackup::open(&self.file(), &self.unseal())
    }

    /// Opens and reads all of it.
    pub(crate) fn check(&self) -> Result<(), FileError> {
        self.open()?.check(|_| {}).map(drop)
    }

    /// Seals a backup that no program would make.
    pub(crate) fn forge(&self, magic: &str, list: &[u8], contents: &[u8], identity: &NodeIdentity) {
        let _ = fs::remove_file(self.file());
        let file = fs::File::create(self.file()).unwrap();
        let mut sealed = seal::seal(&self.options().seal, file).unwrap();
        let length = u32::try_from(list.len()).unwrap().to_be_bytes();
        let signature = identity.sign(PURPOSE, list);
        for bytes in [magic.as_bytes(), &length, list, &signature.0, contents] {
            sealed.write_all(bytes).unwrap();
        }
        seal::finish(sealed).unwrap();
    }

    pub(crate) fn forge_list(&self, list: &serde_json::Value, contents: &[u8]) {
        let identity = NodeIdentity::open(&self.data().join("node"))
            .unwrap()
            .unwrap();
        self.forge(MAGIC, list.to_string().as_bytes(), contents, &identity);
    }
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&copy).unwrap();
            fs::set_permissions(&copy, path.metadata().unwrap().permissions()).unwrap();
            copy_into(&path, &copy);
        } else {
            fs::copy(&path, &copy).unwrap();
        }
    }
}

/// Every file below a directory with what is in it, but for what comes and goes.
pub(crate) fn tree(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(directory).unwrap().to_owned();
            let comes_and_goes = |name: &str| {
                name.starts_with("run")
                    || name.ends_with(".lock")
                    || name.contains("-wal")
                    || name.contains("-shm")
            };
            if comes_and_goes(name.to_str().unwrap()) {
                continue;
            }
            match path.is_dir() {
                true => directories.push(path),
                false => {
                    files.insert(name, fs::read(&path).unwrap());
                }
            }
        }
    }
    files
}
