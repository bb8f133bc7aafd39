use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::time::Duration;

use super::*;
use crate::IfMissing;
use crate::scratch::{NOW, Scratch, user};

fn listed(rows: &KeyRows, ring: &str) -> Vec<(String, Vec<u8>)> {
    let rows = rows.rows(ring).unwrap().into_iter();
    rows.map(|row| (row.id, row.value.to_vec())).collect()
}

#[test]
fn keys_are_kept_by_ring_and_id() {
    let scratch = Scratch::new();
    let rows = scratch.key_rows();
    assert_eq!(listed(&rows, "hmac"), []);
    rows.put("hmac", "b", b"second").unwrap();
    rows.put("hmac", "a", b"first").unwrap();
    rows.put("master", "a", b"other").unwrap();
    rows.put("hmac", "b", b"changed").unwrap();
    rows.remove("master", "nobody").unwrap();
    let expected = [
        ("a".into(), b"first".to_vec()),
        ("b".into(), b"changed".to_vec()),
    ];
    assert_eq!(listed(&rows, "hmac"), expected);
    rows.remove("hmac", "a").unwrap();

    let again = scratch.key_rows();
    assert_eq!(listed(&again, "hmac"), [("b".into(), b"changed".to_vec())]);
    assert_eq!(listed(&again, "master"), [("a".into(), b"other".to_vec())]);
}

#[test]
fn changes_are_counted_and_others_see_them() {
    let scratch = Scratch::new();
    let (writer, watcher) = (scratch.key_rows(), scratch.key_rows());
    assert_eq!(watcher.changes().unwrap(), 0);
    writer.put("hmac", "a", b"key").unwrap();
    writer.put("hmac", "a", b"key").unwrap();
    assert_eq!(watcher.changes().unwrap(), 1, "the same again is no change");
    writer.remove("hmac", "a").unwrap();
    writer.remove("hmac", "a").unwrap();
    assert_eq!(watcher.changes().unwrap(), 2);
}

#[test]
fn only_who_watches_keeps_the_repository_open() {
    let scratch = Scratch::new();
    let log = format!("{}-wal", scratch.path().display());
    // The last to close takes the log away.
    let is_open = || fs::exists(&log).unwrap();
    let rows = scratch.key_rows();
    rows.put("hmac", "a", b"key").unwrap();
    assert_eq!(listed(&rows, "hmac").len(), 1);
    assert!(!is_open());
    assert_eq!(rows.changes().unwrap(), 1);
    assert!(is_open());
    assert_eq!(listed(&rows, "hmac").len(), 1);
    assert!(is_open());
    drop(rows);
    assert!(!is_open());
}

#[test]
fn a_repository_is_not_made_unasked() {
    let scratch = Scratch::new();
    let rows = KeyRows::new(scratch.options(IfMissing::Refuse));
    let error = rows.rows("hmac").unwrap_err();
    assert!(matches!(error, RepositoryError::Missing), "{error:?}");
    scratch.key_rows().put("hmac", "a", b"key").unwrap();
    assert_eq!(
        listed(&rows, "hmac").len(),
        1,
        "once it is there, it is opened"
    );
}

#[test]
fn a_file_that_took_the_place_is_opened() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let rows = scratch.key_rows();
    rows.put("hmac", "a", b"key").unwrap();
    other.key_rows().put("hmac", "b", b"another").unwrap();
    for suffix in ["-wal", "-shm"] {
        let name = format!("{}{suffix}", scratch.path().display());
        let _ = fs::remove_file(name);
    }
    fs::rename(other.path(), scratch.path()).unwrap();
    assert_eq!(listed(&rows, "hmac"), [("b".into(), b"another".to_vec())]);
}

#[tokio::test]
async fn a_runtime_around_the_caller_does_no_harm() {
    let scratch = Scratch::new();
    let rows = scratch.key_rows();
    rows.put("hmac", "a", b"key").unwrap();
    assert_eq!(listed(&rows, "hmac").len(), 1);
}

#[test]
fn keys_are_not_shown() {
    let scratch = Scratch::new();
    let rows = scratch.key_rows();
    rows.put("hmac", "a", b"TOP-SECRET").unwrap();
    let shown = format!("{rows:?} {:?}", rows.rows("hmac").unwrap());
    assert!(
        !shown.contains("TOP-SECRET") && !shown.contains("84, 79, 80"),
        "{shown}"
    );
}

fn holds(scratch: &Scratch, needle: &[u8]) -> bool {
    let bytes = scratch.bytes();
    bytes.windows(needle.len()).any(|window| window == needle)
}

// O6
#[tokio::test]
async fn no_byte_of_a_removed_key_is_left_while_others_have_the_file_open() {
    let scratch = Scratch::new();
    let running = scratch.open().await;
    let rows = scratch.key_rows();
    // Some of them need more pages than one.
    let key = |n: u32| format!("KEY-{n:03}-{}", "k".repeat(100 + n as usize * 619 % 6_000));
    for n in 0..200 {
        rows.put("hmac", &n.to_string(), key(n).as_bytes()).unwrap();
        // Rows of others between them, so that pages split.
        let name = format!("user-{n}");
        running.add_user(&user(&name), NOW).await.unwrap();
    }
    running.checkpoint().await.unwrap();
    for n in 0..200 {
        match n % 2 {
            0 => rows.remove("hmac", &n.to_string()).unwrap(),
            _ => rows.put("hmac", &n.to_string(), b"replaced").unwrap(),
        }
    }
    assert!(holds(&scratch, b"KEY-"), "the log or the file has them");
    running.count_users().await.unwrap();

    rows.purge().unwrap();
    assert!(!holds(&scratch, b"KEY-"));
    assert!(!holds(&scratch, b"kkkkkkkk"), "no fragment either");
    assert_eq!(listed(&rows, "hmac").len(), 100);
    assert_eq!(
        running.count_users().await.unwrap(),
        200,
        "and nothing else is lost"
    );
}

// O6
#[tokio::test]
async fn what_others_removed_is_gone_when_everything_is_written_anew() {
    let scratch = Scratch::new();
    let rows = scratch.key_rows();
    rows.put(
        "hmac",
        "a",
        format!("KEY-A{}", "k".repeat(9_000)).as_bytes(),
    )
    .unwrap();
    let mut raw = scratch.raw().await;
    for by_hand in ["PRAGMA secure_delete = OFF", "DELETE FROM keys"] {
        sqlx::query(by_hand).execute(&mut raw).await.unwrap();
    }
    sqlx::Connection::close(raw).await.unwrap();
    rows.purge().unwrap();
    assert!(holds(&scratch, b"kkkkkkkk"), "pages that are free have it");
    rows.purge_everything().unwrap();
    assert!(!holds(&scratch, b"kkkkkkkk"));
}

// O6
#[tokio::test]
async fn a_reader_that_does_not_end_is_named_as_the_reason() {
    use sqlx::Connection as _;
    let scratch = Scratch::new();
    let patient = scratch.key_rows();
    patient.put("hmac", "a", b"KEY-A").unwrap();
    let mut raw = scratch.raw().await;
    let mut reading = raw.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM keys")
        .execute(&mut *reading)
        .await
        .unwrap();
    patient.remove("hmac", "a").unwrap();

    let hasty = scratch
        .options(IfMissing::Refuse)
        .patience(Duration::from_millis(1));
    let error = KeyRows::new(hasty).purge().unwrap_err();
    assert!(matches!(error, RepositoryError::LogInUse), "{error:?}");
    assert!(error.hint().is_some());

    reading.rollback().await.unwrap();
    patient.purge().unwrap();
    assert!(!holds(&scratch, b"KEY-A"));
}

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    /// `xorshift64*`.
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.roll() % sides
    }

    fn key(&mut self, most: u64) -> Vec<u8> {
        let length = 32 + self.below(most);
        (0..length).map(|_| self.roll().to_be_bytes()[0]).collect()
    }
}

/// Pieces of eight bytes from every fourth place: any twelve bytes of a key hold one of them.
fn pieces(key: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    let starts = (0..key.len().saturating_sub(7)).step_by(4);
    starts.map(|start| key[start..start + 8].try_into().unwrap())
}

// O6
#[tokio::test]
async fn no_fragment_of_a_removed_key_is_left_whatever_happened_before() {
    // Each of them leaves fragments though all is overwritten that the database gives up: pieces of keys that moved to another page.
    for (seed, most, ids) in [(4, 1_000, 30), (5, 2_000, 60), (1, 9_000, 60)] {
        let mut dice = Dice(seed);
        let scratch = Scratch::new();
        let running = scratch.open().await;
        let (rows, others) = (scratch.key_rows(), scratch.key_rows());
        // Both keep the repository open from here on.
        assert_eq!((rows.changes().unwrap(), others.changes().unwrap()), (0, 0));
        let mut kept: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut removed: HashSet<[u8; 8]> = HashSet::new();
        for step in 0..300 {
            let id = dice.below(ids).to_string();
            match dice.below(20) {
                0..=8 => {
                    let key = dice.key(most);
                    rows.put("hmac", &id, &key).unwrap();
                    let old = kept.insert(id, key).unwrap_or_default();
                    removed.extend(pieces(&old));
                }
                9..=13 => {
                    others.remove("hmac", &id).unwrap();
                    removed.extend(pieces(&kept.remove(&id).unwrap_or_default()));
                }
                // Pages of others get between those of the keys, and take what these give up.
                14..=17 => {
                    let name = format!("user-{step}");
                    running.add_user(&user(&name), NOW).await.unwrap();
                }
                18 => running.checkpoint().await.unwrap(),
                _ if dice.below(10) == 0 => others.purge().unwrap(),
                _ => {}
            }
        }
        assert!(!kept.is_empty() && removed.len() > 1_000);
        running.checkpoint().await.unwrap();
        let left = || {
            let bytes = scratch.bytes();
            let pieces = bytes.windows(8).filter(|bytes| removed.contains(*bytes));
            pieces.count()
        };
        assert!(left() > 0, "seed {seed}: an empty log is enough");
        rows.purge().unwrap();
        assert_eq!(left(), 0, "seed {seed}");
        let kept: Vec<_> = kept.into_iter().collect();
        assert_eq!(listed(&rows, "hmac"), kept);
    }
}
