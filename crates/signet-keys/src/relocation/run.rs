//! One move of the keys from beginning to end, and what becomes of it when a step fails.

use std::path::PathBuf;

use super::backup::free_name;
use super::retreat::Retreat;
use super::situation::Situation;
use super::{
    Aftermath, BackupSealer, Deed, Intent, Relocated, RelocationAide, RelocationError,
    RelocationFailure, RelocationOrder, RelocationStep, StepReport,
};
use crate::store::LOCK;
use crate::{Custody, KeyError, KeyStore, Lock};

/// One move of the keys.
pub(super) struct Run<'r> {
    pub(super) store: &'r KeyStore,
    pub(super) order: &'r RelocationOrder,
    pub(super) sealer: &'r dyn BackupSealer,
    aide: &'r mut dyn RelocationAide,
    step: RelocationStep,
    pub(super) retreat: Retreat,
    /// Whether something was removed, so that there is only the way on.
    pub(super) is_past_return: bool,
    /// Held until all is done, or put back.
    pub(super) lock: Option<Lock>,
}

impl<'r> Run<'r> {
    pub(super) fn new(
        store: &'r KeyStore,
        order: &'r RelocationOrder,
        sealer: &'r dyn BackupSealer,
        aide: &'r mut dyn RelocationAide,
    ) -> Self {
        Self {
            store,
            order,
            sealer,
            aide,
            step: RelocationStep::Find,
            retreat: Retreat::default(),
            is_past_return: false,
            lock: None,
        }
    }

    pub(super) fn run(mut self) -> Result<Relocated, RelocationFailure> {
        let found = self.lock().and_then(|()| {
            let situation = Situation::find(self.store, self.order, self.sealer)?;
            self.done(situation.in_words());
            Ok(situation)
        });
        match found {
            Err(error) => Err(self.failure(error, Aftermath::Untouched)),
            Ok(situation) => {
                let moved = match self.order.intent {
                    Intent::Show => self.show(&situation),
                    Intent::Do => self.go(&situation),
                };
                moved.map_err(|error| {
                    let aftermath = self.put_back(&situation);
                    self.failure(error, aftermath)
                })
            }
        }
    }

    fn failure(&self, error: RelocationError, aftermath: Aftermath) -> RelocationFailure {
        RelocationFailure {
            step: self.step,
            error,
            aftermath,
        }
    }

    fn put_back(&mut self, situation: &Situation<'_>) -> Aftermath {
        let retreat = core::mem::take(&mut self.retreat);
        if self.is_past_return {
            return Aftermath::Unfinished(None);
        }
        let is_needed = retreat.is_needed();
        let retreated = retreat.run(self.store, situation);
        match retreated {
            Err(error) => Aftermath::Unfinished(Some(Box::new(error))),
            Ok(()) if situation.journal.is_some() => Aftermath::Unfinished(None),
            Ok(()) if is_needed => Aftermath::PutBack,
            Ok(()) => Aftermath::Untouched,
        }
    }

    fn lock(&mut self) -> Result<(), RelocationError> {
        let store = self.store;
        if store.guard.custody == Custody::Mounted {
            let path = store.directory.clone();
            return Err(KeyError::Mounted { path }.into());
        }
        store.check_directory()?;
        if self.order.intent == Intent::Show {
            return Ok(());
        }
        let path = store.path(LOCK);
        let cannot = |source| KeyError::Lock {
            path: path.clone(),
            source,
        };
        let lock = match Lock::try_acquire(&path).map_err(cannot)? {
            Some(lock) => lock,
            None => {
                self.aide.waits();
                Lock::acquire(&path).map_err(cannot)?
            }
        };
        store.sweep();
        self.lock = Some(lock);
        Ok(())
    }

    fn show(&mut self, situation: &Situation<'_>) -> Result<Relocated, RelocationError> {
        self.survey(situation)?;
        if situation.is_done()? {
            return Ok(relocated(situation, Deed::Nothing, None));
        }
        self.make_tokens(situation)?;
        self.open(situation)?;
        let backup = free_name(&self.order.backups, self.order.now);
        let backup = self.order.backups.join(backup);
        for (step, detail) in situation.plan(&backup) {
            self.begin(step);
            self.report(detail, false);
        }
        Ok(relocated(situation, Deed::Shown, None))
    }

    fn go(&mut self, situation: &Situation<'_>) -> Result<Relocated, RelocationError> {
        self.survey(situation)?;
        if situation.is_done()? {
            return Ok(relocated(situation, Deed::Nothing, None));
        }
        let probes = self.make_tokens(situation)?;
        self.open(situation)?;
        let backup = self.back_up(situation)?;
        self.write(situation)?;
        self.compare(situation)?;
        self.switch(situation)?;
        self.try_out(situation, &probes)?;
        self.remove(situation)?;
        self.look_for_traces(situation)?;
        Ok(relocated(situation, Deed::Moved, Some(backup)))
    }

    pub(super) fn aide(&mut self) -> &mut dyn RelocationAide {
        self.aide
    }

    pub(super) fn begin(&mut self, step: RelocationStep) {
        self.step = step;
    }

    /// The step that was begun last is taken.
    pub(super) fn done(&mut self, detail: impl Into<String>) {
        self.report(detail.into(), true);
    }

    fn report(&mut self, detail: String, is_done: bool) {
        self.aide.took(&StepReport {
            step: self.step,
            detail,
            is_done,
        });
    }
}

fn relocated(situation: &Situation<'_>, deed: Deed, backup: Option<PathBuf>) -> Relocated {
    Relocated {
        to: situation.to.name(),
        deed,
        keys: situation.keys.len(),
        backup,
    }
}
