//! What is in a directory, moved out and replaced by its names.
//!
//! Without the file `format` no instance starts on the directory; it is the first to go and the last to come.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use super::plan::Phase;
use super::{ASIDE, Plan, Work, is_ours, sync_directory, written};
use crate::RestoreError;
use crate::name::FORMAT;
use crate::restore::steps::{Step, Steps};

impl Work {
    /// Does what is left of the plan. From its beginning on, there is no way but forward.
    pub(super) fn move_by_name(&self, plan: &Plan, steps: &Steps) -> Result<(), RestoreError> {
        self.try_move(plan, steps).map_err(|error| match error {
            RestoreError::Write { path, source } => RestoreError::Halfway {
                target: self.target.clone(),
                path,
                source,
            },
            error => error,
        })
    }

    fn try_move(&self, plan: &Plan, steps: &Steps) -> Result<(), RestoreError> {
        if plan.phase != Phase::In {
            if let Some(aside) = &plan.aside {
                self.move_out(aside, steps)?;
            }
            let plan = Plan {
                phase: Phase::In,
                ..plan.clone()
            };
            self.write_plan(&plan, steps)?;
        }
        self.move_in(steps)
    }

    fn move_out(&self, aside: &Path, steps: &Steps) -> Result<(), RestoreError> {
        written(steps.reach(Step::MoveAway), aside)?;
        match DirBuilder::new().mode(0o700).create(aside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => written(made, aside)?,
        }
        let mut names = names(&self.target)?;
        names.retain(|name| !is_ours(name) && !name.to_string_lossy().starts_with(ASIDE));
        names.sort_by_key(|name| name != FORMAT);
        for name in names {
            let from = self.target.join(&name);
            written(steps.reach(Step::MoveAway), &from)?;
            written(fs::rename(&from, aside.join(&name)), &from)?;
            if name == FORMAT {
                // On the disk before anything else goes.
                sync_directory(&self.target)?;
            }
        }
        sync_directory(aside)?;
        sync_directory(&self.target)
    }

    fn move_in(&self, steps: &Steps) -> Result<(), RestoreError> {
        let prepared = self.data();
        // A directory on which a file system was mounted may have been open to others.
        let private = fs::Permissions::from_mode(0o700);
        written(fs::set_permissions(&self.target, private), &self.target)?;
        let mut names = names(&prepared)?;
        names.sort_by_key(|name| name == FORMAT);
        for name in names {
            let to = self.target.join(&name);
            if name == FORMAT {
                // Everything else is on the disk before.
                sync_directory(&self.target)?;
            }
            written(steps.reach(Step::MoveIn), &to)?;
            written(fs::rename(prepared.join(&name), &to), &to)?;
        }
        sync_directory(&self.target)
    }
}

fn names(directory: &Path) -> Result<Vec<OsString>, RestoreError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => written(entries, directory)?,
    };
    entries
        .map(|entry| Ok(written(entry, directory)?.file_name()))
        .collect()
}
