//! The directory in which an operation keeps keys as they were: whether it is believed, where those of earlier runs are, and how
//! one makes room for the next.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::process::{getegid, geteuid};
use signet_keys::{KeyFault, private};

use crate::disk::{Disk, directory_of};
use crate::dress::Dress;

/// For whoever runs this, with this mode.
pub(crate) fn own_dress(mode: u32) -> Dress {
    Dress {
        owner: geteuid().as_raw(),
        group: getegid().as_raw(),
        mode,
    }
}

/// A journal says what is written into an installation, so it is believed only where nobody else could have written it: in a
/// directory for this user alone. One that is not there is in order.
pub(crate) fn check(path: &Path) -> Result<(), KeyFault> {
    match private::check_directory(path) {
        Err(KeyFault::Absent) => Ok(()),
        checked => checked,
    }
}

/// Whether nothing is at `path`, or a directory without anything that counts: a lock, or a file that has not taken its place.
pub(crate) fn is_vacant(path: &Path) -> io::Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.all(|entry| {
            entry.is_ok_and(|entry| entry.file_name().as_encoded_bytes().starts_with(b"."))
        })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Gives the directory of a run that is over a number, so that there is room for the next one.
pub(crate) fn put_aside(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let numbered = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("-{number}"));
        PathBuf::from(name)
    };
    let aside = (1..u32::MAX)
        .map(numbered)
        .find(|aside| aside.symlink_metadata().is_err())
        .ok_or(ErrorKind::AlreadyExists)?;
    disk.rename(path, &aside)?;
    disk.sync_directory(directory_of(path))
}

/// The folders that may have been named for an installation: the one that is named now, and those above its bundles.
pub(crate) fn places<'p>(folder: &'p Path, cache: &'p Path) -> impl Iterator<Item = &'p Path> {
    let above = cache
        .ancestors()
        .take(4)
        .filter(move |place| *place != folder);
    core::iter::once(folder).chain(above)
}

/// Something that an operation left in an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leftover<S> {
    /// The directory of the backup.
    pub(crate) backup: PathBuf,
    pub(crate) state: S,
}

/// What an operation left whose backups are named `name`, numbered or not, by what `state` says about each; nothing about those
/// that are none. A folder may lie above several installations, so it hears whether the folder itself was named.
pub(crate) fn leftovers<S>(
    folder: &Path,
    cache: &Path,
    name: &str,
    state: impl Fn(&Path, Whose) -> Option<S>,
) -> Vec<Leftover<S>> {
    let mut found = Vec::new();
    for place in places(folder, cache) {
        let whose = match place == folder {
            true => Whose::Ours,
            false => Whose::Anybodys,
        };
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let backup = entry.path();
            if is_named(&backup, name)
                && let Some(state) = state(&backup, whose)
            {
                found.push(Leftover { backup, state });
            }
        }
    }
    found.sort_by(|one, other| one.backup.cmp(&other.backup));
    found
}

/// To which installation a backup belongs, by the folder that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// It lies in the folder that was named.
    Ours,
    /// It lies above the bundles, where those of other installations may lie, too.
    Anybodys,
}

/// Whether `path` is such a directory by its name, numbered or not.
pub(crate) fn is_named(path: &Path, name: &str) -> bool {
    let own = path.file_name().and_then(|own| own.to_str());
    let rest = own.and_then(|own| own.strip_prefix(name));
    rest.is_some_and(|rest| match rest.strip_prefix('-') {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()),
        None => rest.is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_are_known_by_their_names() {
        for (name, is_one) in [
            ("signet-x", true),
            ("signet-x-1", true),
            ("signet-x-12", true),
            ("signet-x-", false),
            ("signet-x-1a", false),
            ("signet-xy", false),
            ("my-signet-x", false),
        ] {
            assert_eq!(is_named(Path::new(name), "signet-x"), is_one, "{name}");
        }
    }
}
