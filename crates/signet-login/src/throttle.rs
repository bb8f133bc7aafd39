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
    /// Admits an attempt on this account from this address, or says how long to wait before the next.
    ///
    /// An attempt counts as a failure until [`succeeded`](Self::succeeded) or [`undecided`](Self::undecided) says
    /// otherwise. It is looked up and counted in one step, so that attempts made at once do not all slip through.
    /// `account` is the skeleton of the user id, so that aliases do not multiply the attempts.
    ///
    /// # Errors
    /// The time to wait, if too many attempts failed.
    pub fn attempt(
        &self,
        account: &str,
        address: IpAddr,
        settings: &ThrottleSettings,
        now: UnixSeconds,
    ) -> Result<(), Seconds> {
        let (account, address) = self.keys(account, address);
        let by_account = Limit::new(settings.account_failures, settings.window, now);
        let by_address = Limit::new(settings.address_failures, settings.window, now);
        // Always in this order, so that nobody waits for somebody who waits.
        let mut accounts = lock(&self.accounts);
        let mut addresses = lock(&self.addresses);
        let wait = accounts
            .wait(account, &by_account)
            .max(addresses.wait(address, &by_address));
        if let Some(wait) = wait {
            return Err(wait);
        }
        accounts.add(account, &by_account);
        addresses.add(address, &by_address);
        Ok(())
    }

    /// The password was right: forgets the failures of the account, and takes back what the attempt counted against
    /// the address.
    pub fn succeeded(
        &self,
        account: &str,
        address: IpAddr,
        settings: &ThrottleSettings,
        now: UnixSeconds,
    ) {
        let (account, address) = self.keys(account, address);
        let by_address = Limit::new(settings.address_failures, settings.window, now);
        lock(&self.accounts).0.remove(&account);
        lock(&self.addresses).take_back(address, &by_address);
    }

    /// Nobody could say whether the password was right: takes back what the attempt counted.
    pub fn undecided(
        &self,
        account: &str,
        address: IpAddr,
        settings: &ThrottleSettings,
        now: UnixSeconds,
    ) {
        let (account, address) = self.keys(account, address);
        let by_account = Limit::new(settings.account_failures, settings.window, now);
        let by_address = Limit::new(settings.address_failures, settings.window, now);
        lock(&self.accounts).take_back(account, &by_account);
        lock(&self.addresses).take_back(address, &by_address);
    }

    /// How many accounts and how many addresses are not admitted now.
    #[must_use]
    pub fn throttled(&self, settings: &ThrottleSettings, now: UnixSeconds) -> (usize, usize) {
        let by_account = Limit::new(settings.account_failures, settings.window, now);
        let by_address = Limit::new(settings.address_failures, settings.window, now);
        (
            lock(&self.accounts).throttled(&by_account),
            lock(&self.addresses).throttled(&by_address),
        )
    }

    fn keys(&self, account: &str, address: IpAddr) -> (u64, u64) {
        (
            self.hasher.hash_one(account),
            self.hasher.hash_one(network(address)),
        )
    }
}

/// How much is borne, at one moment; all in milliseconds.
struct Limit {
    now: u64,
    window: u64,
    /// The time after which one failure is forgotten.
    share: u64,
}

impl Limit {
    fn new(most: u32, window: Duration, now: UnixSeconds) -> Self {
        // Wherever the clock stands, there is room for the sums below.
        let window =
            u64::try_from(window.as_millis()).map_or(u64::MAX / 4, |w| w.min(u64::MAX / 4));
        Self {
            now: now.0.saturating_mul(1_000).min(u64::MAX / 4),
            window,
            share: window / u64::from(most.max(1)),
        }
    }
}

impl Limit {
    /// How long to wait until one more failure fits into the window.
    fn wait(&self, forgotten: u64) -> Option<u64> {
        let earliest = (forgotten + self.share).saturating_sub(self.window);
        earliest.checked_sub(self.now).filter(|wait| *wait > 0)
    }

    /// What lies further ahead was counted by a clock that has gone back since.
    fn bounded(&self, forgotten: u64) -> u64 {
        forgotten.min(self.now + self.window)
    }
}

impl Buckets {
    fn wait(&mut self, key: u64, limit: &Limit) -> Option<Seconds> {
        let forgotten = self.0.get_mut(&key)?;
        *forgotten = limit.bounded(*forgotten);
        let wait = limit.wait(*forgotten)?;
        Some(Seconds(wait.div_ceil(1_000)))
    }

    fn throttled(&self, limit: &Limit) -> usize {
        let all = self.0.values();
        all.filter(|forgotten| limit.wait(limit.bounded(**forgotten)).is_some())
            .count()
    }

    fn add(&mut self, key: u64, limit: &Limit) {
        if self.0.len() >= KEYS_MOST && !self.0.contains_key(&key) {
            self.make_room(limit.now);
        }
        let forgotten = self.0.entry(key).or_insert(limit.now);
        *forgotten = (*forgotten).max(limit.now) + limit.share;
    }

    fn take_back(&mut self, key: u64, limit: &Limit) {
        if let Some(forgotten) = self.0.get_mut(&key) {
            *forgotten = forgotten.saturating_sub(limit.share);
            if *forgotten <= limit.now {
                self.0.remove(&key);
            }
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

    fn attempt(throttle: &Throttle, account: &str, address: IpAddr) -> Result<(), Seconds> {
        throttle.attempt(account, address, &settings(), NOW)
    }

    // L7
    #[test]
    fn an_account_is_throttled_whatever_the_address() {
        let throttle = Throttle::default();
        for n in 0..3 {
            assert_eq!(attempt(&throttle, "alice", address(n)), Ok(()));
        }
        assert_eq!(attempt(&throttle, "alice", address(9)), Err(Seconds(100)));
        assert_eq!(attempt(&throttle, "bob", address(9)), Ok(()));
        assert_eq!(throttle.throttled(&settings(), NOW), (1, 0));
        let later = NOW.plus(Seconds(100));
        assert_eq!(throttle.throttled(&settings(), later), (0, 0));
        let waited = throttle.attempt("alice", address(9), &settings(), later);
        assert_eq!(waited, Ok(()));
    }

    // L7
    #[test]
    fn an_address_is_throttled_whatever_the_account() {
        let throttle = Throttle::default();
        for n in 0..5 {
            assert!(attempt(&throttle, &format!("user-{n}"), address(1)).is_ok());
        }
        assert!(attempt(&throttle, "new", address(1)).is_err());
        assert_eq!(throttle.throttled(&settings(), NOW), (0, 1));
        assert_eq!(attempt(&throttle, "new", address(2)), Ok(()));
    }

    #[test]
    fn a_success_clears_the_account_and_leaves_the_failures_of_the_address() {
        let throttle = Throttle::default();
        for _ in 0..3 {
            assert_eq!(attempt(&throttle, "alice", address(1)), Ok(()));
        }
        throttle.succeeded("alice", address(1), &settings(), NOW);
        // Two of the five are still counted against the address.
        for _ in 0..3 {
            assert_eq!(attempt(&throttle, "alice", address(1)), Ok(()));
        }
        assert!(attempt(&throttle, "carol", address(1)).is_err());
    }

    #[test]
    fn what_was_not_decided_counts_for_nothing() {
        let throttle = Throttle::default();
        for _ in 0..20 {
            assert_eq!(attempt(&throttle, "alice", address(1)), Ok(()));
            throttle.undecided("alice", address(1), &settings(), NOW);
        }
        assert!(lock(&throttle.accounts).0.is_empty());
        assert!(lock(&throttle.addresses).0.is_empty());
    }

    #[test]
    fn no_clock_or_window_is_too_large() {
        let throttle = Throttle::default();
        let settings = ThrottleSettings {
            window: Duration::MAX,
            ..settings()
        };
        for now in [0, u64::MAX, 1, u64::MAX / 1_000] {
            for _ in 0..9 {
                let _ = throttle.attempt("alice", address(1), &settings, UnixSeconds(now));
            }
            let next = throttle.attempt("alice", address(1), &settings, UnixSeconds(now));
            assert!(next.is_err(), "{now}");
        }
    }

    #[test]
    fn addresses_of_one_line_count_as_one() {
        let throttle = Throttle::default();
        for n in 0..5 {
            let address = format!("2001:db8::{n}").parse().unwrap();
            assert!(attempt(&throttle, &format!("u{n}"), address).is_ok());
        }
        let same: IpAddr = "2001:db8::ffff".parse().unwrap();
        assert!(attempt(&throttle, "x", same).is_err());
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), address(1));
    }

    #[test]
    fn memory_is_bounded_and_the_worst_are_kept() {
        let mut buckets = Buckets::default();
        let limit = Limit::new(3, Duration::from_secs(9_000), NOW);
        for _ in 0..3 {
            buckets.add(u64::MAX, &limit);
        }
        for key in 0..KEYS_MOST as u64 + 10 {
            buckets.add(key, &limit);
        }
        assert!(buckets.0.len() <= KEYS_MOST);
        assert!(buckets.wait(u64::MAX, &limit).is_some());
    }
}
