//! The place beside the data directory where a restore is prepared, and the exchange of the two.
//!
//! ```text
//! <parent>/.<name>.restoring/lock   held while a restore is at work
//! <parent>/.<name>.restoring/data   what is restored, until it is in its place
//! <parent>/.<name>.restoring/plan   once that is whole: how it gets there
//! ```
//!
//! Whoever finds a plan can tell by the number of the prepared directory how far it came, and finishes it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use signet_core::UnixSeconds;
use signet_keys::{Lock, atomic, private};

use super::steps::{Step, Steps};
use crate::RestoreError;

/// The place where a restore is prepared.
#[derive(Debug)]
pub(crate) struct Work {
    target: PathBuf,
    directory: PathBuf,
    _lock: Lock,
}

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
}

impl Work {
    /// Makes the place. One that was left behind is settled and emptied.
    pub(crate) fn new(target: &Path, steps: &Steps) -> Result<(Self, Option<Plan>), RestoreError> {
        let directory = directory_of(target)?;
        private::check_place(target)?;
        written(steps.reach(Step::MakeWork), &directory)?;
        private::create_directory(&directory)?;
        let work = Self::lock(target, directory)?;
        let finished = work.settle(steps)?;
        Ok((work, finished))
    }

    fn lock(target: &Path, directory: PathBuf) -> Result<Self, RestoreError> {
        let path = directory.join("lock");
        match Lock::try_acquire(&path) {
            Ok(Some(lock)) => Ok(Self {
                target: target.to_owned(),
                directory,
                _lock: lock,
            }),
            Ok(None) => Err(RestoreError::Busy(target.to_owned())),
            Err(source) => Err(RestoreError::Write { path, source }),
        }
    }

    /// Where it is prepared.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The prepared directory gets its place, and what was there another name, which is returned.
    pub(crate) fn put_in_place(
        &self,
        backup: &str,
        now: UnixSeconds,
        steps: &Steps,
    ) -> Result<Option<PathBuf>, RestoreError> {
        let prepared = self.data();
        let aside = match fs::symlink_metadata(&self.target) {
            Ok(_) if !is_empty_directory(&self.target) => Some(free_name(&self.target, now)),
            _ => None,
        };
        let plan = Plan {
            backup: backup.to_owned(),
            inode: inode(&prepared).unwrap_or_default(),
            aside,
        };
        let text = serde_json::to_vec(&plan).map_err(io::Error::other);
        written(steps.reach(Step::WritePlan), &self.plan())?;
        let text = written(text, &self.plan())?;
        atomic::write(&self.plan(), &text)
            .map_err(|error| write_error(&self.plan(), error.source))?;
        if plan.aside.is_some() {
            self.exchange(steps)?;
        }
        self.finish(&plan, steps)?;
        Ok(plan.aside)
    }

    /// Both at once, where the file system can; otherwise [`Work::finish`] does one after the other.
    fn exchange(&self, steps: &Steps) -> Result<(), RestoreError> {
        if !steps.can_exchange() {
            return Ok(());
        }
        written(steps.reach(Step::Exchange), &self.target)?;
        match renameat_with(CWD, self.data(), CWD, &self.target, RenameFlags::EXCHANGE) {
            Ok(()) => sync_directory(&self.directory).and_then(|()| self.sync_parent()),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(self.immovable(error.into())),
        }
    }

    /// Does what is left of a plan, however far it came.
    fn finish(&self, plan: &Plan, steps: &Steps) -> Result<(), RestoreError> {
        let prepared = self.data();
        if inode(&self.target) != Some(plan.inode) {
            if let Some(aside) = &plan.aside
                && fs::symlink_metadata(&self.target).is_ok()
            {
                written(steps.reach(Step::MoveAway), &self.target)?;
                fs::rename(&self.target, aside).map_err(|error| self.immovable(error))?;
                self.sync_parent()?;
            }
            written(steps.reach(Step::MoveIn), &self.target)?;
            fs::rename(&prepared, &self.target).map_err(|error| self.immovable(error))?;
            self.sync_parent()?;
        } else if let Some(aside) = &plan.aside
            && fs::symlink_metadata(&prepared).is_ok()
        {
            written(steps.reach(Step::SetAside), aside)?;
            written(fs::rename(&prepared, aside), aside)?;
            self.sync_parent()?;
        }
        written(steps.reach(Step::RemovePlan), &self.plan())?;
        written(fs::remove_file(self.plan()), &self.plan())?;
        sync_directory(&self.directory)
    }

    /// Finishes a plan that had begun, or forgets what was prepared. Returns the plan that is done.
    fn settle(&self, steps: &Steps) -> Result<Option<Plan>, RestoreError> {
        let plan = match fs::read(self.plan()) {
            Ok(text) => serde_json::from_slice::<Plan>(&text).ok(),
            Err(_) => None,
        };
        if let Some(plan) = plan {
            let is_there = inode(&self.target) == Some(plan.inode);
            let was_moved = plan
                .aside
                .as_ref()
                .is_some_and(|aside| fs::symlink_metadata(&self.target).is_err() && aside.exists());
            if is_there || was_moved {
                self.finish(&plan, steps)?;
                return Ok(Some(plan));
            }
            written(fs::remove_file(self.plan()), &self.plan())?;
            sync_directory(&self.directory)?;
        }
        match fs::remove_dir_all(self.data()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(write_error(&self.data(), error))
            }
            _ => Ok(None),
        }
    }

    /// Leaves nothing behind, unless a plan still needs it.
    pub(crate) fn clear(self, steps: &Steps) -> Result<(), RestoreError> {
        written(steps.reach(Step::RemoveWork), &self.directory)?;
        if self.plan().exists() {
            return Ok(());
        }
        written(fs::remove_dir_all(&self.directory), &self.directory)?;
        self.sync_parent()
    }

    /// Removes what was prepared for nothing, unless a plan still needs it.
    pub(crate) fn discard(self) -> io::Result<()> {
        match self.plan().exists() {
            true => Ok(()),
            false => fs::remove_dir_all(&self.directory),
        }
    }

    fn plan(&self) -> PathBuf {
        self.directory.join("plan")
    }

    fn sync_parent(&self) -> Result<(), RestoreError> {
        sync_directory(self.target.parent().unwrap_or(Path::new("/")))
    }

    fn immovable(&self, source: io::Error) -> RestoreError {
        match source.kind() {
            io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices => {
                RestoreError::MountPoint(self.target.clone())
            }
            _ => write_error(&self.target, source),
        }
    }
}

/// The path without links: what is moved is the directory, not a link to it.
pub(crate) fn real(path: &Path) -> Result<PathBuf, RestoreError> {
    match path.canonicalize() {
        Ok(path) => Ok(path),
        Err(_) => {
            let path = std::path::absolute(path).map_err(|error| write_error(path, error))?;
            match (path.parent().map(Path::canonicalize), path.file_name()) {
                (Some(Ok(parent)), Some(name)) => Ok(parent.join(name)),
                _ => Ok(path),
            }
        }
    }
}

fn directory_of(target: &Path) -> Result<PathBuf, RestoreError> {
    let name = target.file_name().map(|name| name.to_string_lossy());
    match (target.parent(), name) {
        (Some(parent), Some(name)) => Ok(parent.join(format!(".{name}.restoring"))),
        _ => Err(RestoreError::MountPoint(target.to_owned())),
    }
}

fn free_name(target: &Path, now: UnixSeconds) -> PathBuf {
    let time = i64::try_from(now.0)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(
            || now.to_string(),
            |time| time.strftime("%Y%m%dT%H%M%SZ").to_string(),
        );
    let name = |suffix: &str| {
        let mut path = target.as_os_str().to_owned();
        path.push(format!(".before-restore-{time}{suffix}"));
        PathBuf::from(path)
    };
    let free = |path: &PathBuf| fs::symlink_metadata(path).is_err();
    core::iter::once(name(""))
        .chain((2_u32..).map(|number| name(&format!("-{number}"))))
        .find(free)
        .unwrap_or_else(|| name(""))
}

fn inode(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path)
        .ok()
        .map(|metadata| metadata.ino())
}

fn is_empty_directory(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

pub(crate) fn sync_directory(path: &Path) -> Result<(), RestoreError> {
    written(
        File::open(path).and_then(|directory| directory.sync_all()),
        path,
    )
}

pub(crate) fn written<T>(result: io::Result<T>, path: &Path) -> Result<T, RestoreError> {
    result.map_err(|error| write_error(path, error))
}

fn write_error(path: &Path, source: io::Error) -> RestoreError {
    RestoreError::Write {
        path: path.to_owned(),
        source,
    }
}
