use sha2::{Digest, Sha256};
use signet_core::{KeyMaterial, RingName};

use super::*;

const INACTIVITY: Seconds = Seconds(1_800);

fn key(number: u8) -> KeyId {
    KeyMaterial::new([number; 32]).id(RingName::Hmac)
}

/// Ids as good as random, the same in each run.
fn session(number: u64) -> SessionId {
    let digest = Sha256::digest(number.to_be_bytes());
    SessionId(digest[..16].try_into().unwrap())
}

fn seen(keys: &[KeyId]) -> Seen {
    let seen = Seen::default();
    seen.watch(keys.iter().copied());
    seen.turn(UnixSeconds(0), INACTIVITY);
    seen
}

fn estimate(seen: &Seen, key: KeyId) -> u64 {
    let found = seen.estimates().into_iter().find(|(id, _)| *id == key);
    found.unwrap().1
}

#[test]
fn sessions_are_counted_once_each_and_about_right() {
    let seen = seen(&[key(1), key(2)]);
    assert_eq!(estimate(&seen, key(1)), 0);
    let mut noted = 0;
    for count in [
        1_u64, 2, 3, 10, 100, 1_000, 10_000, 20_000, 100_000, 500_000,
    ] {
        for number in noted..count {
            seen.note(key(1), session(number));
        }
        noted = count;
        // Again and again, and it is still the same session.
        for number in 0..count.min(1_000) {
            seen.note(key(1), session(number));
        }
        let found = estimate(&seen, key(1));
        // Four times the standard error of 4096 registers; exact while there are few.
        let tolerance = (count as f64 * 4.0 * 1.04 / 64.0) as u64;
        assert!(found.abs_diff(count) <= tolerance, "{found} of {count}");
    }
    assert_eq!(estimate(&seen, key(2)), 0);
}

#[test]
fn a_session_is_forgotten_after_two_windows_at_most() {
    let seen = seen(&[key(1)]);
    let at = |minutes: u64| seen.turn(UnixSeconds(minutes * 60), INACTIVITY);
    at(29);
    seen.note(key(1), session(1));
    at(30);
    seen.note(key(1), session(2));
    assert_eq!(estimate(&seen, key(1)), 2);
    at(59);
    assert_eq!(estimate(&seen, key(1)), 2);
    at(60);
    assert_eq!(estimate(&seen, key(1)), 1);
    at(90);
    assert_eq!(estimate(&seen, key(1)), 0);
    // Nobody looked for hours.
    seen.note(key(1), session(3));
    at(500);
    assert_eq!(estimate(&seen, key(1)), 0);
}

#[test]
fn a_clock_that_goes_back_holds_no_window_open() {
    let seen = seen(&[key(1)]);
    seen.turn(UnixSeconds(1_000_000), INACTIVITY);
    seen.note(key(1), session(1));
    seen.turn(UnixSeconds(10), INACTIVITY);
    assert_eq!(estimate(&seen, key(1)), 1);
    seen.turn(UnixSeconds(10 + 1_800), INACTIVITY);
    seen.turn(UnixSeconds(10 + 3_600), INACTIVITY);
    assert_eq!(estimate(&seen, key(1)), 0);
}

#[test]
fn keys_come_and_go_and_are_bounded() {
    let seen = seen(&[key(1)]);
    seen.note(key(1), session(1));
    seen.note(key(2), session(1));
    seen.watch([key(2), key(1)]);
    seen.note(key(2), session(1));
    assert_eq!(seen.estimates(), [(key(2), 1), (key(1), 1)]);
    seen.watch([key(2)]);
    assert_eq!(seen.estimates(), [(key(2), 1)]);
    seen.watch((0..200).map(key));
    assert_eq!(seen.estimates().len(), MOST_KEYS);
}
