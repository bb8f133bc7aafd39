use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use signet_audit::{Action, Actor, Event, Origin};
use signet_core::KeyId;
use signet_keys::LoadedKeys;
use signet_repository::IfMissing;

use super::*;

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

struct Scratch {
    _directory: tempfile::TempDir,
    data: DataDirectory,
    config: Config,
    kid: KeyId,
}

impl Scratch {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::open_or_create(&directory.path().join("data"), "").unwrap();
        let config = data.config().unwrap();
        let keys = data.key_store(&config).unwrap();
        let made = keys.create_if_missing(NOW).unwrap();
        let master = made.iter().find(|(ring, _)| *ring == RingName::Master);
        Self {
            kid: master.unwrap().1,
            _directory: directory,
            data,
            config,
        }
    }

    fn file(&self) -> PathBuf {
        let name = format!("{}.jwk", self.kid);
        self.data.path().join("keys/master").join(name)
    }

    fn seen(&self) -> Vec<Sighting> {
        last_seen(&self.data, &self.config, self.kid)
    }

    fn loaded(&self) -> LoadedKeys {
        let store = self.data.key_store(&self.config).unwrap();
        store.load(None).unwrap()
    }
}

#[test]
fn a_key_in_its_place_and_one_that_never_was_are_seen_nowhere() {
    let scratch = Scratch::new();
    assert_eq!(scratch.seen(), []);
    fs::remove_file(scratch.file()).unwrap();
    assert_eq!(scratch.seen(), []);
}

#[tokio::test]
async fn the_other_place_is_looked_into() {
    let scratch = Scratch::new();
    let repository = scratch
        .data
        .repository(&scratch.config, IfMissing::Create)
        .await;
    repository.unwrap().close().await;
    let url = RepositoryUrl::sqlite(&scratch.config.repository.url.path).under(scratch.data.path());
    let rows = RepositoryKeys::new(url);
    for key in &scratch.loaded().keys {
        rows.write(key).unwrap();
    }
    fs::remove_file(scratch.file()).unwrap();
    assert_eq!(
        scratch.seen(),
        [Sighting::OtherPlace(ProviderName::Repository)]
    );
    let sighting = &scratch.seen()[0];
    assert_eq!(
        sighting.to_string(),
        "the repository, which keys/storage does not name"
    );
    assert!(
        sighting
            .remedy()
            .unwrap()
            .contains("signet keys relocate --to file")
    );
}

#[test]
fn a_file_in_the_wrong_place_or_with_a_wrong_name_is_found() {
    let scratch = Scratch::new();
    let elsewhere = scratch.data.path().join("keys/old/copy.txt");
    fs::create_dir(elsewhere.parent().unwrap()).unwrap();
    fs::rename(scratch.file(), &elsewhere).unwrap();
    let sighting = Sighting::Misplaced {
        path: elsewhere.clone(),
        belongs: scratch.file(),
    };
    assert_eq!(
        sighting.remedy().unwrap(),
        format!(
            "`mv '{}' '{}'`",
            elsewhere.display(),
            scratch.file().display()
        )
    );
    assert_eq!(scratch.seen(), [sighting]);
    fs::write(scratch.file(), "<html>log in").unwrap();
    fs::set_permissions(scratch.file(), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(scratch.seen().contains(&Sighting::Namesake(scratch.file())));
}

#[test]
fn a_sealed_backup_of_this_instance_is_looked_into() {
    let scratch = Scratch::new();
    let identity = NodeIdentity::open_or_create(&scratch.data.path().join("node")).unwrap();
    let backups = scratch.data.path().join("backups");
    fs::create_dir(&backups).unwrap();
    let plain = format!("hmac\nmaster {}\n", scratch.kid);
    let backup = backups.join("keys-20260101-000000.sealed");
    fs::write(&backup, identity.seal_for_self(plain.as_bytes()).unwrap()).unwrap();
    fs::write(backups.join("other.sealed"), "closed").unwrap();
    let manifest = backups.join("manifest.json");
    fs::write(
        &manifest,
        json!({ "keys": [scratch.kid.to_string()] }).to_string(),
    )
    .unwrap();
    assert_eq!(
        scratch.seen(),
        [Sighting::Backup(backup), Sighting::Backup(manifest)]
    );
}

#[test]
fn the_last_line_of_the_log_that_names_it_is_told() {
    let scratch = Scratch::new();
    let log = scratch.data.audit_log();
    for (action, object) in [
        ("key.rotate", scratch.kid.to_string()),
        ("key.retire", scratch.kid.to_string()),
        ("user.add", "alice".to_owned()),
    ] {
        let event = Event {
            who: Actor::signet(),
            from: Origin::Command { terminal: false },
            action: Action::literal(action),
            object,
            detail: json!({}),
            instance: "a".to_owned(),
        };
        log.append(&event, NOW).unwrap();
    }
    assert_eq!(
        scratch.seen()[0].to_string(),
        "line 2 of the audit log (key.retire by signet, 2026-01-01 00:00:00 UTC)"
    );
}
