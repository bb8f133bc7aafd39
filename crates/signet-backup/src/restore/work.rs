//! The place where a restore is prepared, and how what is prepared gets into the data directory.
//!
//! ```text
//! <parent>/.<name>.restoring/   beside the data directory, or <data>/.restoring/ within it where that cannot be
//!   lock                        held while a restore is at work
//!   data                        what is restored, until it is in its place
//!   plan                        once that is whole: how it gets there
//! ```
//!
//! Beside it, one step exchanges the two directories. Within it, everything is moved out and in by its names, and no
//! instance starts in between, because `format` goes first and comes last.
//! Whoever finds a plan can tell how far it came, and finishes it.

mod beside;
mod plan;
mod within;

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use signet_core::UnixSeconds;
use signet_keys::{Lock, private};
use signet_server::KEPT_ASIDE as ASIDE;

use super::steps::{Step, Steps};
use crate::RestoreError;
use plan::Phase;
pub(crate) use plan::Plan;

/// The place where a restore is prepared.
#[derive(Debug)]
pub(crate) struct Work {
    target: PathBuf,
    directory: PathBuf,
    shape: Shape,
    _lock: Lock,
}

/// Where the place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Beside,
    /// The directory above belongs to somebody else, or another file system begins here.
    Within,
}

impl Work {
    /// Makes the place. What an earlier run left is settled first; its plan is returned if that was finished.
    pub(crate) fn new(target: &Path, steps: &Steps) -> Result<(Self, Option<Plan>), RestoreError> {
        private::check_place(target)?;
        let mut finished = None;
        for shape in [Shape::Beside, Shape::Within] {
            let directory = shape.directory(target)?;
            if directory.exists() {
                let left = Self::lock(target, directory, shape)?;
                finished = left.settle(steps)?.or(finished);
                left.clear(steps)?;
            }
        }
        let shape = Shape::choose(target, steps)?;
        Ok((
            Self::lock(target, shape.directory(target)?, shape)?,
            finished,
        ))
    }

    fn lock(target: &Path, directory: PathBuf, shape: Shape) -> Result<Self, RestoreError> {
        let path = directory.join("lock");
        match Lock::try_acquire(&path) {
            Ok(Some(lock)) => Ok(Self {
                target: target.to_owned(),
                directory,
                shape,
                _lock: lock,
            }),
            Ok(None) => Err(RestoreError::Busy(target.to_owned())),
            Err(source) => Err(write_error(&path, source)),
        }
    }

    /// Where it is prepared.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Where what is prepared has to have room.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What is prepared gets into its place, and what was there goes aside; where that is, is returned.
    pub(crate) fn put_in_place(
        &self,
        backup: &str,
        now: UnixSeconds,
        steps: &Steps,
    ) -> Result<Option<PathBuf>, RestoreError> {
        let is_occupied = fs::symlink_metadata(&self.target).is_ok() && !is_empty(&self.target);
        let plan = Plan {
            backup: backup.to_owned(),
            inode: inode(&self.data()).unwrap_or_default(),
            aside: is_occupied.then(|| self.aside(now)),
            phase: match self.shape {
                Shape::Beside => Phase::Exchange,
                Shape::Within => Phase::Out,
            },
        };
        self.write_plan(&plan, steps)?;
        match self.shape {
            Shape::Beside => self.exchange(&plan, steps)?,
            Shape::Within => self.move_by_name(&plan, steps)?,
        }
        self.remove_plan(steps)
            .map_err(|error| error.untidied(&self.target))?;
        Ok(plan.aside)
    }

    /// Finishes a plan that had begun, or forgets what was prepared. Returns the plan that is done.
    fn settle(&self, steps: &Steps) -> Result<Option<Plan>, RestoreError> {
        if let Some(plan) = self.read_plan() {
            let is_done = match self.shape {
                Shape::Beside => self.finish_exchange(&plan, steps)?,
                Shape::Within => self.move_by_name(&plan, steps).map(|()| true)?,
            };
            self.remove_plan(steps)?;
            if is_done {
                return Ok(Some(plan));
            }
        }
        match fs::remove_dir_all(self.data()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(write_error(&self.data(), error))
            }
            _ => Ok(None),
        }
    }

    /// Leaves nothing behind.
    pub(crate) fn clear(self, steps: &Steps) -> Result<(), RestoreError> {
        written(steps.reach(Step::RemoveWork), &self.directory)?;
        written(fs::remove_dir_all(&self.directory), &self.directory)?;
        sync_directory(directory_of(&self.directory))
    }

    /// Removes what was prepared for nothing, unless a plan still needs it.
    pub(crate) fn discard(self, steps: &Steps) -> Result<(), RestoreError> {
        match self.plan_path().exists() {
            true => Ok(()),
            false => self.clear(steps),
        }
    }

    fn aside(&self, now: UnixSeconds) -> PathBuf {
        let name = format!("{ASIDE}{}", compact(now));
        let base = match self.shape {
            Shape::Beside => {
                let mut path = self.target.as_os_str().to_owned();
                path.push(format!(".{name}"));
                PathBuf::from(path)
            }
            Shape::Within => self.target.join(name),
        };
        let numbered = |number: u32| {
            let mut path = base.as_os_str().to_owned();
            path.push(format!("-{number}"));
            PathBuf::from(path)
        };
        core::iter::once(base.clone())
            .chain((2..).map(numbered))
            .find(|path| fs::symlink_metadata(path).is_err())
            .unwrap_or_else(|| base.clone())
    }
}

impl Shape {
    fn directory(self, target: &Path) -> Result<PathBuf, RestoreError> {
        match (self, target.parent(), target.file_name()) {
            (Self::Within, ..) => Ok(target.join(WITHIN)),
            (Self::Beside, Some(parent), Some(name)) => {
                Ok(parent.join(format!(".{}.restoring", name.to_string_lossy())))
            }
            (Self::Beside, ..) => Err(RestoreError::NoName(target.to_owned())),
        }
    }

    /// Makes the directory: beside the target if that can be.
    fn choose(target: &Path, steps: &Steps) -> Result<Self, RestoreError> {
        if target.is_dir() && (steps.must_stay_within() || is_mount_point(target)) {
            Self::Within.make(target, steps)?;
            return Ok(Self::Within);
        }
        match Self::Beside.make(target, steps) {
            Err(RestoreError::Write { source, .. }) if is_forbidden(&source) && target.is_dir() => {
                Self::Within.make(target, steps)?;
                Ok(Self::Within)
            }
            made => made.map(|()| Self::Beside),
        }
    }

    fn make(self, target: &Path, steps: &Steps) -> Result<(), RestoreError> {
        let directory = self.directory(target)?;
        written(steps.reach(Step::MakeWork), &directory)?;
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => written(made, &directory)?,
        }
        private::check_directory(&directory).map_err(|fault| RestoreError::Place {
            path: directory,
            fault,
        })
    }
}

/// The name of the place within the data directory.
const WITHIN: &str = ".restoring";

/// What does not count as being in a directory.
fn is_ours(name: &std::ffi::OsStr) -> bool {
    name == WITHIN || name == "lost+found"
}

/// Whether nothing is in the directory, or no directory there.
pub(crate) fn is_empty(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(mut entries) => {
            entries.all(|entry| entry.is_ok_and(|entry| is_ours(&entry.file_name())))
        }
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// The path without links: what is moved is the directory, not a link to it.
pub(crate) fn real(path: &Path) -> Result<PathBuf, RestoreError> {
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    let path = std::path::absolute(path).map_err(|error| write_error(path, error))?;
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => Ok(parent.join(name)),
        _ => Ok(path),
    }
}

fn is_forbidden(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

fn is_mount_point(path: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.dev());
    device(path) != device(directory_of(path))
}

/// `20261122T071000Z`
fn compact(now: UnixSeconds) -> String {
    i64::try_from(now.0)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(
            || now.to_string(),
            |time| time.strftime("%Y%m%dT%H%M%SZ").to_string(),
        )
}

fn directory_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

fn inode(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path)
        .ok()
        .map(|metadata| metadata.ino())
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
