//! A copy of an installation beside it, on which a move of the keys is tried, and which goes afterwards.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use signet_repository::{IfMissing, RepositoryError};

use crate::config::Config;
use crate::data::{DataDirectory, DataError};

/// A copy of an installation, which is removed when this is dropped.
#[derive(Debug)]
pub struct Rehearsal {
    path: PathBuf,
    data: DataDirectory,
    config: Config,
    /// Held for as long as the copy is used, so that another rehearsal tells it from one that died.
    _alone: File,
}

/// Why there is no rehearsal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RehearsalError {
    /// Another one is going on.
    #[error("another rehearsal is going on in {0}")]
    Running(PathBuf),
    /// Something is there that no rehearsal left.
    #[error("{0} is in the way: no rehearsal made it")]
    Foreign(PathBuf),
    /// A file could not be copied.
    #[error("{path} could not be copied for the rehearsal")]
    Copy {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The repository could not be copied.
    #[error("the repository could not be copied for the rehearsal")]
    Repository(#[from] RepositoryError),
    /// The copy is no data directory.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl RehearsalError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Running(_) => "wait until it is done".to_owned(),
            Self::Foreign(path) => format!("move {} away", path.display()),
            Self::Copy { path, .. } => format!(
                "is there room beside {}, and may this user write there?",
                path.display()
            ),
            Self::Repository(error) => error
                .hint()
                .unwrap_or("is the disk of the repository in order?")
                .to_owned(),
            Self::Data(error) => error.hint(),
        }
    }
}

/// What is copied, if it is there. What is not needed for a move of the keys stays where it is.
const COPIED: [&str; 6] = [
    "signet.toml",
    "format",
    "initialised",
    "keys",
    "node",
    "backups",
];
/// Says that a directory is a rehearsal; the one that uses it holds a lock on it.
const MARK: &str = "rehearsal";
/// The repository of the copy, wherever that of the installation is.
const REPOSITORY: &str = "repository.db";

impl Rehearsal {
    /// Copies what is in `data`, whether or not an instance runs on it. `begun` is told where the copy is, before anything
    /// is in it.
    ///
    /// # Errors
    /// It could not be copied; nothing is left then.
    pub async fn of(
        data: &DataDirectory,
        config: &Config,
        begun: impl FnOnce(&Path),
    ) -> Result<Self, RehearsalError> {
        let path = beside(data.path());
        let alone = claim(&path)?;
        begun(&path);
        // From here on, it is removed whatever happens.
        let mut rehearsal = Self {
            data: DataDirectory::unchecked(&path),
            path,
            config: config.clone(),
            _alone: alone,
        };
        for name in COPIED {
            copy(&data.path().join(name), &rehearsal.path.join(name))?;
        }
        rehearsal.copy_repository(data, config).await?;
        rehearsal.data = DataDirectory::open(&rehearsal.path)?;
        rehearsal.config.repository.url.path = REPOSITORY.into();
        Ok(rehearsal)
    }

    async fn copy_repository(
        &self,
        data: &DataDirectory,
        config: &Config,
    ) -> Result<(), RehearsalError> {
        let repository = match data.repository(config, IfMissing::Refuse).await {
            Err(RepositoryError::Missing) => return Ok(()),
            opened => opened?,
        };
        let copied = repository.copy_to(&self.path.join(REPOSITORY)).await;
        repository.close().await;
        Ok(copied?)
    }

    /// The copy that a rehearsal for the data directory at `data` left, which died.
    #[must_use]
    pub fn left_by(data: &Path) -> Option<PathBuf> {
        let path = beside(data);
        let mark = File::open(path.join(MARK)).ok()?;
        mark.try_lock_shared().ok().map(|()| path)
    }

    /// Removes a copy that is still being made or used by this process, which ends then.
    ///
    /// # Errors
    /// Something of it is left; the next rehearsal removes it.
    pub fn abandon(path: &Path) -> io::Result<()> {
        /// What is made in it meanwhile goes with the next try.
        const TRIES: u32 = 20;
        let mut removed = remove(path);
        for _ in 1..TRIES {
            if removed.is_ok() && !path.exists() {
                break;
            }
            removed = remove(path);
        }
        removed
    }

    /// The copy.
    #[must_use]
    pub fn data(&self) -> &DataDirectory {
        &self.data
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        // If that fails, the next rehearsal removes it.
        let _ = remove(&self.path);
    }
}

/// Where the copy is made.
fn beside(data: &Path) -> PathBuf {
    // Without a slash at the end, which would make it a file inside.
    let mut path = data.components().as_path().as_os_str().to_owned();
    path.push(".rehearsal");
    PathBuf::from(path)
}

/// Makes the directory, in the place of what a rehearsal left there that died.
fn claim(path: &Path) -> Result<File, RehearsalError> {
    let failed = |source| RehearsalError::Copy {
        path: path.to_owned(),
        source,
    };
    let mark = path.join(MARK);
    // One that died before it had made its mark, or after it had removed it, left nothing else.
    if fs::symlink_metadata(path).is_ok() && fs::remove_dir(path).is_err() {
        let left = File::open(&mark).map_err(|_| RehearsalError::Foreign(path.to_owned()))?;
        if left.try_lock().is_err() {
            return Err(RehearsalError::Running(path.to_owned()));
        }
        remove(path).map_err(failed)?;
    }
    DirBuilder::new().mode(0o700).create(path).map_err(failed)?;
    let alone = File::create(&mark).map_err(failed)?;
    alone
        .try_lock()
        .map_err(|_| RehearsalError::Running(path.to_owned()))?;
    Ok(alone)
}

/// Removes the copy at `path`; its mark goes last, so that what is left of it is known for what it is.
fn remove(path: &Path) -> io::Result<()> {
    let absent = |result: io::Result<()>| match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    };
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name() == MARK {
            continue;
        }
        absent(match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path()),
            false => fs::remove_file(entry.path()),
        })?;
    }
    absent(fs::remove_file(path.join(MARK)))?;
    absent(fs::remove_dir(path))
}

/// Copies files and directories with their modes, and links as links: what is wrong with one is wrong with its copy.
fn copy(from: &Path, to: &Path) -> Result<(), RehearsalError> {
    let failed = |source| RehearsalError::Copy {
        path: from.to_owned(),
        source,
    };
    let metadata = match fs::symlink_metadata(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata.map_err(failed)?,
    };
    if metadata.is_symlink() {
        let target = fs::read_link(from).map_err(failed)?;
        return symlink(target, to).map_err(failed);
    }
    if metadata.is_file() {
        return fs::copy(from, to).map(drop).map_err(failed);
    }
    // Pipes and sockets are nothing that is moved.
    if !metadata.is_dir() {
        return Ok(());
    }
    DirBuilder::new().mode(0o700).create(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        copy(&from.join(&name), &to.join(&name))?;
    }
    let mode = Permissions::from_mode(metadata.permissions().mode() & 0o7777);
    fs::set_permissions(to, mode).map_err(failed)
}
