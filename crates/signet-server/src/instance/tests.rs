//! An instance on a clock of its own, and what it does by itself.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use signet_audit::Entry;
use signet_core::{KeyState, RingName, UnixSeconds};
use signet_keys::{LoadedKeys, RotateMode};
use tempfile::TempDir;

use super::*;

const START: u64 = 1_767_225_600;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

struct Running {
    scratch: TempDir,
    data: DataDirectory,
    clock: Arc<AtomicU64>,
    instance: Instance,
}

impl Running {
    async fn new(config: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let data = DataDirectory::open_or_create(&scratch.path().join("data"), config).unwrap();
        let clock = Arc::new(AtomicU64::new(START));
        let present = Arc::clone(&clock);
        let now: Arc<dyn Clock> = Arc::new(move || UnixSeconds(present.load(Ordering::SeqCst)));
        let overrides = Overrides::default();
        let instance = Instance::open(data.clone(), overrides, IfMissing::Create, now).await;
        Self {
            scratch,
            data,
            clock,
            instance: instance.unwrap(),
        }
    }

    fn at(&self, time: u64) {
        self.clock.store(time, Ordering::SeqCst);
    }

    /// What it does every second, for a few seconds.
    async fn look(&self) {
        for _ in 0..4 {
            let _ = self.instance.look().await;
        }
    }

    fn store(&self) -> signet_keys::KeyStore {
        let config = self.data.config().unwrap();
        self.data.key_store(&config).unwrap()
    }

    fn keys(&self) -> LoadedKeys {
        self.store().load(None).unwrap()
    }

    fn active(&self) -> Vec<signet_core::KeyId> {
        let keys = self.keys();
        let active = keys
            .of(RingName::Hmac)
            .filter(|key| key.state == KeyState::Active);
        active.map(|key| key.id).collect()
    }

    fn count(&self) -> usize {
        self.keys().of(RingName::Hmac).count()
    }

    fn entries(&self, action: &str) -> Vec<Entry> {
        let entries = self.data.audit_log().entries().unwrap();
        entries
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.action.as_str() == action)
            .collect()
    }

    /// Whether a change has begun that has not ended.
    fn has_begun(&self) -> bool {
        self.data.path().join("audit.pending").exists()
    }

    fn configure(&self, text: &str) {
        fs::write(self.data.config_path(), text).unwrap();
    }
}

// K6
#[tokio::test]
async fn a_key_that_is_old_enough_is_replaced() {
    let running = Running::new("keys.rotate_every = \"30d\"").await;
    let first = running.active();
    running.at(START + 30 * DAY - 1);
    running.look().await;
    assert_eq!(running.active(), first);
    running.at(START + 30 * DAY);
    running.look().await;
    let second = running.active();
    assert_eq!((second.len(), running.count()), (1, 2));
    assert_ne!(second, first);
    // It is in force at once, and the former still verifies.
    let ring = running.instance.site.snapshots.keys.load();
    assert_eq!(ring.active(), Some(second[0]));
    assert!(ring.verifying().any(|id| id == first[0]));
    drop(ring);

    assert!(!running.has_begun());
    let lines = running.entries("key.rotate");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].object, second[0].to_string());
    assert_eq!(lines[0].who, signet_audit::Actor::signet());
    assert_eq!(lines[0].detail["former"][0], first[0].to_string());
    // Nobody else did it, and nobody is said to have.
    running.at(START + 30 * DAY + 60);
    running.look().await;
    assert!(running.entries("key.notice").is_empty());
}

#[tokio::test]
async fn without_being_told_to_no_key_is_replaced() {
    for config in ["", "role = \"publish\""] {
        let running = Running::new(config).await;
        let count = running.count();
        running.at(START + 3_650 * DAY);
        running.look().await;
        assert_eq!(running.count(), count, "{config}");
    }
}

#[tokio::test]
async fn a_clock_that_jumps_replaces_no_key_twice() {
    let running = Running::new("keys.rotate_every = \"1d\"").await;
    let ahead = START + 3_650 * DAY;
    running.at(ahead);
    running.look().await;
    assert_eq!((running.active().len(), running.count()), (1, 2));
    // Back, and there again, and a little more.
    for time in [START, START + HOUR, ahead, ahead + DAY - 1] {
        running.at(time);
        running.look().await;
        assert_eq!((running.active().len(), running.count()), (1, 2), "{time}");
    }
    running.at(ahead + DAY);
    running.look().await;
    assert_eq!((running.active().len(), running.count()), (1, 3));
}

#[tokio::test]
async fn an_administrator_who_was_faster_is_enough() {
    let running = Running::new("keys.rotate_every = \"1h\"").await;
    let now = UnixSeconds(START + HOUR);
    running.at(now.0);
    let made = running
        .store()
        .rotate(RingName::Hmac, RotateMode::Activate, now);
    running.look().await;
    assert_eq!(running.active(), [made.unwrap()]);
    assert_eq!(running.count(), 2);
}

#[tokio::test]
async fn what_is_configured_later_counts_at_once() {
    let running = Running::new("").await;
    running.at(START + 2 * HOUR);
    running.look().await;
    assert_eq!(running.count(), 1);
    running.configure("keys.rotate_every = \"1h\"\n");
    running.look().await;
    assert_eq!(running.count(), 2);
    let lines = running.entries("config.take");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].detail["changed"], json!(["keys.rotate_every"]));
    assert!(!running.has_begun());
}

#[tokio::test]
async fn nothing_is_replaced_that_cannot_be_recorded() {
    let running = Running::new("keys.rotate_every = \"1h\"").await;
    let log = running.data.audit_log().path().to_owned();
    let aside = running.scratch.path().join("aside");
    fs::rename(&log, &aside).unwrap();
    fs::create_dir(&log).unwrap();
    running.at(START + 2 * HOUR);
    running.look().await;
    assert_eq!(running.count(), 1);
    fs::remove_dir(&log).unwrap();
    fs::rename(&aside, &log).unwrap();
    // It is not tried every second.
    running.look().await;
    assert_eq!(running.count(), 1);
    running.at(START + 2 * HOUR + 60);
    running.look().await;
    assert_eq!(running.count(), 2);
}

#[tokio::test]
async fn a_configuration_that_is_refused_is_recorded_once() {
    let running = Running::new("").await;
    running.configure("public_url = 3\n");
    running.look().await;
    running.look().await;
    let lines = running.entries("config.refuse");
    assert_eq!(lines.len(), 1);
    let error = lines[0].detail["error"].as_str().unwrap();
    assert!(error.contains("signet.toml:1:14"), "{error}");
    running.configure("");
    running.look().await;
    assert!(running.entries("config.take").is_empty());
}

#[tokio::test]
async fn a_copied_key_is_recorded_and_so_is_one_that_goes() {
    let running = Running::new("").await;
    let other = Running::new("").await;
    let key = other.keys().of(RingName::Hmac).next().unwrap().clone();
    let name = format!("hmac/{}.jwk", key.id);
    let bytes = fs::read(other.data.path().join("keys").join(&name)).unwrap();
    let file = running.data.path().join("keys").join(&name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    std::io::Write::write_all(&mut options.open(&file).unwrap(), &bytes).unwrap();
    running.look().await;
    // A command might be about to say so. Until it does, nobody else knows of it.
    assert!(running.entries("key.notice").is_empty());
    assert!(running.has_begun());
    running.at(START + 5);
    running.look().await;
    assert!(!running.has_begun());
    let lines = running.entries("key.notice");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].object, key.id.to_string());
    assert_eq!(lines[0].detail["before"], Value::Null);
    assert_eq!(lines[0].detail["after"], "active");

    fs::remove_file(&file).unwrap();
    running.look().await;
    running.instance.record_noticed_keys(true).await;
    let lines = running.entries("key.notice");
    assert!(lines.iter().any(|line| line.detail["before"] == "active"));
}

#[tokio::test]
async fn what_a_command_has_recorded_is_not_noticed() {
    let running = Running::new("").await;
    let now = UnixSeconds(START);
    let made = running
        .store()
        .rotate(RingName::Hmac, RotateMode::Activate, now)
        .unwrap();
    let log = running.data.audit_log();
    let rotated = signet_audit::Action::literal("key.rotate");
    let line = record::record_first(&log, "a", rotated, &made.to_string(), Value::Null, now);
    line.unwrap();
    running.look().await;
    assert!(!running.has_begun());
    running.at(START + 60);
    running.look().await;
    assert!(running.entries("key.notice").is_empty());
}

// Whatever it was about to record when it died, the next start tells of.
#[tokio::test]
async fn what_an_instance_had_begun_is_told_by_the_next() {
    let running = Running::new("").await;
    let other = Running::new("").await;
    let key = other.keys().of(RingName::Hmac).next().unwrap().clone();
    running.store().insert(&key).unwrap();
    running.look().await;
    assert!(running.entries("key.notice").is_empty());
    drop(running.instance.begin("keys rotate").await.unwrap());
    let Running { data, instance, .. } = running;
    drop(instance);
    let now: Arc<dyn Clock> = Arc::new(|| UnixSeconds(START + 60));
    let next = Instance::open_existing(data.clone(), Overrides::default(), now).await;
    next.unwrap().record_start().await;
    let entries = |action: &str| -> Vec<Entry> {
        let entries = data.audit_log().entries().unwrap();
        let entries = entries.map(Result::unwrap);
        entries
            .filter(|entry| entry.action.as_str() == action)
            .collect()
    };
    let told = entries("change.interrupted");
    let mut told: Vec<_> = told.iter().map(|line| line.object.as_str()).collect();
    told.sort_unstable();
    assert_eq!(told, ["keys notice", "keys rotate"]);
    assert_eq!(entries("instance.start").len(), 1);
    assert!(!data.path().join("audit.pending").exists());
}

#[tokio::test]
async fn the_first_start_is_recorded() {
    let running = Running::new("").await;
    assert!(!running.has_begun());
    assert_eq!(running.entries("key.make").len(), 2);
    let made = first::FirstStart::administrator(&running.instance, crate::config::Role::Standalone);
    assert!(made.await.unwrap().is_some());
    let lines = running.entries("user.add");
    assert_eq!(lines[0].object, "admin");
    assert!(!running.has_begun());
    running.instance.record_start().await;
    let lines = running.entries("instance.start");
    assert_eq!(lines[0].detail["role"], "standalone");
    assert!(running.data.audit_log().verify(&[], &[]).unwrap().holds());
    let text = fs::read_to_string(running.data.audit_log().path()).unwrap();
    for key in &running.keys().keys {
        let file = format!("keys/{}/{}.jwk", key.ring, key.id);
        let file = fs::read_to_string(running.data.path().join(file)).unwrap();
        let document: Value = serde_json::from_str(&file).unwrap();
        assert!(!text.contains(document["k"].as_str().unwrap()));
    }
}
