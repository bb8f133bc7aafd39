//! A copy of an installation's bundles, on which a move of its keys is tried, and which is removed again.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use super::{Relocation, RelocationError};
use crate::dress::Dress;
use crate::spot::Spot;
use crate::{backup, file};

/// Where the bundles are in the copy: deep enough that nothing above them is taken for part of it.
const INNER: [&str; 3] = ["crx-quickstart", "launchpad", "felix"];
/// What the name of a copy begins with.
const NAME: &str = "signet-rehearsal-";
/// Held by the framework that runs on the original.
const LOCK: &str = "cache.lock";
const PART: usize = 256 * 1024;

/// A copy of an installation's bundles, removed when this is dropped.
#[derive(Debug)]
pub struct Rehearsal {
    root: PathBuf,
}

impl Rehearsal {
    /// How many bytes there are to copy.
    ///
    /// # Errors
    ///
    /// Something cannot be read.
    pub fn survey(relocation: &Relocation) -> Result<u64, RelocationError> {
        let mut bytes = 0;
        walk(relocation.site.cache(), &mut |path, kind| {
            if kind == Kind::File {
                let metadata = fs::symlink_metadata(path)
                    .map_err(|error| RelocationError::read(path, error))?;
                bytes += metadata.len();
            }
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Copies the bundles into a new directory beside them, for this user alone. `begun` hears of the directory before it is made,
    /// and `progress` how many bytes more were copied; it says whether to go on.
    ///
    /// # Errors
    ///
    /// Something cannot be read or written, or `progress` says no: what was copied is removed.
    pub fn copy(
        relocation: &Relocation,
        begun: impl FnOnce(&Path),
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Self, RelocationError> {
        let cache = relocation.site.cache();
        let rehearsal = Self {
            root: name(relocation.backup())?,
        };
        begun(&rehearsal.root);
        let private = backup::own_dress(0o700);
        let mut inner = rehearsal.root.clone();
        for name in INNER {
            make(&inner, private)?;
            inner.push(name);
        }
        walk(cache, &mut |path, kind| {
            let beneath = path.strip_prefix(cache).unwrap_or(path);
            let target = match beneath == Path::new("") {
                true => inner.clone(),
                false => inner.join(beneath),
            };
            match kind {
                Kind::Directory => {
                    let dress =
                        Dress::of(path).map_err(|error| RelocationError::read(path, error))?;
                    let mode = dress.mode | 0o700;
                    make(&target, Dress { mode, ..dress })
                }
                Kind::File if beneath == Path::new(LOCK) => Ok(()),
                Kind::File => copy_file(path, &target, progress),
            }
        })?;
        Ok(rehearsal)
    }

    /// Removes the copy that [`Rehearsal::copy`] told of, for a program that ends while another of its threads may still write
    /// there.
    ///
    /// # Errors
    ///
    /// Something of it is left.
    pub fn abandon(root: &Path) -> io::Result<()> {
        let mut gone = root.as_os_str().to_owned();
        gone.push("-gone");
        // What is written from now on finds no place.
        match fs::rename(root, &gone) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            renamed => renamed?,
        }
        // Whatever had found its place before may have taken it since.
        let mut removed = fs::remove_dir_all(&gone);
        for _ in 0..3 {
            if removed.is_ok() {
                break;
            }
            removed = fs::remove_dir_all(&gone);
        }
        removed
    }

    /// The folder to name in the place of the original.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.root.join("crx-quickstart")
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        // Whoever finds it later sees by its name what it was.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// The copies in `folder`, or above the directory of its bundles, whose programs were killed, or still run.
pub(crate) fn rehearsals(folder: &Path, cache: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = backup::places(folder, cache)
        .flat_map(|place| fs::read_dir(place).into_iter().flatten().flatten())
        .filter(|entry| {
            let is_named = entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(NAME.as_bytes());
            is_named && entry.file_type().is_ok_and(|kind| kind.is_dir())
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Directory,
    File,
}

/// Everything at or below a directory that is a directory or an ordinary file; links are not followed.
fn walk(
    path: &Path,
    visit: &mut dyn FnMut(&Path, Kind) -> Result<(), RelocationError>,
) -> Result<(), RelocationError> {
    // Another rehearsal, and backups: they may stand among the bundles.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with("signet-") {
        return Ok(());
    }
    visit(path, Kind::Directory)?;
    let unread = |error| RelocationError::read(path, error);
    for entry in fs::read_dir(path).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let kind = entry.file_type().map_err(unread)?;
        if kind.is_dir() {
            walk(&entry.path(), visit)?;
        } else if kind.is_file() {
            visit(&entry.path(), Kind::File)?;
        }
    }
    Ok(())
}

/// A new name beside the backup.
fn name(backup: &Path) -> Result<PathBuf, RelocationError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|_| RelocationError::Random)?;
    let name = format!("{NAME}{}", HEXLOWER.encode(&random));
    Ok(backup.with_file_name(name))
}

fn make(path: &Path, dress: Dress) -> Result<(), RelocationError> {
    Spot::of(path)
        .and_then(|spot| spot.make_directory(dress))
        .map_err(|error| RelocationError::write(path, error))
}

/// One that went away since it was listed is not missed: the original may run.
fn copy_file(
    from: &Path,
    to: &Path,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<(), RelocationError> {
    let unread = |error| RelocationError::read(from, error);
    let unwritten = |error| RelocationError::write(to, error);
    let Some((mut old, metadata)) = file::open(from).map_err(unread)? else {
        return Ok(());
    };
    let mut new = Spot::of(to)
        .and_then(|spot| spot.create())
        .map_err(unwritten)?;
    let mut part = vec![0; PART];
    loop {
        let count = old.read(&mut part).map_err(unread)?;
        let Some(read) = part.get(..count).filter(|read| !read.is_empty()) else {
            break;
        };
        new.write_all(read).map_err(unwritten)?;
        if !progress(count as u64) {
            return Err(RelocationError::Cancelled);
        }
    }
    Dress::from(&metadata).put_on(&new).map_err(unwritten)
}
