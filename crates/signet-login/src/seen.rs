//! How many sessions were seen with each key of late: an estimate, made without remembering any of them.

mod sketch;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use arc_swap::ArcSwap;
use signet_core::{KeyId, Seconds, SessionId, UnixSeconds};

use sketch::{Registers, Sketch};

/// So many keys are watched: those that make tokens or did so last. Each takes 8 KiB.
const MOST_KEYS: usize = 32;

/// The sessions that were seen with each key.
///
/// Two windows of time follow each other, each as long as a token lives, so a session counts for at least that long after
/// it was last seen, and for at most twice as long. Noting one takes no lock and no memory.
#[derive(Debug, Default)]
pub struct Seen {
    keys: ArcSwap<Vec<Watched>>,
    /// Which of the two windows is filled.
    present: AtomicUsize,
    /// When it began. Only whoever turns the windows takes this lock.
    since: Mutex<Option<UnixSeconds>>,
}

#[derive(Clone, Debug)]
struct Watched {
    key: KeyId,
    windows: Arc<[Sketch; 2]>,
}

impl Seen {
    /// Notes that `session` was recognised by a token that `key` made.
    pub fn note(&self, key: KeyId, session: SessionId) {
        let keys = self.keys.load();
        // The key that makes tokens comes first.
        let Some(watched) = keys.iter().find(|watched| watched.key == key) else {
            return;
        };
        let present = self.present.load(Ordering::Relaxed);
        if let Some(window) = watched.windows.get(present) {
            window.note(session.0);
        }
    }

    /// Watches these keys, the one that makes tokens first, and forgets the others.
    pub fn watch(&self, keys: impl IntoIterator<Item = KeyId>) {
        let before = self.keys.load();
        let watched = keys.into_iter().take(MOST_KEYS).map(|key| {
            let known = before.iter().find(|watched| watched.key == key);
            known.cloned().unwrap_or_else(|| Watched {
                key,
                windows: Arc::default(),
            })
        });
        self.keys.store(Arc::new(watched.collect()));
    }

    /// Begins the next window if the present one is as old as `inactivity`. To be called every second or so.
    pub fn turn(&self, now: UnixSeconds, inactivity: Seconds) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let began = *since.get_or_insert(now);
        if now < began {
            // The clock went back; the window begins anew, so that it does not stay open until then.
            *since = Some(now);
            return;
        }
        let age = now.since(began);
        if age < inactivity {
            return;
        }
        *since = Some(now);
        let present = self.present.load(Ordering::Relaxed);
        let next = 1 - present.min(1);
        let keys = self.keys.load();
        for watched in keys.iter() {
            if let Some(window) = watched.windows.get(next) {
                window.clear();
            }
            // Nobody looked for so long that what is in the former window is too old as well.
            if age.0 >= inactivity.0.saturating_mul(2)
                && let Some(window) = watched.windows.get(present)
            {
                window.clear();
            }
        }
        self.present.store(next, Ordering::Relaxed);
    }

    /// About how many sessions were seen with each key that is watched.
    #[must_use]
    pub fn estimates(&self) -> Vec<(KeyId, u64)> {
        let estimate = |watched: &Watched| {
            let [one, other] = &*watched.windows;
            Registers::of(one).joined(&Registers::of(other)).estimate()
        };
        let keys = self.keys.load();
        keys.iter()
            .map(|watched| (watched.key, estimate(watched)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
