use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use signet_core::{Key, KeyId, KeyState, Seconds, UnixSeconds};
use signet_keys::{KeyStore, RotateMode};
use signet_repository::IfMissing;
use tempfile::TempDir;

use super::*;
use crate::data::DataDirectory;

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

struct Installation {
    _scratch: TempDir,
    path: PathBuf,
    store: KeyStore,
}

impl Installation {
    fn new(config: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("data");
        let data = DataDirectory::open_or_create(&path, config).unwrap();
        let store = data.key_store(&data.config().unwrap()).unwrap();
        store.create_if_missing(NOW).unwrap();
        Self {
            _scratch: scratch,
            path,
            store,
        }
    }

    async fn found(&self, now: UnixSeconds) -> Vec<Finding> {
        look(&Ground::offline(&self.path, Arc::new(move || now))).await
    }

    fn hmac(&self) -> Vec<Key> {
        let loaded = self.store.load(None).unwrap();
        loaded.of(RingName::Hmac).cloned().collect()
    }

    fn file(&self, id: KeyId) -> PathBuf {
        Path::new(&self.path).join(format!("keys/hmac/{id}.jwk"))
    }
}

#[track_caller]
fn told<'f>(findings: &'f [Finding], code: &str) -> &'f Finding {
    let found = findings.iter().find(|finding| finding.code == code);
    found.unwrap_or_else(|| panic!("{code}: {findings:#?}"))
}

#[tokio::test]
async fn keys_in_order_are_named_with_their_age() {
    let installation = Installation::new("");
    let now = NOW.plus(Seconds(3 * 86_400));
    let findings = installation.found(now).await;
    let [finding] = findings.as_slice() else {
        panic!("{findings:#?}");
    };
    let id = installation.hmac()[0].id;
    let words = format!("2 keys in files are in order: hmac {id} active for 3 days, master ");
    assert!(
        finding.is_good() && finding.cause.starts_with(&words),
        "{finding}"
    );
}

#[tokio::test]
async fn a_key_that_should_have_been_followed_is_told() {
    let installation = Installation::new("[keys]\nrotate_every = \"30d\"\n");
    let days = |days: u64| NOW.plus(Seconds(days * 86_400));
    assert!(installation.found(days(31)).await[0].is_good());
    let findings = installation.found(days(32)).await;
    let finding = told(&findings, "KEY_OVERDUE");
    assert_eq!(finding.status, Status::Warn);
    let id = installation.hmac()[0].id;
    assert_eq!(
        finding.cause,
        format!("key {id} of the ring hmac is 32 days old, and keys.rotate_every is 30 days")
    );
    assert!(
        finding
            .remedy
            .starts_with("`signet keys rotate --ring hmac`")
    );
}

#[tokio::test]
async fn a_ring_without_an_active_key_says_what_makes_one() {
    let installation = Installation::new("");
    let first = installation.hmac()[0].id;
    let pending = installation
        .store
        .rotate(RingName::Hmac, RotateMode::Pending, NOW)
        .unwrap();
    fs::remove_file(installation.file(first)).unwrap();
    let findings = installation.found(NOW).await;
    let finding = told(&findings, "NO_ACTIVE_KEY");
    assert_eq!(finding.status, Status::Critical);
    assert_eq!(
        finding.cause,
        "no key of the ring hmac is active, and there is one that is not"
    );
    assert_eq!(finding.remedy, format!("`signet keys activate {pending}`"));

    fs::write(installation.file(pending), "cut").unwrap();
    let findings = installation.found(NOW).await;
    let finding = told(&findings, "NO_ACTIVE_KEY");
    assert_eq!(
        finding.cause,
        "no key of the ring hmac in files can be used"
    );
    // The cause comes first.
    assert_eq!(findings[0].code, "KEY_BAD");
    assert!(
        findings[0]
            .cause
            .ends_with("it is not JSON: line 1, column 1"),
        "{}",
        findings[0]
    );

    fs::remove_file(installation.file(pending)).unwrap();
    let findings = installation.found(NOW).await;
    let finding = told(&findings, "NO_ACTIVE_KEY");
    assert_eq!(finding.cause, "there is no key of the ring hmac in files");
    assert!(
        finding.remedy.contains("its keys may be in the repository"),
        "{finding}"
    );
    let data = DataDirectory::unchecked(&installation.path);
    let config = data.config().unwrap();
    let repository = data.repository(&config, IfMissing::Create);
    repository.await.unwrap().close().await;
    let findings = installation.found(NOW).await;
    let finding = told(&findings, "NO_ACTIVE_KEY");
    assert!(
        finding.remedy.contains("only if there is none"),
        "{finding}"
    );
    fs::write(
        installation.path.join("signet.toml"),
        "role = \"publish\"\n",
    )
    .unwrap();
    let findings = installation.found(NOW).await;
    assert!(
        told(&findings, "NO_ACTIVE_KEY")
            .remedy
            .contains("from the author")
    );
}

// K5
#[tokio::test]
async fn a_revoked_key_makes_nothing_whatever_its_file_says() {
    let installation = Installation::new("");
    let id = installation.hmac()[0].id;
    assert_eq!(installation.hmac()[0].state, KeyState::Active);
    fs::write(
        installation.path.join("keys/revoked"),
        format!("hmac {id}\n"),
    )
    .unwrap();
    let findings = installation.found(NOW).await;
    assert_eq!(told(&findings, "NO_ACTIVE_KEY").status, Status::Critical);
}

/// Nobody who reads what is found may be led to make other keys.
#[track_caller]
fn replaces_nothing(findings: &[Finding]) {
    for finding in findings {
        let text = finding.to_string();
        assert!(
            ![
                "NO_ACTIVE_KEY",
                "SECRET_KEY_MISSING",
                "keys rotate",
                "seal the secret anew"
            ]
            .iter()
            .any(|words| text.contains(words)),
            "{findings:#?}"
        );
    }
}

// K3
#[tokio::test]
async fn keys_that_cannot_be_seen_are_not_called_missing() {
    let installation = Installation::new("");
    fs::write(installation.path.join("keys/storage"), "repository").unwrap();
    fs::remove_dir_all(installation.path.join("keys/hmac")).unwrap();
    fs::remove_dir_all(installation.path.join("keys/master")).unwrap();
    let findings = installation.found(NOW).await;
    let [finding] = findings.as_slice() else {
        panic!("{findings:#?}");
    };
    assert_eq!(
        (finding.code, finding.status),
        ("KEYS_UNKNOWN", Status::Critical)
    );
    assert_eq!(
        finding.cause,
        "the keys are in the repository, which cannot be read: there is no repository"
    );
    replaces_nothing(&findings);

    let data = DataDirectory::unchecked(&installation.path);
    let config = data.config().unwrap();
    let repository = data.repository(&config, IfMissing::Create).await.unwrap();
    repository.close().await;
    let findings = installation.found(NOW).await;
    assert_eq!(told(&findings, "NO_ACTIVE_KEY").status, Status::Critical);

    let file = installation.path.join("repository.db");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let findings = installation.found(NOW).await;
    assert!(
        told(&findings, "KEYS_UNKNOWN")
            .cause
            .contains("open to others"),
        "{findings:#?}"
    );
    replaces_nothing(&findings);

    // They may as well be there when the file that says so is lost.
    fs::remove_file(installation.path.join("keys/storage")).unwrap();
    let findings = installation.found(NOW).await;
    let finding = told(&findings, "NO_ACTIVE_KEY");
    assert!(
        finding
            .remedy
            .starts_with("its keys may be in the repository, which cannot be looked into now"),
        "{finding}"
    );
    assert!(!finding.remedy.contains("keys rotate"), "{finding}");
    fs::write(installation.path.join("keys/storage"), "somewhere").unwrap();
    let findings = installation.found(NOW).await;
    let finding = told(&findings, "STORAGE_WRONG");
    assert!(
        finding
            .remedy
            .starts_with("there are no keys in files, and the check `repository`"),
        "{finding}"
    );
}

#[tokio::test]
async fn a_list_of_revoked_keys_that_cannot_be_read_has_no_bad_line() {
    let installation = Installation::new("");
    let file = installation.path.join("keys/revoked");
    fs::create_dir(&file).unwrap();
    let remedy = |findings: &[Finding]| told(findings, "REVOKED_UNREADABLE").remedy.clone();
    let text = remedy(&installation.found(NOW).await);
    assert!(
        text.starts_with("make it a file that the instance's user can read: `ls -l '"),
        "{text}"
    );
    fs::remove_dir(&file).unwrap();
    fs::write(&file, "hmac xyz\n").unwrap();
    let text = remedy(&installation.found(NOW).await);
    assert!(text.starts_with("mend the line by hand"), "{text}");
}
