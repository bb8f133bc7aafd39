//! From the backup into the prepared directory: every name from the fixed list, every file private.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use signet_server::Config;
use zeroize::Zeroizing;

use super::steps::{Step, Steps};
use super::work::{sync_directory, written};
use super::{Identity, RestoreError};
use crate::name::{CONFIG, Kind, REPOSITORY};
use crate::opened::{CHUNK, OpenedBackup};
use crate::{Entry, FileError, Manifest};

/// Writes what is in the backup into the new directory `data`.
pub(crate) fn extract(
    backup: OpenedBackup,
    data: &Path,
    identity: Identity,
    steps: &Steps,
    progress: &mut dyn FnMut(u64),
) -> Result<Manifest, RestoreError> {
    make_directory(data)?;
    let mut done = 0;
    let mut buffer = Zeroizing::new(vec![0; CHUNK]);
    backup.read(|entry, content| {
        let mut file = match wanted(entry, identity) {
            true => Some(create(entry, data, steps)?),
            false => None,
        };
        while let count @ 1.. = content.read(&mut buffer)? {
            if let Some((file, path)) = &mut file {
                let bytes = buffer.get(..count).unwrap_or_default();
                written(file.write_all(bytes), path)?;
            }
            done += count as u64;
            progress(done);
        }
        match file {
            Some((file, path)) => written(file.sync_all(), &path),
            None => Ok(()),
        }
    })
}

fn wanted(entry: &Entry, identity: Identity) -> bool {
    identity == Identity::Restored || entry.name.kind() != Some(Kind::Node)
}

fn create(entry: &Entry, data: &Path, steps: &Steps) -> Result<(fs::File, PathBuf), RestoreError> {
    let path = entry.name.under(data);
    written(steps.reach(Step::Extract), &path)?;
    if let Some(parent) = path.parent() {
        make_directories(data, parent)?;
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path);
    let file = written(file, &path)?;
    // The mask of the process may have taken more than it should.
    written(file.set_permissions(Permissions::from_mode(0o600)), &path)?;
    Ok((file, path))
}

/// Makes what is missing between `data` and `directory`, which is below it.
fn make_directories(data: &Path, directory: &Path) -> Result<(), RestoreError> {
    if directory == data || directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        make_directories(data, parent)?;
    }
    make_directory(directory)
}

fn make_directory(path: &Path) -> Result<(), RestoreError> {
    written(DirBuilder::new().mode(0o700).create(path), path)?;
    written(
        fs::set_permissions(path, Permissions::from_mode(0o700)),
        path,
    )
}

/// Puts the repository where the configuration looks for it. Returns the path that it named outside the data directory,
/// if it did: such a repository comes into the directory, and the configuration says so from then on.
pub(crate) fn place_repository(data: &Path) -> Result<Option<PathBuf>, RestoreError> {
    let config_path = data.join(CONFIG);
    let text = written(fs::read_to_string(&config_path), &config_path)?;
    let config = Config::parse(&text, &config_path).map_err(signet_server::DataError::from)?;
    let wanted = config.repository.url.path;
    if wanted == Path::new(REPOSITORY) {
        return Ok(None);
    }
    if is_within(&wanted) {
        let target = data.join(&wanted);
        if let Some(parent) = target.parent() {
            make_directories(data, parent)?;
        }
        if fs::symlink_metadata(&target).is_ok() {
            return Err(FileError::Manifest(
                "its configuration wants the repository where something else is",
            )
            .into());
        }
        written(fs::rename(data.join(REPOSITORY), &target), &target)?;
        return Ok(None);
    }
    let mut document: toml_edit::DocumentMut = text
        .parse()
        .map_err(|_| FileError::Manifest("its configuration cannot be read"))?;
    if let Some(url) = document
        .get_mut("repository")
        .and_then(|table| table.get_mut("url"))
    {
        *url = toml_edit::value(format!("sqlite:{REPOSITORY}"));
    }
    signet_keys::atomic::write(&config_path, document.to_string().as_bytes()).map_err(|error| {
        RestoreError::Write {
            path: config_path,
            source: error.source,
        }
    })?;
    Ok(Some(wanted))
}

fn is_within(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::Normal(_)))
}

/// Flushes every directory, so that all names are on the disk.
pub(crate) fn sync_tree(directory: &Path, steps: &Steps) -> Result<(), RestoreError> {
    written(steps.reach(Step::Flush), directory)?;
    for entry in written(fs::read_dir(directory), directory)? {
        let path = written(entry, directory)?.path();
        if path.is_dir() {
            sync_tree(&path, steps)?;
        }
    }
    sync_directory(directory)
}
