//! Failed logins are borne up to a number for each account and each address, and forgotten evenly over time
//! (OWASP ASVS 5.0, 6.3.1). What is beyond is refused before a password is hashed.
//!
//! Each key holds one number: the time at which all its failures are forgotten (the generic cell rate algorithm).
//! Memory is bounded: when the table is full, keys whose failures are forgotten go; if there are none, the key that
//! would be forgotten soonest goes, so an attacker with many addresses cannot make it forget accounts under attack.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use signet_core::{Seconds, UnixSeconds};

use crate::settings::ThrottleSettings;

/// How many accounts, and how many addresses, are kept in mind.
const KEYS_MOST: usize = 50_000;

/// Counts failures by account and by address.
#[derive(Debug)]
pub struct Throttle {
    hasher: RandomState,
    accounts: Mutex<Buckets>,
    addresses: Mutex<Buckets>,
}

/// For each key: when its failures are forgotten, in milliseconds.
#[derive(Debug, Default)]
struct Buckets(HashMap<u64, u64>);

impl Default for Throttle {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            accounts: Mutex::default(),
            addresses: Mutex::default(),
        }
    }
}

impl Throttle {
    /// How long this account and address must wait before the next attempt; `None` if it may be made now.
    ///
    /// `account` is the skeleton of the user id, so that aliases do not multiply the attempts.
    #[must_use]
    pub fn wait(
        &self,
        account: &str,
        address: IpAddr,
        settings: &ThrottleSettings,
        now: UnixSeconds,
    ) -> Option<Seconds> {
        let (account, address) = self.keys(account, address);
        let by_account =
            lock(&self.accounts).wait(account, settings.account_failures, settings, now);
        let by_address =
            lock(&self.addresses).wait(address, settings.address_failures, settings, now);
        by_account.max(by_address)
    }

    /// Counts a failure. Call it before the password is hashed, so that attempts made at once do not all slip through.
    pub fn failed(
        &self,
        account: &str,
        address: IpAddr,
        settings: &ThrottleSettings,
        now: UnixSeconds,
    ) {
        let (account, address) = self.keys(account, address);
        lock(&self.accounts).add(account, settings.account_failures, settings, now);
        lock(&self.addresses).add(address, settings.address_failures, settings, now);
    }

    /// Takes back the failure that was counted beforehand: the password was right.
    pub fn succeeded(&self, account: &str, address: IpAddr, settings: &ThrottleSettings) {
        let (account, address) = self.keys(account, address);
        lock(&self.accounts).0.remove(&account);
        lock(&self.addresses).take_back(address, settings.address_failures, settings);
    }

    fn keys(&self, account: &str, address: IpAddr) -> (u64, u64) {
        (
            self.hasher.hash_one(account),
            self.hasher.hash_one(network(address)),
        )
    }
}

impl Buckets {
    fn wait(
        &self,
        key: u64,
        most: u32,
        settings: &ThrottleSettings,
        now: UnixSeconds,
    ) -> Option<Seconds> {
        let forgotten = *self.0.get(&key)?;
        let window = milliseconds(settings.window);
        // One more failure would not fit into the window.
        let earliest = (forgotten + share(most, window)).saturating_sub(window);
        let wait = earliest
            .checked_sub(now.0.saturating_mul(1_000))
            .filter(|wait| *wait > 0)?;
        Some(Seconds(wait.div_ceil(1_000)))
    }

    fn add(&mut self, key: u64, most: u32, settings: &ThrottleSettings, now: UnixSeconds) {
        let now = now.0.saturating_mul(1_000);
        if self.0.len() >= KEYS_MOST && !self.0.contains_key(&key) {
            self.make_room(now);
        }
        let forgotten = self.0.entry(key).or_insert(now);
        *forgotten = (*forgotten).max(now) + share(most, milliseconds(settings.window));
    }

    fn take_back(&mut self, key: u64, most: u32, settings: &ThrottleSettings) {
        if let Some(forgotten) = self.0.get_mut(&key) {
            *forgotten = forgotten.saturating_sub(share(most, milliseconds(settings.window)));
        }
    }

    fn make_room(&mut self, now: u64) {
        self.0.retain(|_, forgotten| *forgotten > now);
        if self.0.len() >= KEYS_MOST {
            let soonest = self.0.iter().min_by_key(|(_, forgotten)| **forgotten);
            if let Some(key) = soonest.map(|(key, _)| *key) {
                self.0.remove(&key);
            }
        }
    }
}

/// One subscriber line of IPv6 has a /64; an IPv4 address in IPv6 clothes is the IPv4 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

/// The time after which one of `most` failures is forgotten.
fn share(most: u32, window: u64) -> u64 {
    window / u64::from(most.max(1))
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX / 4)
}

/// A panic elsewhere leaves the numbers usable.
fn lock(buckets: &Mutex<Buckets>) -> std::sync::MutexGuard<'_, Buckets> {
    buckets.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_000_000);

    fn settings() -> ThrottleSettings {
        ThrottleSettings {
            account_failures: 3,
            address_failures: 5,
            window: Duration::from_secs(300),
        }
    }

    fn address(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    // L7
    #[test]
    fn an_account_is_throttled_whatever_the_address() {
        let throttle = Throttle::default();
        for n in 0..3 {
            assert_eq!(throttle.wait("alice", address(n), &settings(), NOW), None);
            throttle.failed("alice", address(n), &settings(), NOW);
        }
        assert_eq!(
            throttle.wait("alice", address(9), &settings(), NOW),
            Some(Seconds(100))
        );
        assert_eq!(throttle.wait("bob", address(9), &settings(), NOW), None);
        let later = NOW.plus(Seconds(100));
        assert_eq!(throttle.wait("alice", address(9), &settings(), later), None);
    }

    // L7
    #[test]
    fn an_address_is_throttled_whatever_the_account() {
        let throttle = Throttle::default();
        for n in 0..5 {
            throttle.failed(&format!("user-{n}"), address(1), &settings(), NOW);
        }
        assert!(throttle.wait("new", address(1), &settings(), NOW).is_some());
        assert_eq!(throttle.wait("new", address(2), &settings(), NOW), None);
    }

    #[test]
    fn a_success_clears_the_account_and_leaves_the_failures_of_the_address() {
        let throttle = Throttle::default();
        for _ in 0..3 {
            throttle.failed("alice", address(1), &settings(), NOW);
        }
        throttle.succeeded("alice", address(1), &settings());
        assert_eq!(throttle.wait("alice", address(1), &settings(), NOW), None);
        for _ in 0..3 {
            throttle.failed("bob", address(1), &settings(), NOW);
        }
        assert!(
            throttle
                .wait("carol", address(1), &settings(), NOW)
                .is_some()
        );
    }

    #[test]
    fn addresses_of_one_line_count_as_one() {
        let throttle = Throttle::default();
        for n in 0..5 {
            throttle.failed(
                &format!("u{n}"),
                format!("2001:db8::{n}").parse().unwrap(),
                &settings(),
                NOW,
            );
        }
        let same: IpAddr = "2001:db8::ffff".parse().unwrap();
        assert!(throttle.wait("x", same, &settings(), NOW).is_some());
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), address(1));
    }

    #[test]
    fn memory_is_bounded_and_the_worst_are_kept() {
        let mut buckets = Buckets::default();
        let settings = ThrottleSettings {
            window: Duration::from_secs(9_000),
            ..settings()
        };
        for _ in 0..3 {
            buckets.add(u64::MAX, 3, &settings, NOW);
        }
        for key in 0..KEYS_MOST as u64 + 10 {
            buckets.add(key, 3, &settings, NOW);
            if key as usize > KEYS_MOST + 5 {
                break;
            }
        }
        assert!(buckets.0.len() <= KEYS_MOST);
        assert!(buckets.wait(u64::MAX, 3, &settings, NOW).is_some());
    }
}
