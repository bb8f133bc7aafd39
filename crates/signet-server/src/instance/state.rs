//! Whether the instance is ready, and why not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use signet_core::{Seconds, UnixSeconds};
use signet_login::Snapshots;

/// Whether requests should be sent here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readiness {
    /// They should.
    Ready,
    /// No key is active, so nobody can log in: copy the keys of the author.
    NoActiveKey,
    /// The repository did not answer the last time.
    RepositoryUnavailable,
    /// The instance is shutting down.
    Draining,
}

impl Readiness {
    /// In words, for the one who asks why.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NoActiveKey => {
                "not ready: no key is active; `signet doctor` says where the keys are and how they come here; what is copied is noticed within 2 seconds"
            }
            Self::RepositoryUnavailable => "not ready: the repository does not answer",
            Self::Draining => "not ready: shutting down",
        }
    }
}

#[derive(Debug)]
pub(crate) struct State {
    draining: AtomicBool,
    has_active_key: AtomicBool,
    repository_answers: AtomicBool,
    config_failures: AtomicU64,
    last_look: AtomicU64,
    last_jump: Mutex<Option<Jump>>,
}

/// The clock jumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Jump {
    /// When, by the clock as it was afterwards.
    pub(crate) at: UnixSeconds,
    /// How far.
    pub(crate) by: Seconds,
    /// In which direction.
    pub(crate) direction: Direction,
}

/// Where the clock jumped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To a time that had been before.
    Back,
    /// Past times that never were.
    Ahead,
}

/// The clock may move by so much between two looks, which are a second apart, before it is worth a word.
const CLOCK_TOLERANCE: u64 = 30;

impl State {
    pub(super) fn new(snapshots: &Snapshots) -> Self {
        let state = Self {
            draining: AtomicBool::new(false),
            has_active_key: AtomicBool::new(false),
            repository_answers: AtomicBool::new(true),
            config_failures: AtomicU64::new(0),
            last_look: AtomicU64::new(snapshots.clock.now().0),
            last_jump: Mutex::new(None),
        };
        state.update(snapshots);
        state
    }

    pub(super) fn update(&self, snapshots: &Snapshots) {
        self.watch_clock(snapshots.clock.now().0);
        let active = snapshots.keys.load().active().is_some();
        let before = self.has_active_key.swap(active, Ordering::Relaxed);
        if before && !active {
            tracing::error!(
                code = "NO_ACTIVE_KEY",
                "no key is active: nobody can log in"
            );
        }
    }

    /// A clock that jumps makes good tokens look expired or from the future; nothing is let in for it, but people must know.
    fn watch_clock(&self, now: u64) {
        let before = self.last_look.swap(now, Ordering::Relaxed);
        if now + CLOCK_TOLERANCE < before {
            self.jumped(now, before - now, Direction::Back);
            tracing::error!(
                code = "CLOCK_JUMPED",
                clock.back_seconds = before - now,
                hint = "is the time of this machine kept by NTP? Tokens made meanwhile are refused as from the future",
                "the clock went back"
            );
        } else if now > before + CLOCK_TOLERANCE {
            self.jumped(now, now - before, Direction::Ahead);
            tracing::warn!(
                code = "CLOCK_JUMPED",
                clock.ahead_seconds = now - before,
                hint = "after a pause of the machine this is right; else tokens expire early: is the time kept by NTP?",
                "the clock jumped ahead"
            );
        }
    }

    fn jumped(&self, at: u64, by: u64, direction: Direction) {
        let jump = Jump {
            at: UnixSeconds(at),
            by: Seconds(by),
            direction,
        };
        *self
            .last_jump
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(jump);
    }

    /// The last time the clock jumped.
    pub(crate) fn last_jump(&self) -> Option<Jump> {
        *self
            .last_jump
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn repository_answered(&self, answered: bool) {
        let before = self.repository_answers.swap(answered, Ordering::Relaxed);
        if before && !answered {
            tracing::error!(
                code = "REPOSITORY_UNAVAILABLE",
                hint = "is the disk in order, and the file still the one that was opened? Else restart the instance",
                "the repository does not answer, or its file was replaced: not ready"
            );
        }
    }

    pub(super) fn config_failed(&self) {
        self.config_failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn config_failures(&self) -> u64 {
        self.config_failures.load(Ordering::Relaxed)
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn readiness(&self) -> Readiness {
        if self.draining.load(Ordering::Relaxed) {
            Readiness::Draining
        } else if !self.has_active_key.load(Ordering::Relaxed) {
            Readiness::NoActiveKey
        } else if !self.repository_answers.load(Ordering::Relaxed) {
            Readiness::RepositoryUnavailable
        } else {
            Readiness::Ready
        }
    }
}
