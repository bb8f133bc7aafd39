//! Reading the keys: those of the place that `storage` names, and what is wrong with the places.

use signet_core::{KeyId, KeyState, RingName};

use super::{KeyStore, REVOKED, STORAGE, scan_if_any};
use crate::merge::Merge;
use crate::relocation::Moving;
use crate::{Effect, Found, KeyError, KeyFault, KeyProblem, KeyProvider, LoadedKeys, Revocations};

impl KeyStore {
    /// Reads the keys of both rings. `previous` is what was loaded before, if anything was.
    ///
    /// - A bad file changes nothing: it is reported, and its key stays in use if `previous` has it.
    /// - A key whose file was removed goes, unless it was the last active one of its ring.
    /// - A ring whose keys are in the place that `storage` does not name keeps what `previous` has of it.
    /// - Where file and memory differ, the later state wins and is written back; a revoked key stays revoked.
    ///
    /// # Errors
    ///
    /// The directory as a whole cannot be used, or, with no `previous` to go on with, `revoked` cannot be read.
    pub fn load(&self, previous: Option<&LoadedKeys>) -> Result<LoadedKeys, KeyError> {
        let (mut loaded, news) = self.read(previous)?;
        loaded.problems.extend(self.write_back(&news));
        loaded
            .problems
            .sort_by(|one, other| one.path.cmp(&other.path));
        // What cannot be read at all is found for each ring.
        loaded
            .problems
            .dedup_by(|one, other| one.to_string() == other.to_string());
        Ok(loaded)
    }

    /// The same without writing anything, so that it can be asked by whoever holds the lock.
    pub(crate) fn read(
        &self,
        previous: Option<&LoadedKeys>,
    ) -> Result<(LoadedKeys, News), KeyError> {
        self.check()?;
        let path = self.path(REVOKED);
        let mut problems = Vec::new();
        let on_disk = match Revocations::read(&path, self.guard) {
            Ok(revoked) => Some(revoked),
            // Without it a stolen key might be accepted again.
            Err(fault) if previous.is_none() => return Err(KeyError::unusable(&path, fault)),
            Err(fault) => {
                problems.push(KeyProblem::new(path, fault).with(Effect::Noted));
                None
            }
        };
        let mut revoked = on_disk.clone().unwrap_or_default();
        if let Some(previous) = previous {
            revoked.extend(&previous.revoked);
        }
        let before = previous.map_or(&[][..], |previous| &previous.keys);
        let mut merge = Merge::new(before, revoked);
        let was_moving = matches!(self.moving(), Moving::Now);
        let (provider, views) = self.views()?;
        let mut places = Places::default();
        for view in views {
            let ring = view.ring;
            if view.is_elsewhere() {
                places.elsewhere(ring, merge.keep(ring));
            } else {
                places.compare(&view);
                merge.take(provider, ring, view.here);
            }
            problems.extend(view.problem.map(|problem| problem.with(Effect::Noted)));
        }
        problems.append(&mut merge.problems);
        problems.extend(self.in_places(provider, &places, was_moving));
        let mut loaded = LoadedKeys {
            keys: merge.keys,
            revoked: merge.revoked,
            problems,
            provider: provider.name(),
        };
        loaded.sort();
        let news = News {
            ahead: merge.ahead,
            rescued: merge.rescued,
            revoked: on_disk
                .is_some_and(|known| !known.is_superset(&loaded.revoked))
                .then(|| loaded.revoked.clone()),
        };
        Ok((loaded, news))
    }

    /// What each ring looks like in both places. Whoever moves the keys writes the new place before `storage` names it, and
    /// empties the old one afterwards: where it named the same before and after the look, all keys were there.
    fn views(&self) -> Result<(&dyn KeyProvider, [View; 2]), KeyError> {
        loop {
            let provider = self.provider()?;
            let views = RingName::ALL.map(|ring| self.view(provider, ring));
            if self.provider()?.name() == provider.name() {
                return Ok((provider, views));
            }
        }
    }

    fn view(&self, provider: &dyn KeyProvider, ring: RingName) -> View {
        let here = scan_settled(provider, ring);
        let other = self.provider_of(provider.name().other());
        let (there, problem) = match other.map(|other| scan_if_any(other, ring)) {
            None => (Vec::new(), None),
            Some(Ok(found)) => (found, None),
            Some(Err(KeyError::Unusable { path, fault })) => {
                (Vec::new(), Some(KeyProblem::new(path, fault)))
            }
            // Scanning fails in no other way.
            Some(Err(_)) => (Vec::new(), None),
        };
        View {
            ring,
            here,
            there: there.iter().map(id_of).collect(),
            problem,
        }
    }

    /// What is wrong with where the keys are.
    fn in_places(
        &self,
        provider: &dyn KeyProvider,
        places: &Places,
        was_moving: bool,
    ) -> Vec<KeyProblem> {
        let mut problems = Vec::new();
        let there = provider.name().other();
        if let Some(effect) = places.effect {
            let rings = places.rings.clone();
            let fault = KeyFault::Elsewhere { there, rings };
            problems.push(KeyProblem::new(self.path(STORAGE), fault).with(effect));
        }
        match self.moving() {
            // Both places hold keys meanwhile, and all is well.
            Moving::Now => {}
            _ if was_moving => {}
            Moving::Stuck(problem) => problems.push(problem.with(Effect::Noted)),
            Moving::Not => {
                let (copies, strangers) = (places.copies, places.strangers);
                if copies + strangers > 0 {
                    let fault = KeyFault::Both {
                        there,
                        copies,
                        strangers,
                    };
                    problems.push(KeyProblem::new(self.path(STORAGE), fault).with(Effect::Noted));
                }
            }
        }
        problems
    }
}

/// What memory knows better than the place of the keys.
#[derive(Debug)]
pub(crate) struct News {
    /// Keys that are there in an earlier state than this one.
    pub(super) ahead: Vec<signet_core::Key>,
    /// Keys in use that are gone there.
    pub(super) rescued: Vec<signet_core::Key>,
    /// All revoked keys, if `revoked` does not name all of them.
    pub(super) revoked: Option<Revocations>,
}

/// One ring in both places.
struct View {
    ring: RingName,
    here: Result<Vec<Found>, KeyProblem>,
    /// The ids of what is in the place that `storage` does not name, as far as it has one.
    there: Vec<Option<KeyId>>,
    problem: Option<KeyProblem>,
}

impl View {
    fn is_elsewhere(&self) -> bool {
        let is_empty = match &self.here {
            Ok(found) => found.is_empty(),
            Err(problem) => matches!(problem.fault, KeyFault::Absent),
        };
        is_empty && !self.there.is_empty()
    }
}

/// What comparing the places came to.
#[derive(Default)]
struct Places {
    rings: Vec<RingName>,
    effect: Option<Effect>,
    copies: usize,
    strangers: usize,
}

impl Places {
    fn elsewhere(&mut self, ring: RingName, effect: Effect) {
        self.rings.push(ring);
        self.effect = match (self.effect, effect) {
            (Some(Effect::Unused), _) | (_, Effect::Unused) => Some(Effect::Unused),
            _ => Some(effect),
        };
    }

    fn compare(&mut self, view: &View) {
        let Ok(here) = &view.here else { return };
        let here: Vec<_> = here.iter().filter_map(id_of).collect();
        let copies = view.there.iter().flatten().filter(|id| here.contains(id));
        let copies = copies.count();
        self.copies += copies;
        self.strangers += view.there.len() - copies;
    }
}

/// Keys are read one after the other, without a lock: whoever activates a key meanwhile may show the old one as
/// verify-only already and the new one not yet. A second look then finds it.
fn scan_settled(provider: &dyn KeyProvider, ring: RingName) -> Result<Vec<Found>, KeyProblem> {
    let is_active =
        |found: &Found| matches!(found, Found::Readable(key) if key.state == KeyState::Active);
    let found = provider.scan(ring)?;
    if found.iter().any(is_active) {
        return Ok(found);
    }
    provider.scan(ring)
}

fn id_of(found: &Found) -> Option<KeyId> {
    match found {
        Found::Readable(key) => Some(key.id),
        Found::Unreadable { id, .. } => *id,
    }
}
