//! How many verdicts there were, by outcome: one counter each, so that no request can make a new one.

use std::sync::atomic::{AtomicU64, Ordering};

use signet_core::Denied;

/// Counters since the start of the instance.
#[derive(Debug, Default)]
pub struct Tally {
    accepted: AtomicU64,
    renewed: AtomicU64,
    logins: AtomicU64,
    login_failures: AtomicU64,
    throttled: AtomicU64,
    logouts: AtomicU64,
    denied: [AtomicU64; Denied::ALL.len()],
}

/// What is counted, the reasons of refusals aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A verdict was positive.
    Accepted,
    /// A token was made in the place of an older one.
    Renewed,
    /// A user logged in.
    Login,
    /// A login failed.
    LoginFailure,
    /// A login was refused unseen because too many had failed.
    Throttled,
    /// A session was ended by its user.
    Logout,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 6] = [
        Self::Accepted,
        Self::Renewed,
        Self::Login,
        Self::LoginFailure,
        Self::Throttled,
        Self::Logout,
    ];
}

impl Tally {
    /// Counts `event`.
    pub fn count(&self, event: Event) {
        self.of(event).fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a refusal.
    pub fn count_denied(&self, reason: Denied) {
        if let Some(counter) = place(reason).and_then(|place| self.denied.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often `event` happened.
    #[must_use]
    pub fn read(&self, event: Event) -> u64 {
        self.of(event).load(Ordering::Relaxed)
    }

    /// How often there was a refusal for `reason`.
    #[must_use]
    pub fn read_denied(&self, reason: Denied) -> u64 {
        let counter = place(reason).and_then(|place| self.denied.get(place));
        counter.map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    fn of(&self, event: Event) -> &AtomicU64 {
        match event {
            Event::Accepted => &self.accepted,
            Event::Renewed => &self.renewed,
            Event::Login => &self.logins,
            Event::LoginFailure => &self.login_failures,
            Event::Throttled => &self.throttled,
            Event::Logout => &self.logouts,
        }
    }
}

fn place(reason: Denied) -> Option<usize> {
    Denied::ALL.iter().position(|other| *other == reason)
}
