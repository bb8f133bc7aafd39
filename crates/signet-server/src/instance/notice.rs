//! Keys that came, went or changed their state: recorded unless whoever did it has recorded it.

use std::sync::{Mutex, PoisonError};

use serde_json::json;
use signet_audit::{Action, AuditLog, Entry, Pending};
use signet_core::{Key, KeyId, KeyState, RingName, Seconds, UnixSeconds};
use signet_keys::LoadedKeys;

use super::Instance;
use super::record::{apart, forget};

/// Somebody copied, replaced or removed a key file.
const NOTICED: Action = Action::literal("key.notice");
/// A command writes the key first and its line of the audit log then; so long it may take.
const PATIENCE: Seconds = Seconds(5);
/// So far back the line of a command is looked for.
const LONG_AGO: Seconds = Seconds(300);
/// So much of the audit log, in bytes.
const NEAR: u64 = 256 * 1_024;

/// A key that changed, and whose change nobody has recorded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyNotice {
    kid: KeyId,
    ring: RingName,
    before: Option<KeyState>,
    after: Option<KeyState>,
    at: UnixSeconds,
}

/// The notices that wait for the line of a command.
#[derive(Debug, Default)]
pub(super) struct Notices(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    notices: Vec<KeyNotice>,
    /// As long as there are some: should the instance die, nobody else knows of them.
    begun: Option<Pending>,
}

impl Notices {
    fn is_empty(&self) -> bool {
        self.lock().notices.is_empty()
    }

    fn add(&self, notices: Vec<KeyNotice>, begun: Option<Pending>) {
        let mut waiting = self.lock();
        waiting.notices.extend(notices);
        waiting.begun = waiting.begun.take().or(begun);
    }

    /// Those that have waited long enough, or all of them.
    fn due(&self, now: UnixSeconds, all: bool) -> Vec<KeyNotice> {
        let mut waiting = self.lock();
        // A clock that went back lets nothing wait longer.
        let is_due =
            |notice: &KeyNotice| all || notice.at > now || now.since(notice.at) >= PATIENCE;
        let notices = std::mem::take(&mut waiting.notices);
        let (due, rest) = notices.into_iter().partition(is_due);
        waiting.notices = rest;
        due
    }

    /// What was noted, once nothing waits any more.
    fn ended(&self) -> Option<Pending> {
        let mut waiting = self.lock();
        match waiting.notices.is_empty() {
            true => waiting.begun.take(),
            false => None,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyNotice {
    /// What differs between two readings of the keys.
    pub(super) fn between(before: &LoadedKeys, after: &LoadedKeys, at: UnixSeconds) -> Vec<Self> {
        let state = |keys: &LoadedKeys, wanted: &Key| {
            let found = keys.keys.iter().find(|key| is_same(key, wanted));
            found.map(|key| key.state)
        };
        let gone = before.keys.iter().filter(|key| state(after, key).is_none());
        after
            .keys
            .iter()
            .chain(gone)
            .map(|key| Self {
                kid: key.id,
                ring: key.ring,
                before: state(before, key),
                after: state(after, key),
                at,
            })
            .filter(|notice| notice.before != notice.after)
            .collect()
    }

    /// Whether a line of the audit log tells of this.
    fn is_told_by(&self, entry: &Entry) -> bool {
        let kid = self.kid.to_string();
        entry.action != NOTICED
            && entry.time.plus(LONG_AGO) >= self.at
            && (entry.object == kid || entry.detail.to_string().contains(&kid))
    }
}

impl Instance {
    /// Remembers what changed about the keys, unless somebody has recorded it already, until that is recorded.
    pub(super) async fn notice(&self, notices: Vec<KeyNotice>) {
        if notices.is_empty() {
            return;
        }
        let log = self.data.audit_log();
        let looked = apart(move || Ok(untold(&log, notices))).await;
        let notices = looked.unwrap_or_default();
        if notices.is_empty() {
            return;
        }
        let begun = match self.notices.is_empty() {
            true => self.begin("keys notice").await.ok(),
            false => None,
        };
        self.notices.add(notices, begun);
    }

    /// Records the changes of keys that nobody else has recorded; `all` of them when the instance ends.
    pub(crate) async fn record_noticed_keys(&self, all: bool) {
        let due = self.notices.due(self.now(), all);
        if due.is_empty() {
            return;
        }
        let log = self.data.audit_log();
        let told = apart(move || Ok(untold(&log, due))).await;
        for notice in told.unwrap_or_default() {
            let state = |state: Option<KeyState>| state.map(KeyState::as_str);
            let detail = json!({
                "ring": notice.ring.as_str(),
                "before": state(notice.before),
                "after": state(notice.after),
            });
            self.record(NOTICED, &notice.kid.to_string(), detail).await;
        }
        if let Some(begun) = self.notices.ended() {
            forget(begun).await;
        }
    }
}

/// Those of `notices` that no line near the end of the log tells of.
fn untold(log: &AuditLog, mut notices: Vec<KeyNotice>) -> Vec<KeyNotice> {
    // A log that cannot be read tells nothing.
    if let Ok(entries) = log.recent(NEAR) {
        for entry in entries.flatten() {
            notices.retain(|notice| !notice.is_told_by(&entry));
        }
    }
    notices
}

fn is_same(one: &Key, other: &Key) -> bool {
    one.id == other.id && one.ring == other.ring
}
