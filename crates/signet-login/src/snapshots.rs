//! What every request reads and only a change writes: immutable snapshots behind pointer swaps.

use std::sync::Arc;

use arc_swap::ArcSwap;
use signet_core::{Clock, KeyRing, Marks, UserIndex, Verifier};

use crate::settings::Settings;

/// The present state of everything a verdict depends on. What changes one part builds the next beside it and swaps it in.
pub struct Snapshots {
    /// The settings.
    pub settings: ArcSwap<Settings>,
    /// The keys.
    pub keys: ArcSwap<KeyRing>,
    /// The users of this instance.
    pub index: ArcSwap<UserIndex>,
    /// The sessions that were ended.
    pub marks: ArcSwap<Marks>,
    /// The present.
    pub clock: Arc<dyn Clock>,
}

impl Snapshots {
    /// The first state.
    #[must_use]
    pub fn new(
        settings: Settings,
        keys: KeyRing,
        index: UserIndex,
        marks: Marks,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            settings: ArcSwap::from_pointee(settings),
            keys: ArcSwap::from_pointee(keys),
            index: ArcSwap::from_pointee(index),
            marks: ArcSwap::from_pointee(marks),
            clock,
        }
    }

    /// Calls `judge` with a verifier over the present snapshots; takes no lock that a writer can hold.
    pub fn with_verifier<R>(&self, judge: impl FnOnce(&Verifier<'_>, &Settings) -> R) -> R {
        let settings = self.settings.load();
        let keys = self.keys.load();
        let index = self.index.load();
        let marks = self.marks.load();
        let verifier = Verifier {
            policy: &settings.policy,
            keys: &keys,
            index: &index,
            marks: &marks,
        };
        judge(&verifier, &settings)
    }
}

impl std::fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshots(..)")
    }
}
