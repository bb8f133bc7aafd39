use signet_core::{KeyId, RingName, UnixSeconds};
use signet_keys::{KeyStore, RotateMode};
use signet_repository::IfMissing;
use tempfile::TempDir;

use super::*;

pub(super) const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

/// A data directory with keys and a repository.
pub(super) struct Installation {
    _root: TempDir,
    pub(super) data: DataDirectory,
    pub(super) keys: KeyStore,
    pub(super) repository: Repository,
}

impl Installation {
    pub(super) async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let data = DataDirectory::open_or_create(&root.path().join("data"), "").unwrap();
        let config = data.config().unwrap();
        let keys = data.key_store(&config).unwrap();
        keys.create_if_missing(NOW).unwrap();
        let repository = data.repository(&config, IfMissing::Create).await.unwrap();
        Self {
            _root: root,
            data,
            keys,
            repository,
        }
    }

    pub(super) fn master(&self) -> MasterKeys {
        MasterKeys::new(&self.keys.load(None).unwrap())
    }

    pub(super) fn rotate(&self) -> KeyId {
        let later = NOW.plus(signet_core::Seconds(60));
        let rotated = self
            .keys
            .rotate(RingName::Master, RotateMode::Activate, later);
        rotated.unwrap()
    }

    pub(super) fn seal(&self, place: &str, secret: &str) -> String {
        let place: Place = place.parse().unwrap();
        let value = self.master().seal(&place, secret.as_bytes());
        value.unwrap().to_string()
    }

    pub(super) async fn store(&self, place: &str, value: &str) {
        self.repository.set_secret(place, value, NOW).await.unwrap();
    }

    pub(super) fn configure(&self, text: &str) {
        std::fs::write(self.data.config_path(), text).unwrap();
    }

    pub(super) async fn set(&self, name: &str, value: &str) {
        let name = name.parse().unwrap();
        let value = Value::String(value.to_owned());
        self.repository.set_setting(&name, &value).await.unwrap();
    }

    /// The values that do not open, and how many there are of all.
    pub(super) async fn examine(&self) -> (Vec<ClosedSecret>, SecretCount) {
        let inventory = SecretInventory::of(&self.data, &self.repository).unwrap();
        let mut closed = Vec::new();
        let count = inventory
            .examine(
                &self.master(),
                Opening::Use,
                &mut |one| closed.push(one),
                &mut |_| {},
            )
            .await
            .unwrap();
        (closed, count)
    }
}

// K10
#[tokio::test]
async fn every_value_is_opened_wherever_it_stands() {
    let here = Installation::new().await;
    let (name, ims) = ("name", "client/ims/secret");
    here.configure(&format!("\nname = \"{}\"\n", here.seal(name, "one")));
    here.store(ims, &here.seal(ims, "two")).await;
    let place = "setting/mail.password";
    here.set("mail.password", &here.seal(place, "three")).await;
    here.set("mail.host", "mail.example").await;

    let (closed, count) = here.examine().await;
    assert_eq!(closed.len(), 0, "{closed:?}");
    let key = here.master().sealing().unwrap();
    assert_eq!((count.total, count.sealed_with(key)), (3, 3));
    let inventory = SecretInventory::of(&here.data, &here.repository).unwrap();
    assert_eq!(inventory.count().await.unwrap(), count);
    let (value, standing) = inventory.configured(&name.parse().unwrap()).unwrap();
    assert!(value.starts_with("sealed:v1:"));
    assert!(
        standing.to_string().ends_with("/signet.toml:2"),
        "{standing}"
    );
}

// K10
#[tokio::test]
async fn what_does_not_open_is_named_with_its_reason() {
    let here = Installation::new().await;
    here.configure(&format!("name = \"{}\"\n", here.seal("elsewhere", "one")));
    let long = "client/ims/secret";
    let lost = "sealed:v1:06073b81559d2a850f81f39757daf538:AAECAwQFBgcICQoL5IEarwV03U8OD56F6ComBqApzq7yBvUlBAM";
    here.store(long, lost).await;
    here.store("client/plain/secret", "p8e-s3cret").await;
    here.store("no place", &here.seal("a", "b")).await;
    here.set("mail.password", "sealed:v7:later").await;
    here.store("client/good/secret", &here.seal("client/good/secret", "x"))
        .await;

    let (closed, count) = here.examine().await;
    assert_eq!((count.total, count.closed), (6, 5));
    let mut found: Vec<_> = closed
        .iter()
        .map(|one| (one.place.as_str(), one.error.code()))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("client/ims/secret", "SECRET_KEY_MISSING"),
            ("client/plain/secret", "SECRET_FORMAT"),
            ("name", "SECRET_NOT_FOR_THIS_PLACE"),
            ("no place", "SECRET_PLACE"),
            ("setting/mail.password", "SECRET_FORMAT"),
        ]
    );
    let said = format!("{closed:?}");
    assert!(!said.contains("p8e-s3cret"), "{said}");
}

#[test]
fn a_place_follows_from_the_names_in_the_file() {
    let place = |path: &[&str]| SecretInventory::place_of(path.iter().copied());
    let of = |path| place(path).unwrap().to_string();
    assert_eq!(of(&["client", "ims", "secret"]), "client/ims/secret");
    assert_eq!(
        of(&["client", "my_app", "private_key"]),
        "client/my_app/private-key"
    );
    assert!(place(&["client", "IMS", "secret"]).is_err());
    assert!(place(&[]).is_err());
}
