mod faults;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use signet_bundle::NodeIdentity;
use signet_core::{KeyState, Mark, MarkId, RingName};
use signet_keys::{Lock, RotateMode};
use signet_repository::{IfMissing, MarkReason, NewUser};
use signet_server::DataDirectory;

use super::*;
use crate::FileError;
use crate::testing::{NOW, Scene, tree};

fn options() -> RestoreOptions {
    RestoreOptions {
        existing: Existing::Refuse,
        sessions: Sessions::End,
        identity: Identity::Restored,
        from: None,
        now: NOW,
    }
}

fn replacing() -> RestoreOptions {
    RestoreOptions {
        existing: Existing::Replace,
        ..options()
    }
}

async fn put_back(
    scene: &Scene,
    data: &Path,
    options: &RestoreOptions,
) -> Result<Restored, RestoreError> {
    restore(scene.open().unwrap(), data, options, &mut ()).await
}

async fn refused(scene: &Scene, data: &Path, options: &RestoreOptions) -> RestoreError {
    let before = data.is_dir().then(|| tree(data));
    let error = put_back(scene, data, options).await.unwrap_err();
    assert!(!error.hint().is_empty(), "{error:?}");
    assert_eq!(
        data.is_dir().then(|| tree(data)),
        before,
        "nothing was changed"
    );
    let beside = fs::read_dir(data.parent().unwrap()).unwrap();
    for entry in beside {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(!name.contains("restor"), "{name} is left");
    }
    error
}

async fn end_session(scene: &Scene, n: u8) {
    let repository = scene.repository().await;
    let mark = Mark {
        id: MarkId([n; 16]),
        until: UnixSeconds(NOW.0 + 1_000),
    };
    let alice = "alice".parse().unwrap();
    repository
        .add_mark(mark, Some(&alice), MarkReason::Logout, NOW)
        .await
        .unwrap();
    repository.close().await;
}

async fn generation(scene: &Scene, name: &str) -> u32 {
    let repository = scene.repository().await;
    let account = repository
        .user(&name.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    account.record.generation.0
}

#[tokio::test]
async fn everything_comes_back_where_nothing_is() {
    let scene = Scene::new().await;
    fs::write(scene.data().join("audit.log"), "one\n").unwrap();
    let backup = scene.back_up().await;
    let before = tree(&scene.data());
    for name in ["missing", "empty"] {
        let data = scene.path().join(name);
        if name == "empty" {
            fs::create_dir(&data).unwrap();
        }
        let keep = RestoreOptions {
            sessions: Sessions::Keep,
            ..options()
        };
        let mut last = Last(0);
        let restored = restore(scene.open().unwrap(), &data, &keep, &mut last)
            .await
            .unwrap();
        assert_eq!(last.0, backup.manifest.bytes());
        assert_eq!(
            (restored.aside, restored.kept, restored.ended),
            (None, None, None)
        );
        let mut after = tree(&data);
        let repository = after.remove(Path::new("repository.db")).unwrap();
        assert!(repository.len() > 4_096);
        let mut before = before.clone();
        before.remove(Path::new("repository.db"));
        assert_eq!(after, before);
        for (path, mode) in [
            ("", 0o700),
            ("keys/hmac", 0o700),
            ("keys/storage", 0o600),
            ("repository.db", 0o600),
        ] {
            let metadata = fs::metadata(data.join(path)).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, mode, "{path}");
        }
        let opened = DataDirectory::open(&data).unwrap();
        let config = opened.config().unwrap();
        let repository = opened.repository(&config, IfMissing::Refuse).await.unwrap();
        assert_eq!(repository.count_users().await.unwrap(), 1);
    }
    let left = fs::read_dir(scene.path()).unwrap().count();
    assert_eq!(left, 4, "data, backup, missing, empty");
}

// S6
#[tokio::test]
async fn where_nothing_is_there_to_ask_everybody_logs_in_again() {
    let scene = Scene::new().await;
    scene.back_up().await;
    // Ended after the backup, and then the disk was lost.
    let repository = scene.repository().await;
    for _ in 0..5 {
        repository
            .end_sessions(&"alice".parse().unwrap(), NOW)
            .await
            .unwrap();
    }
    repository.close().await;
    fs::remove_dir_all(scene.data()).unwrap();
    let restored = put_back(&scene, &scene.data(), &options()).await.unwrap();
    assert_eq!(restored.ended, Some(1));
    assert!(
        generation(&scene, "alice").await > 6,
        "behind all that there were"
    );
}

// S6
#[tokio::test]
async fn what_ended_since_stays_ended() {
    let scene = Scene::new().await;
    end_session(&scene, 1).await;
    fs::write(scene.data().join("audit.log"), "one\n").unwrap();
    scene.back_up().await;
    let first = scene
        .keys()
        .load(None)
        .unwrap()
        .maker(RingName::Hmac)
        .unwrap()
        .id;

    end_session(&scene, 2).await;
    let repository = scene.repository().await;
    repository
        .end_sessions(&"alice".parse().unwrap(), NOW)
        .await
        .unwrap();
    repository
        .add_user(&NewUser::new("bob".parse().unwrap()), NOW)
        .await
        .unwrap();
    let head = repository.head().await.unwrap();
    repository.close().await;
    let second = scene
        .keys()
        .rotate(RingName::Hmac, RotateMode::Activate, NOW)
        .unwrap();
    scene.keys().revoke(first).unwrap();
    let master = scene
        .keys()
        .rotate(RingName::Master, RotateMode::Pending, NOW)
        .unwrap();
    let bits = zeroize::Zeroizing::new([9; 16]);
    let granite = signet_keys::granite::GraniteKey::new(bits, NOW);
    scene.keys().insert_granite(&granite).unwrap();
    fs::write(scene.data().join("audit.log"), "one\ntwo\n").unwrap();
    fs::write(
        scene.data().join("signet.toml"),
        "name = \"broken since\"\n",
    )
    .unwrap();
    let newer = tree(&scene.data());

    let restored = put_back(&scene, &scene.data(), &replacing()).await.unwrap();
    let kept = restored.kept.unwrap();
    assert_eq!((kept.keys, kept.revoked, kept.audit), (3, 1, true));
    let united = kept.repository.unwrap();
    assert_eq!((united.marks, united.raised, united.new), (1, 1, 1));
    assert_eq!(restored.ended, None, "it is known what ended");

    let repository = scene.repository().await;
    assert_eq!(repository.count_marks().await.unwrap(), 2);
    assert!(repository.head().await.unwrap() > head);
    assert_eq!(repository.count_users().await.unwrap(), 1);
    drop(repository);
    assert_eq!(generation(&scene, "alice").await, 2);
    let loaded = scene.keys().load(None).unwrap();
    let state = |id| {
        loaded
            .keys
            .iter()
            .find(|key| key.id == id)
            .map(|key| key.state)
    };
    assert_eq!(state(first), Some(KeyState::Revoked));
    assert_eq!(state(second), Some(KeyState::Active));
    assert_eq!(state(master), Some(KeyState::Pending));
    assert!(loaded.revoked.contains(first));
    let after = tree(&scene.data());
    assert_eq!(after[Path::new("audit.log")], b"one\ntwo\n");
    assert_eq!(
        after[Path::new("signet.toml")],
        b"",
        "the rest is that of the backup"
    );

    let aside = restored.aside.unwrap();
    let name = aside.file_name().unwrap().to_str().unwrap();
    assert_eq!(name, "data.before-restore-20270115T080000Z");
    let mut kept_aside = tree(&aside);
    let mut newer = newer;
    for tree in [&mut kept_aside, &mut newer] {
        tree.remove(Path::new("repository.db"));
    }
    assert_eq!(kept_aside, newer, "and what was there is whole");
}

/// Everything is lost, and an instance started once with the keys of the former one.
async fn begin_anew(scene: &Scene) {
    let aside = scene.path().join("lost");
    fs::rename(scene.data(), &aside).unwrap();
    let data = DataDirectory::open_or_create(&scene.data(), "").unwrap();
    for name in ["keys", "node"] {
        fs::rename(aside.join(name), scene.data().join(name)).unwrap();
    }
    fs::remove_dir_all(aside).unwrap();
    let config = data.config().unwrap();
    let repository = data.repository(&config, IfMissing::Create).await.unwrap();
    repository.close().await;
}

async fn end_sessions(scene: &Scene, name: &str) {
    let repository = scene.repository().await;
    let subject = name.parse().unwrap();
    repository.end_sessions(&subject, NOW).await.unwrap();
    repository.close().await;
}

// S6
#[tokio::test]
async fn an_instance_that_began_anew_cannot_tell_what_ended() {
    let scene = Scene::new().await;
    scene.back_up().await;
    end_sessions(&scene, "alice").await;
    begin_anew(&scene).await;
    let keep = RestoreOptions {
        sessions: Sessions::Keep,
        ..replacing()
    };
    let copy = scene.copied();
    for scene in [&scene, &copy] {
        let restored = put_back(scene, &scene.data(), &replacing()).await.unwrap();
        assert_eq!(restored.ended, Some(1));
        assert!(!restored.kept.unwrap().tells_what_ended());
        assert!(generation(scene, "alice").await > 65_536);
        // Whose sessions stay as they are is nobody who could tell later.
        begin_anew(scene).await;
        let restored = put_back(scene, &scene.data(), &keep).await.unwrap();
        assert_eq!(restored.ended, None);
        assert!(!restored.kept.unwrap().tells_what_ended());
        assert_eq!(generation(scene, "alice").await, 1);
        let restored = put_back(scene, &scene.data(), &replacing()).await.unwrap();
        assert_eq!(restored.ended, Some(1));
    }
}

// S6
#[tokio::test]
async fn a_state_from_before_the_backup_cannot_tell_what_ended() {
    let scene = Scene::new().await;
    let (idle, busy) = (scene.copied(), scene.copied());
    let repository = scene.repository().await;
    let bob = NewUser::new("bob".parse().unwrap());
    repository.add_user(&bob, NOW).await.unwrap();
    repository.close().await;
    scene.back_up().await;
    // It went on, further than the backup.
    for _ in 0..9 {
        end_sessions(&busy, "alice").await;
    }
    for older in [&idle, &busy] {
        fs::copy(scene.file(), older.file()).unwrap();
        let restored = put_back(older, &older.data(), &replacing()).await.unwrap();
        assert_eq!(restored.ended, Some(2));
        assert!(generation(older, "bob").await > 65_536);
    }
}

// S6
#[tokio::test]
async fn what_was_restored_tells_what_ended_since_its_own_backups() {
    let scene = Scene::new().await;
    scene.back_up().await;
    let older = fs::read(scene.file()).unwrap();
    for _ in 0..2 {
        let restored = put_back(&scene, &scene.data(), &replacing()).await.unwrap();
        assert_eq!(restored.ended, None, "over itself");
    }
    fs::remove_file(scene.file()).unwrap();
    scene.back_up().await;
    let newer = fs::read(scene.file()).unwrap();
    let put = |bytes: &[u8]| fs::write(scene.file(), bytes).unwrap();

    // The older one is put back where a newer one was: what came in between is not taken back.
    end_sessions(&scene, "alice").await;
    put(&older);
    let restored = put_back(&scene, &scene.data(), &replacing()).await.unwrap();
    assert_eq!(restored.ended, None);
    put(&newer);
    let restored = put_back(&scene, &scene.data(), &replacing()).await.unwrap();
    assert_eq!(restored.ended, None);
    assert_eq!(generation(&scene, "alice").await, 2);

    // What begins with the older one after a loss never knew the newer one.
    fs::remove_dir_all(scene.data()).unwrap();
    put(&older);
    let restored = put_back(&scene, &scene.data(), &options()).await.unwrap();
    assert_eq!(restored.ended, Some(1));
    let restored = put_back(&scene, &scene.data(), &replacing()).await.unwrap();
    assert_eq!(restored.ended, None, "all of it ended already");
    assert!(generation(&scene, "alice").await > 65_536);
    put(&newer);
    let restored = put_back(&scene, &scene.data(), &replacing()).await.unwrap();
    assert_eq!(restored.ended, Some(1));
}

// S6
#[tokio::test]
async fn a_clone_and_its_model_tell_nothing_of_each_other() {
    let scene = Scene::new().await;
    scene.back_up().await;
    let clone = scene.copied();
    fs::remove_dir_all(clone.data()).unwrap();
    let new = RestoreOptions {
        identity: Identity::New,
        ..options()
    };
    put_back(&clone, &clone.data(), &new).await.unwrap();
    for scene in [&scene, &clone] {
        fs::remove_file(scene.file()).unwrap();
        scene.back_up().await;
        let restored = put_back(scene, &scene.data(), &replacing()).await.unwrap();
        assert_eq!(restored.ended, None, "its own");
    }
    for (from, to) in [(&scene, &clone), (&clone, &scene)] {
        let to = to.copied();
        fs::copy(from.file(), to.file()).unwrap();
        let restored = put_back(&to, &to.data(), &replacing()).await.unwrap();
        assert_eq!(restored.ended, Some(1));
    }
}

// S6
#[tokio::test]
async fn a_backup_that_names_no_moment_tells_nothing() {
    let scene = Scene::new().await;
    scene.back_up().await;
    let before = scene.copied();
    let repository = before.repository().await;
    let name = "lineage".parse().unwrap();
    repository.set_local_value(&name, "").await.unwrap();
    repository.close().await;
    let restored = put_back(&before, &before.data(), &replacing())
        .await
        .unwrap();
    assert_eq!(restored.ended, Some(1));
}

#[tokio::test]
async fn keys_in_the_repository_are_united_too() {
    let scene = Scene::new().await;
    let storage = scene.data().join("keys/storage");
    scene.back_up().await;
    // Moved by hand to the legacy place since, with one more key there.
    let keys = scene.keys().load(None).unwrap().keys;
    let url = signet_repository::RepositoryUrl::sqlite(scene.data().join("repository.db"));
    let rows = signet_repository::KeyRows::new(signet_repository::RepositoryOptions::new(
        url,
        IfMissing::Refuse,
    ));
    for key in &keys {
        let text = signet_keys::encode_key_file(key);
        rows.put(key.ring.as_str(), &key.id.to_string(), text.as_bytes())
            .unwrap();
        fs::remove_file(
            scene
                .data()
                .join(format!("keys/{}/{}.jwk", key.ring, key.id)),
        )
        .unwrap();
    }
    fs::write(&storage, "repository").unwrap();
    drop(rows);
    let made = scene
        .keys()
        .rotate(RingName::Hmac, RotateMode::Activate, NOW)
        .unwrap();
    let restored = put_back(&scene, &scene.data(), &replacing()).await.unwrap();
    assert_eq!(restored.kept.unwrap().keys, 1);
    assert_eq!(
        fs::read(&storage).unwrap(),
        b"file",
        "the place is that of the backup"
    );
    let loaded = scene.keys().load(None).unwrap();
    assert_eq!(loaded.maker(RingName::Hmac).unwrap().id, made);
    assert_eq!(loaded.keys.len(), 3);

    // And the other way round: a backup with the keys in the repository.
    fs::remove_file(scene.file()).unwrap();
    let aside = restored.aside.unwrap();
    fs::remove_dir_all(scene.data()).unwrap();
    fs::rename(aside, scene.data()).unwrap();
    scene.back_up().await;
    let more = scene
        .keys()
        .rotate(RingName::Hmac, RotateMode::Activate, NOW)
        .unwrap();
    put_back(&scene, &scene.data(), &replacing()).await.unwrap();
    let loaded = scene.keys().load(None).unwrap();
    assert_eq!(loaded.maker(RingName::Hmac).unwrap().id, more);
    assert_eq!(fs::read(&storage).unwrap(), b"repository");
}

#[tokio::test]
async fn a_damaged_installation_is_replaced() {
    let scene = Scene::new().await;
    scene.back_up().await;
    let data = scene.data();
    fs::write(
        data.join("repository.db"),
        "nonsense, longer than a header of a database has to be ".repeat(9),
    )
    .unwrap();
    fs::write(data.join("signet.toml"), "= broken").unwrap();
    let hmac = scene.path().join("data/keys/hmac");
    let key = fs::read_dir(&hmac).unwrap().next().unwrap().unwrap().path();
    fs::write(&key, "<html>").unwrap();
    let restored = put_back(&scene, &data, &replacing()).await.unwrap();
    assert_eq!(restored.kept.unwrap().repository, None);
    assert_eq!(
        restored.ended,
        Some(1),
        "nobody knows which sessions were ended"
    );
    assert_eq!(scene.keys().load(None).unwrap().keys.len(), 2);
    assert_eq!(scene.repository().await.count_users().await.unwrap(), 1);

    // A list of revoked keys that cannot be read may name a stolen one.
    fs::write(data.join("keys/revoked"), "nonsense").unwrap();
    fs::remove_dir_all(restored.aside.unwrap()).unwrap();
    let error = refused(&scene, &data, &replacing()).await;
    assert!(matches!(error, RestoreError::Keys(_)), "{error:?}");
}

#[tokio::test]
async fn what_is_left_of_an_installation_is_no_empty_place() {
    let scene = Scene::new().await;
    scene.back_up().await;
    let made = scene
        .keys()
        .rotate(RingName::Hmac, RotateMode::Activate, NOW)
        .unwrap();
    for entry in fs::read_dir(scene.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        } else if !path.ends_with("keys") {
            fs::remove_dir_all(path).unwrap();
        }
    }
    let error = refused(&scene, &scene.data(), &options()).await;
    assert!(matches!(error, RestoreError::Present { .. }), "{error:?}");
    let restored = put_back(&scene, &scene.data(), &replacing()).await.unwrap();
    assert_eq!(restored.ended, Some(1));
    assert_eq!(
        scene
            .keys()
            .load(None)
            .unwrap()
            .maker(RingName::Hmac)
            .unwrap()
            .id,
        made
    );
}

#[tokio::test]
async fn what_is_in_the_way_is_named() {
    let scene = Scene::new().await;
    scene.back_up().await;
    let data = scene.data();
    let error = refused(&scene, &data, &options()).await;
    assert!(matches!(error, RestoreError::Present { .. }), "{error:?}");
    assert!(error.hint().contains("--replace"));

    let letters = scene.path().join("letters");
    fs::create_dir(&letters).unwrap();
    fs::write(letters.join("dear.txt"), "dear").unwrap();
    let error = refused(&scene, &letters, &replacing()).await;
    assert!(matches!(error, RestoreError::Data(_)), "{error:?}");

    let run = data.join("run");
    fs::create_dir(&run).unwrap();
    fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
    let running = Lock::acquire(&run.join("lock")).unwrap();
    let error = refused(&scene, &data, &replacing()).await;
    assert!(matches!(error, RestoreError::Running(_)), "{error:?}");
    drop(running);

    let from = RestoreOptions {
        from: Some(NodeIdentity::generate().unwrap().id()),
        ..replacing()
    };
    let error = refused(&scene, &data, &from).await;
    assert!(matches!(error, RestoreError::OtherNode { .. }), "{error:?}");

    let tree = scene.path().join("tree");
    fs::create_dir_all(tree.join(".git")).unwrap();
    let error = refused(&scene, &tree.join("data"), &options()).await;
    assert!(matches!(error, RestoreError::Keys(_)), "{error:?}");

    let other = Scene::new().await;
    fs::copy(scene.file(), other.file()).unwrap();
    let backup = OpenedBackup::open(&other.file(), &scene.unseal()).unwrap();
    let error = restore(backup, &other.data(), &replacing(), &mut ())
        .await
        .unwrap_err();
    assert!(matches!(error, RestoreError::OtherFarm { .. }), "{error:?}");
}

#[tokio::test]
async fn one_at_a_time() {
    let scene = Scene::new().await;
    scene.back_up().await;
    let (work, _) = Work::new(&work::real(&scene.data()).unwrap(), &Steps::default()).unwrap();
    let error = put_back(&scene, &scene.data(), &replacing())
        .await
        .unwrap_err();
    assert!(matches!(error, RestoreError::Busy(_)), "{error:?}");
    drop(work);
    put_back(&scene, &scene.data(), &replacing()).await.unwrap();
}

#[tokio::test]
async fn an_instance_gets_its_identity_back_or_a_new_one() {
    let scene = Scene::new().await;
    scene.back_up().await;
    let node = scene.data().join("node");
    let id = |path: &Path| NodeIdentity::open(path).unwrap().map(|node| node.id());
    let first = id(&node).unwrap();
    let Present::Installation(here) = Present::look(&scene.data()).unwrap() else {
        panic!("there is one");
    };
    assert!(here.trusts(first) && !here.trusts(NodeIdentity::generate().unwrap().id()));

    let clone = scene.path().join("clone");
    put_back(&scene, &clone, &options()).await.unwrap();
    assert_eq!(id(&clone.join("node")), Some(first));
    let new = RestoreOptions {
        identity: Identity::New,
        ..options()
    };
    let other = scene.path().join("other");
    put_back(&scene, &other, &new).await.unwrap();
    assert!(!other.join("node").exists());
    assert_ne!(
        NodeIdentity::open_or_create(&other.join("node"))
            .unwrap()
            .id(),
        first
    );
}

#[tokio::test]
async fn the_repository_comes_where_the_configuration_wants_it() {
    let below = Scene::configured("[repository]\nurl = \"sqlite:users.db\"\n").await;
    below.back_up().await;
    fs::remove_dir_all(below.data()).unwrap();
    let restored = put_back(&below, &below.data(), &options()).await.unwrap();
    assert_eq!(restored.repository_moved_from, None);
    assert_eq!(below.repository().await.count_users().await.unwrap(), 1);
    assert!(below.data().join("users.db").exists() && !below.data().join("repository.db").exists());

    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("users.db");
    let text = format!(
        "# kept\n[repository]\nurl = \"sqlite:{}\"\n",
        path.display()
    );
    let outside = Scene::configured(&text).await;
    outside.back_up().await;
    let before = fs::read(&path).unwrap();
    let restored = put_back(&outside, &outside.data(), &replacing())
        .await
        .unwrap();
    assert_eq!(
        restored.repository_moved_from.as_deref(),
        Some(path.as_path())
    );
    let text = fs::read_to_string(outside.data().join("signet.toml")).unwrap();
    assert_eq!(
        text,
        "# kept\n[repository]\nurl = \"sqlite:repository.db\"\n"
    );
    assert_eq!(outside.repository().await.count_users().await.unwrap(), 1);
    assert_eq!(
        fs::read(&path).unwrap(),
        before,
        "the other one stays as it was"
    );
}

#[tokio::test]
async fn a_backup_of_nonsense_replaces_nothing() {
    let scene = Scene::new().await;
    let identity = NodeIdentity::open_or_create(&scene.data().join("node")).unwrap();
    let digest = |bytes: &[u8]| {
        use sha2::Digest as _;
        data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(bytes))
    };
    let id = "0123456789abcdef0123456789abcdef";
    let key = format!("keys/hmac/{id}.jwk");
    for (format, config, name, content) in [
        ("2\n", "", "keys/storage", "file"),
        ("1\n", "unknown = 1", "keys/storage", "file"),
        ("1\n", "", "keys/storage", "somewhere"),
        ("1\n", "", "keys/revoked", "nonsense"),
        ("1\n", "", key.as_str(), "{}"),
        ("1\n", "", "node/signing.key", "nonsense"),
        ("1\n", "", "keys/storage", "file"),
        (
            "1\n",
            "[repository]\nurl = \"sqlite:keys/storage\"",
            "keys/storage",
            "file",
        ),
    ] {
        let repository = "no database, though it is longer than the header of one";
        let parts = [
            ("format", format),
            ("signet.toml", config),
            (name, content),
            ("repository.db", repository),
        ];
        let entries = parts.map(|(name, content)| {
            json!({"name": name, "size": content.len(), "sha256": digest(content.as_bytes())})
        });
        let list = json!({
            "program": "0.0.0",
            "made": 1,
            "farm": null,
            "node": identity.card(&"test".parse().unwrap()).to_string(),
            "entries": entries,
        });
        scene.forge_list(&list, parts.map(|(_, content)| content).concat().as_bytes());
        scene.check().unwrap();
        refused(&scene, &scene.data(), &replacing()).await;
        refused(&scene, &scene.path().join("new"), &options()).await;
    }
}

#[tokio::test]
async fn a_backup_that_turns_out_altered_at_its_end_replaces_nothing() {
    let scene = Scene::new().await;
    scene.back_up().await;
    let mut bytes = fs::read(scene.file()).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(scene.file(), bytes).unwrap();
    let error = refused(&scene, &scene.data(), &replacing()).await;
    assert!(
        matches!(error, RestoreError::File(FileError::Altered)),
        "{error:?}"
    );
}

/// How far it got.
struct Last(u64);

impl RestoreAide for Last {
    fn reached(&mut self, bytes: u64) {
        self.0 = bytes;
    }
}

/// Leaves something in what is prepared, and may refuse it then.
struct Visitor {
    refuses: bool,
}

impl RestoreAide for Visitor {
    fn prepared(&mut self, prepared: &Path) -> Result<(), Unready> {
        assert!(prepared.join("format").exists());
        fs::write(prepared.join("visited"), "").unwrap();
        match self.refuses {
            false => Ok(()),
            true => Err(Unready {
                source: "no".into(),
                hint: "ask again".to_owned(),
            }),
        }
    }
}

#[tokio::test]
async fn who_stands_by_is_asked_before_anything_changes() {
    let scene = Scene::new().await;
    scene.back_up().await;
    let data = scene.data();
    let before = tree(&data);
    let mut visitor = Visitor { refuses: true };
    let error = restore(scene.open().unwrap(), &data, &replacing(), &mut visitor)
        .await
        .unwrap_err();
    assert!(matches!(error, RestoreError::Unready { .. }), "{error:?}");
    assert!(!error.has_begun());
    assert_eq!(error.hint(), "ask again");
    assert_eq!(tree(&data), before);

    visitor.refuses = false;
    restore(scene.open().unwrap(), &data, &replacing(), &mut visitor)
        .await
        .unwrap();
    assert!(data.join("visited").exists());
}
