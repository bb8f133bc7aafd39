//! Two directories that change places.

use std::fs;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::{Plan, Work, directory_of, inode, sync_directory, written};
use crate::RestoreError;
use crate::restore::steps::{Step, Steps};

impl Work {
    /// Gives what is prepared its place: both at once, where the file system can, or one after the other.
    pub(super) fn exchange(&self, plan: &Plan, steps: &Steps) -> Result<(), RestoreError> {
        let placed = self
            .exchange_at_once(plan, steps)
            .and_then(|()| self.finish(plan, steps));
        placed.map_err(|error| {
            if inode(&self.target) == Some(plan.inode) {
                return error.untidied(&self.target);
            }
            self.retract(plan, steps);
            error
        })
    }

    /// Finishes what an earlier run began, or leaves everything as it was before that; which of the two.
    pub(super) fn finish_exchange(&self, plan: &Plan, steps: &Steps) -> Result<bool, RestoreError> {
        let is_there = inode(&self.target) == Some(plan.inode);
        let is_between = fs::symlink_metadata(&self.target).is_err()
            && plan.aside.as_ref().is_some_and(|aside| aside.exists());
        if !is_there && !is_between {
            return Ok(false);
        }
        self.finish(plan, steps).map(|()| true)
    }

    fn exchange_at_once(&self, plan: &Plan, steps: &Steps) -> Result<(), RestoreError> {
        if plan.aside.is_none() || !steps.can_exchange() {
            return Ok(());
        }
        written(steps.reach(Step::Exchange), &self.target)?;
        match renameat_with(CWD, self.data(), CWD, &self.target, RenameFlags::EXCHANGE) {
            Ok(()) => sync_directory(&self.directory).and_then(|()| self.sync_parent()),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
            Err(error) => written(Err(error.into()), &self.target),
        }
    }

    /// Does what is left to do, however far it came.
    fn finish(&self, plan: &Plan, steps: &Steps) -> Result<(), RestoreError> {
        let prepared = self.data();
        if inode(&self.target) == Some(plan.inode) {
            // What is where things were prepared is what was there before.
            if let Some(aside) = &plan.aside
                && fs::symlink_metadata(&prepared).is_ok()
            {
                written(steps.reach(Step::SetAside), aside)?;
                written(fs::rename(&prepared, aside), aside)?;
                self.sync_parent()?;
            }
            return Ok(());
        }
        if let Some(aside) = &plan.aside
            && fs::symlink_metadata(&self.target).is_ok()
        {
            written(steps.reach(Step::MoveAway), &self.target)?;
            written(fs::rename(&self.target, aside), &self.target)?;
            self.sync_parent()?;
        }
        written(steps.reach(Step::MoveIn), &self.target)?;
        written(fs::rename(&prepared, &self.target), &self.target)?;
        self.sync_parent()
    }

    /// After an error that is no crash: what was there is in its place again, and the plan forgotten.
    /// What does not succeed here is for the next run to settle.
    fn retract(&self, plan: &Plan, steps: &Steps) {
        if steps.reach(Step::Retract).is_err() {
            return;
        }
        if let Some(aside) = &plan.aside
            && fs::symlink_metadata(&self.target).is_err()
            && fs::rename(aside, &self.target).is_err()
        {
            return;
        }
        let _ = fs::remove_file(self.plan_path());
        let _ = self.sync_parent();
    }

    fn sync_parent(&self) -> Result<(), RestoreError> {
        sync_directory(directory_of(&self.target))
    }
}
