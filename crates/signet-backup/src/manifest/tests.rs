use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};
use signet_bundle::NodeIdentity;

use super::*;
use crate::FileError;
use crate::opened::MAGIC;
use crate::testing::Scene;

/// What a good list says, to be made worse.
fn list(scene: &Scene) -> Value {
    let identity = NodeIdentity::open_or_create(&scene.data().join("node")).unwrap();
    let entry = |name: &str| json!({"name": name, "size": 0, "sha256": EMPTY});
    json!({
        "program": "0.0.0",
        "made": 1_800_000_000,
        "farm": null,
        "node": identity.card(&"test".parse().unwrap()).to_string(),
        "entries": [entry("format"), entry("signet.toml"), entry("repository.db")],
    })
}

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn refused(scene: &Scene) -> FileError {
    let error = scene.check().unwrap_err();
    assert!(!error.hint().is_empty(), "{error:?}");
    error
}

#[tokio::test]
async fn every_altered_byte_is_noticed() {
    let scene = Scene::new().await;
    scene.back_up().await;
    let good = fs::read(scene.file()).unwrap();
    scene.check().unwrap();
    // The header, the ends of the pieces, and others all over.
    let header = 0..260;
    let spread = (260..good.len()).step_by(4_999);
    let end = good.len() - 40..good.len();
    for at in header.chain(spread).chain(end) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fs::write(scene.file(), &bytes).unwrap();
        assert!(scene.check().is_err(), "byte {at}");
    }
}

#[tokio::test]
async fn what_is_cut_off_or_goes_on_is_noticed() {
    let scene = Scene::new().await;
    scene.back_up().await;
    let good = fs::read(scene.file()).unwrap();
    for length in [0, 1, 20, 100, 210, 300, 70_000, good.len() - 1] {
        fs::write(scene.file(), &good[..length]).unwrap();
        let error = refused(&scene);
        let exact = matches!(error, FileError::Truncated);
        assert!(exact || length < 70_000, "{length}: {error:?}");
    }
    fs::write(scene.file(), [good.as_slice(), b"more"].concat()).unwrap();
    assert!(matches!(refused(&scene), FileError::Altered));
}

#[tokio::test]
async fn what_is_no_backup_is_named() {
    let scene = Scene::new().await;
    let identity = NodeIdentity::generate().unwrap();
    assert!(matches!(refused(&scene), FileError::Missing));
    fs::write(scene.file(), "<!DOCTYPE html>").unwrap();
    assert!(matches!(refused(&scene), FileError::Foreign));
    fs::write(scene.file(), "age-encryption.org/v9\n-> x\n--- \n").unwrap();
    let error = refused(&scene);
    assert!(
        matches!(error, FileError::SealVersion | FileError::Altered),
        "{error:?}"
    );
    scene.forge("signet-backup-v2\n", b"{}", b"", &identity);
    let error = refused(&scene);
    assert!(
        matches!(&error, FileError::Newer { found } if found == "2"),
        "{error:?}"
    );
    scene.forge("another thing   \n", b"{}", b"", &identity);
    assert!(matches!(refused(&scene), FileError::Foreign));
    scene.forge("short", b"", b"", &identity);
    assert!(matches!(refused(&scene), FileError::Foreign));
}

#[tokio::test]
async fn only_the_instance_that_is_named_can_have_signed() {
    let scene = Scene::new().await;
    let list = list(&scene);
    scene.forge_list(&list, b"");
    scene.check().unwrap();
    let stranger = NodeIdentity::generate().unwrap();
    scene.forge(MAGIC, list.to_string().as_bytes(), b"", &stranger);
    assert!(matches!(refused(&scene), FileError::Signature));
}

#[tokio::test]
async fn a_list_that_makes_no_sense_is_refused() {
    let scene = Scene::new().await;
    let good = list(&scene);
    let with = |edit: &dyn Fn(&mut Value)| {
        let mut list = good.clone();
        edit(&mut list);
        scene.forge_list(&list, b"");
        refused(&scene)
    };
    let add =
        |entry: Value| with(&|list| list["entries"].as_array_mut().unwrap().push(entry.clone()));
    for name in [
        "../evil",
        "/etc/passwd",
        "keys/../../evil",
        "keys/hmac/../../format",
        "run/lock",
        "repository.db-wal",
        "",
    ] {
        let error = add(json!({"name": name, "size": 0, "sha256": EMPTY}));
        assert!(matches!(error, FileError::Manifest(_)), "{name}: {error:?}");
    }
    for error in [
        add(json!({"name": "format", "size": 0, "sha256": EMPTY})),
        add(json!({"name": "keys/storage", "size": 20_000, "sha256": EMPTY})),
        add(json!({"name": "audit.log", "size": -1, "sha256": EMPTY})),
        add(json!({"name": "audit.log", "size": 0, "sha256": "00"})),
        add(json!({"name": "audit.log", "size": 0, "sha256": EMPTY, "mode": 511})),
        with(&|list| list["entries"] = json!([])),
        with(&|list| list["node"] = json!("nobody")),
        with(&|list| list["farm"] = json!("\u{0}")),
        with(&|list| list["extra"] = json!(1)),
        with(&|list| *list = json!([])),
    ] {
        assert!(matches!(error, FileError::Manifest(_)), "{error:?}");
    }
    // Nothing is written, and no room made, for what cannot be there.
    let huge = add(json!({"name": "audit.log", "size": u64::MAX, "sha256": EMPTY}));
    assert!(matches!(huge, FileError::Truncated), "{huge:?}");
    let error = with(&|list| {
        list["entries"][2]["size"] = json!(u64::MAX);
        let more = json!({"name": "audit.log", "size": 1, "sha256": EMPTY});
        list["entries"].as_array_mut().unwrap().push(more);
    });
    assert!(matches!(error, FileError::Manifest(_)), "{error:?}");
}

#[tokio::test]
async fn the_contents_must_be_those_of_the_list() {
    let scene = Scene::new().await;
    let mut list = list(&scene);
    list["entries"][1]["size"] = json!(4);
    scene.forge_list(&list, b"role");
    let error = refused(&scene);
    assert!(
        matches!(&error, FileError::Content(name) if name == "signet.toml"),
        "{error:?}"
    );
    scene.forge_list(&list, b"ro");
    assert!(matches!(refused(&scene), FileError::Truncated));
    scene.forge_list(&list, b"role and more");
    assert!(matches!(refused(&scene), FileError::Altered));
}

proptest! {
    #[test]
    fn any_bytes_are_a_list_or_an_error(bytes: Vec<u8>) {
        prop_assert!(Manifest::decode(&bytes).is_err());
    }
}
