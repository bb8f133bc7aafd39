mod audit;
mod directory;
mod installation;
mod keys;
mod leftovers;
mod oddities;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use signet_bundle::NodeIdentity;
use signet_core::{KeyId, RingName, UnixSeconds};
use signet_keys::{KeyProvider as _, LoadedKeys, RotateMode};
use signet_repository::{IfMissing, Repository, RepositoryUrl, ResealedRow};
use signet_secret::{MasterKeys, Place};
use tempfile::TempDir;

use super::*;
use crate::config::Config;
use crate::data::DataDirectory;
use crate::health::{Finding, Status};
use crate::repository_keys::RepositoryKeys;

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

/// An installation as a first start leaves it.
struct Patient {
    directory: TempDir,
}

impl Patient {
    fn nobody() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    async fn new() -> Self {
        let patient = Self::nobody();
        DataDirectory::open_or_create(&patient.data(), "").unwrap();
        let store = patient.directory().key_store(&Config::default()).unwrap();
        store.create_if_missing(NOW).unwrap();
        patient.repository(IfMissing::Create).await.close().await;
        patient
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    fn directory(&self) -> DataDirectory {
        DataDirectory::unchecked(&self.data())
    }

    async fn repository(&self, if_missing: IfMissing) -> Repository {
        let config = Config::default();
        let repository = self.directory().repository(&config, if_missing).await;
        repository.unwrap()
    }

    fn rows(&self) -> RepositoryKeys {
        RepositoryKeys::new(RepositoryUrl::sqlite(self.path("repository.db")))
    }

    fn loaded(&self) -> LoadedKeys {
        let store = self.directory().key_store(&Config::default()).unwrap();
        store.load(None).unwrap()
    }

    fn maker(&self, ring: RingName) -> KeyId {
        self.loaded().maker(ring).unwrap().id
    }

    fn key_file(&self, ring: RingName) -> PathBuf {
        self.path(&format!("keys/{ring}/{}.jwk", self.maker(ring)))
    }

    /// Puts the keys into the other place, where `storage` does not look.
    fn copy_keys_into_repository(&self) {
        for key in &self.loaded().keys {
            self.rows().write(key).unwrap();
        }
    }

    async fn seal(&self, place: &str) {
        let place: Place = place.parse().unwrap();
        let sealed = MasterKeys::new(&self.loaded())
            .seal(&place, b"hush")
            .unwrap();
        let repository = self.repository(IfMissing::Refuse).await;
        let sealed = sealed.to_string();
        repository
            .set_secret(place.as_str(), &sealed, NOW)
            .await
            .unwrap();
        repository.close().await;
    }

    async fn examined(&self) -> Vec<Examined> {
        examine(&self.data(), Arc::new(|| NOW)).await
    }

    /// Everything that is told, what is in order aside.
    async fn told(&self) -> Vec<Finding> {
        let examined = self.examined().await;
        let findings = examined.into_iter().flat_map(|examined| examined.findings);
        findings.filter(|finding| !finding.is_good()).collect()
    }

    /// The one thing that is told; paths begin with `DATA`.
    #[track_caller]
    fn only(&self, told: &[Finding]) -> Finding {
        let [finding] = told else {
            panic!("{told:#?}");
        };
        self.shortened(finding)
    }

    /// The one of this code.
    #[track_caller]
    fn found(&self, told: &[Finding], code: &str) -> Finding {
        let found: Vec<_> = told.iter().filter(|finding| finding.code == code).collect();
        let [finding] = found.as_slice() else {
            panic!("{code}: {told:#?}");
        };
        self.shortened(finding)
    }

    fn shortened(&self, finding: &Finding) -> Finding {
        let data = self.data().display().to_string();
        let short = |text: &str| text.replace(&data, "DATA");
        Finding {
            cause: short(&finding.cause),
            effect: short(&finding.effect),
            remedy: short(&finding.remedy),
            ..finding.clone()
        }
    }

    fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// Where it lies matters, so nothing else may be wrong with the machine that tests run on.
fn without_disk(mut told: Vec<Finding>) -> Vec<Finding> {
    told.retain(|finding| !finding.code.starts_with("DISK"));
    told
}

#[tokio::test]
async fn nothing_is_wrong_after_a_first_start_and_nothing_is_changed() {
    let patient = Patient::new().await;
    let before = contents(&patient.data());
    assert_eq!(without_disk(patient.told().await), []);
    assert_eq!(contents(&patient.data()), before);
}

fn contents(directory: &std::path::Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        // What every reader of the repository makes and removes.
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

// O4
#[test]
fn every_code_is_explained() {
    const GUIDE: &str = include_str!("../../../../docs/guides/health.md");
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut codes = std::collections::BTreeSet::new();
    for (file, text) in contents(&source) {
        let inside = ["health", "doctor"].map(|part| source.join(part));
        if inside.iter().any(|part| file.starts_with(part)) && !is_test(&file) {
            codes.extend(codes_in(&String::from_utf8(text).unwrap()));
        }
    }
    assert!(codes.len() > 50, "{codes:?}");
    for code in codes {
        assert!(GUIDE.contains(&format!("`{code}`")), "{code}");
    }
}

fn is_test(file: &std::path::Path) -> bool {
    file.ends_with("tests.rs") || file.components().any(|part| part.as_os_str() == "tests")
}

/// The codes of findings in a source file: the first text in each call that makes one.
fn codes_in(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]").next().unwrap();
    let quoted = text.split('"').skip(1).step_by(2);
    quoted
        .filter(|word| word.len() > 7 && word.contains('_') || *word == "LEFTOVERS")
        .filter(|word| {
            word.bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        })
        .filter(|word| Status::ALL.iter().all(|status| status.as_str() != *word))
        .filter(|word| *word != "SCREAMING_SNAKE_CASE")
        .map(ToOwned::to_owned)
        .collect()
}
