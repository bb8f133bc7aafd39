//! The note of how what is prepared gets into its place.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use signet_keys::atomic;

use super::{Work, sync_directory, write_error, written};
use crate::RestoreError;
use crate::restore::steps::{Step, Steps};

/// How what is prepared gets into its place.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// Which backup it is.
    pub(crate) backup: String,
    /// The number that the prepared directory has on its file system.
    pub(crate) inode: u64,
    /// Where that goes which was there before, if there was anything.
    pub(crate) aside: Option<PathBuf>,
    /// What is to be done next.
    pub(crate) phase: Phase,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// The two directories change places.
    Exchange,
    /// What was there is moved out.
    Out,
    /// What was prepared is moved in.
    In,
}

impl Work {
    pub(super) fn plan_path(&self) -> PathBuf {
        self.directory.join("plan")
    }

    pub(super) fn write_plan(&self, plan: &Plan, steps: &Steps) -> Result<(), RestoreError> {
        let path = self.plan_path();
        written(steps.reach(Step::WritePlan), &path)?;
        let text = written(serde_json::to_vec(plan).map_err(io::Error::other), &path)?;
        atomic::write(&path, &text).map_err(|error| write_error(&path, error.source))
    }

    /// The plan, which is there as a whole or not at all.
    pub(super) fn read_plan(&self) -> Option<Plan> {
        let text = fs::read(self.plan_path()).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(super) fn remove_plan(&self, steps: &Steps) -> Result<(), RestoreError> {
        written(steps.reach(Step::RemovePlan), &self.plan_path())?;
        written(fs::remove_file(self.plan_path()), &self.plan_path())?;
        sync_directory(&self.directory)
    }
}
