use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use signet_core::KeyState;
use signet_keys::RotateMode;
use signet_repository::{NewUser, Repository};

use super::*;
use crate::testing::{NOW, Scene};
use crate::{FileError, OpenedBackup, SealKind, Unseal};

fn names(backup: &Backup) -> Vec<&str> {
    let entries = backup.manifest.entries.iter();
    entries.map(|entry| entry.name.as_str()).collect()
}

#[tokio::test]
async fn a_backup_holds_what_belongs_to_an_installation() {
    let scene = Scene::new().await;
    let data = scene.data();
    fs::write(data.join("initialised"), "yes\n").unwrap();
    fs::write(data.join("audit.log"), "line\n").unwrap();
    fs::write(data.join("keys/revoked"), "").unwrap();
    fs::write(data.join("tls.pem"), "certificate").unwrap();
    fs::write(data.join("first-password"), "PASSWORD").unwrap();
    let (granite, config) = scene.installation();
    let bits = zeroize::Zeroizing::new([7; 16]);
    let granite_key = signet_keys::granite::GraniteKey::new(bits, NOW);
    granite
        .key_store(&config)
        .unwrap()
        .insert_granite(&granite_key)
        .unwrap();

    let backup = scene.back_up().await;
    let mut names = names(&backup);
    names.sort_unstable();
    let hmac = scene.keys().load(None).unwrap();
    for key in &hmac.keys {
        let name = format!("keys/{}/{}.jwk", key.ring, key.id);
        assert!(names.contains(&name.as_str()), "{name}: {names:?}");
    }
    let granite = format!("keys/granite/{}.jwk", granite_key.id());
    for name in [
        "audit.log",
        "format",
        "initialised",
        "keys/revoked",
        "keys/storage",
        "node/age.key",
        "node/signing.key",
        "repository.db",
        "signet.toml",
        &granite,
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert_eq!(names.len(), 12, "{names:?}");
    assert_eq!(backup.strange, [PathBuf::from("tls.pem")]);
    assert!(backup.left_out.is_empty());
    assert_eq!(backup.manifest.farm.as_ref(), Some(&hmac.keys[0].farm));

    let mode = fs::metadata(scene.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let bytes = fs::read(scene.file()).unwrap();
    assert_eq!(bytes.len() as u64, backup.size);
    assert!(
        !bytes.windows(5).any(|window| window == b"alice"),
        "it is sealed"
    );
    let left: Vec<_> = fs::read_dir(scene.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "only the data and the backup: {left:?}");
    let copies = fs::read_dir(&data).unwrap();
    let copies = copies.filter(|e| {
        e.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with(".backup")
    });
    assert_eq!(copies.count(), 0, "no copy is left");

    let mut last = 0;
    let manifest = scene.open().unwrap().check(|done| last = done).unwrap();
    assert_eq!(last, manifest.bytes());
    assert_eq!((manifest.made, manifest.program.as_str()), (NOW, "0.0.0"));
    assert_eq!(manifest.node.name().as_str(), "test");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_of_one_moment_while_everything_changes() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let store = scene.keys();
    let writer = tokio::spawn(async move {
        for n in 0..200 {
            let user = NewUser::new(format!("user-{n}").parse().unwrap());
            repository.add_user(&user, NOW).await.unwrap();
        }
    });
    let rotator = std::thread::spawn(move || {
        for _ in 0..10 {
            store
                .rotate(RingName::Hmac, RotateMode::Activate, NOW)
                .unwrap();
        }
    });
    let backup = scene.back_up().await;
    writer.await.unwrap();
    rotator.join().unwrap();
    scene.check().unwrap();
    assert!(backup.left_out.is_empty(), "{:?}", backup.left_out);

    let restored = scene.path().join("restored");
    let options = crate::RestoreOptions {
        existing: crate::Existing::Refuse,
        sessions: crate::Sessions::Keep,
        identity: crate::Identity::Restored,
        from: None,
        now: NOW,
    };
    crate::restore(scene.open().unwrap(), &restored, &options, &mut ())
        .await
        .unwrap();
    let data = DataDirectory::open(&restored).unwrap();
    let config = data.config().unwrap();
    let keys = data.key_store(&config).unwrap().load(None).unwrap();
    let active = keys
        .of(RingName::Hmac)
        .filter(|key| key.state == KeyState::Active);
    assert_eq!(active.count(), 1, "no rotation was seen half");
    let repository: Repository = data.repository(&config, IfMissing::Refuse).await.unwrap();
    let users = repository.count_users().await.unwrap();
    assert_eq!(repository.head().await.unwrap().0, users);
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let scene = Scene::new().await;
    fs::write(scene.file(), "precious").unwrap();
    let error = scene.back_up_to(&scene.file()).await.unwrap_err();
    assert!(matches!(error, BackupError::Exists(_)), "{error:?}");
    assert_eq!(fs::read_to_string(scene.file()).unwrap(), "precious");
    let dangling = scene.path().join("link");
    symlink(scene.path().join("nowhere"), &dangling).unwrap();
    let error = scene.back_up_to(&dangling).await.unwrap_err();
    assert!(matches!(error, BackupError::Exists(_)), "{error:?}");

    let inside = scene.data().join("backup");
    let error = scene.back_up_to(&inside).await.unwrap_err();
    assert!(matches!(error, BackupError::InsideData(_)), "{error:?}");
    let nowhere = scene.path().join("nowhere/backup");
    let error = scene.back_up_to(&nowhere).await.unwrap_err();
    assert!(matches!(error, BackupError::Write { .. }), "{error:?}");
    assert!(error.hint().contains("exists"));
}

#[tokio::test]
async fn one_that_crashed_is_swept_and_one_that_runs_is_not_disturbed() {
    let scene = Scene::new().await;
    let part = scene.path().join("backup.part");
    fs::write(&part, "half of a backup").unwrap();
    fs::set_permissions(&part, fs::Permissions::from_mode(0o644)).unwrap();
    let old = scene.data().join(".backup-0011223344556677.db");
    fs::write(&old, "half of a copy").unwrap();
    fs::write(scene.data().join(".backup-8899.lock"), "").unwrap();

    let other = Target::new(&scene.file(), &scene.data()).unwrap();
    let error = scene.back_up_to(&scene.file()).await.unwrap_err();
    assert!(matches!(error, BackupError::Busy(_)), "{error:?}");
    drop(other);
    let running = Copy::new(&scene.data()).unwrap();
    fs::write(&running.path, "being written").unwrap();
    scene.back_up().await;
    assert!(!part.exists() && !old.exists());
    assert!(running.path.exists(), "that of another backup stays");
    drop(running);
    let left = fs::read_dir(scene.data()).unwrap();
    let left = left.filter(|e| {
        e.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with(".backup")
    });
    assert_eq!(left.count(), 0);
    scene.check().unwrap();
}

#[tokio::test]
async fn what_cannot_be_put_away_is_named() {
    let scene = Scene::new().await;
    let hmac = scene.data().join("keys/hmac");
    let id = "0123456789abcdef0123456789abcdef";
    fs::write(hmac.join(format!("{id}.jwk")), "<html>").unwrap();
    fs::write(hmac.join("copy of a key.jwk"), "?").unwrap();
    symlink(
        "/etc/hostname",
        scene.data().join(format!("keys/master/{id}.jwk")),
    )
    .unwrap();
    let backup = scene.back_up().await;
    let reasons: Vec<_> = backup
        .left_out
        .iter()
        .map(|left| left.reason.as_str())
        .collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(!names(&backup).iter().any(|name| name.contains(id)));

    // Without its keys or its repository it is no installation any more.
    fs::remove_file(scene.data().join("repository.db")).unwrap();
    let error = scene
        .back_up_to(&scene.path().join("other"))
        .await
        .unwrap_err();
    assert!(matches!(error, BackupError::Repository(_)), "{error:?}");
    assert!(!scene.path().join("other").exists() && !scene.path().join("other.part").exists());
}

#[tokio::test]
async fn it_opens_for_those_it_is_sealed_for() {
    let scene = Scene::new().await;
    scene.back_up().await;
    assert_eq!(SealKind::of(&scene.file()).unwrap(), SealKind::Recipients);
    let stranger = Unseal::Identities(vec![age::x25519::Identity::generate()]);
    let error = OpenedBackup::open(&scene.file(), &stranger).unwrap_err();
    assert!(matches!(error, FileError::NotForUs), "{error:?}");
    let passphrase = Unseal::Passphrase("correct horse battery".to_owned().into());
    let error = OpenedBackup::open(&scene.file(), &passphrase).unwrap_err();
    assert!(matches!(error, FileError::NeedsIdentity), "{error:?}");
    let nobody = BackupOptions {
        seal: Seal::Recipients(Vec::new()),
        ..scene.options()
    };
    let (data, config) = scene.installation();
    let other = scene.path().join("other");
    let error = back_up(&data, &config, &other, &nobody, |_, _| {})
        .await
        .unwrap_err();
    assert!(matches!(error, BackupError::Nobody), "{error:?}");
}

#[tokio::test]
async fn a_passphrase_opens_it_and_another_does_not() {
    let scene = Scene::new().await;
    let options = BackupOptions {
        seal: Seal::Passphrase("correct horse battery".to_owned().into()),
        ..scene.options()
    };
    let (data, config) = scene.installation();
    back_up(&data, &config, &scene.file(), &options, |_, _| {})
        .await
        .unwrap();
    assert!(!format!("{options:?}").contains("horse"));
    assert_eq!(SealKind::of(&scene.file()).unwrap(), SealKind::Passphrase);
    let unseal = |text: &str| Unseal::Passphrase(text.to_owned().into());
    OpenedBackup::open(&scene.file(), &unseal("correct horse battery"))
        .unwrap()
        .check(|_| {})
        .unwrap();
    let error = OpenedBackup::open(&scene.file(), &unseal("correct horse")).unwrap_err();
    assert!(matches!(error, FileError::WrongPassphrase), "{error:?}");
    let error = OpenedBackup::open(&scene.file(), &scene.unseal()).unwrap_err();
    assert!(matches!(error, FileError::NeedsPassphrase), "{error:?}");
}
