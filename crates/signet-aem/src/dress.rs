//! Whose a file of an installation is and who may reach it; and files that take their places as their neighbours are.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::{getegid, geteuid, getgroups};
use serde::{Deserialize, Serialize};

/// Owner, group and mode of a file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dress {
    pub(crate) owner: u32,
    pub(crate) group: u32,
    pub(crate) mode: u32,
}

impl Dress {
    /// That of what is at `path`, a link not followed.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::from(&fs::symlink_metadata(path)?))
    }

    /// For a new file of secrets: owner and group of its neighbour, nothing for others, and never executable.
    pub(crate) const fn for_secret(self) -> Self {
        Self {
            mode: (self.mode & 0o660) | 0o600,
            ..self
        }
    }

    /// For a new directory of secrets beside or in what this belongs to.
    pub(crate) const fn for_directory(self) -> Self {
        Self {
            mode: (self.mode & 0o770) | 0o700,
            ..self
        }
    }

    /// Whether this process may give it to what it makes: root may always, others only what is their own.
    pub(crate) fn may_be_given(self) -> bool {
        let user = geteuid();
        user.is_root()
            || (user.as_raw() == self.owner
                && (getegid().as_raw() == self.group
                    || getgroups().is_ok_and(|groups| {
                        groups.iter().any(|group| group.as_raw() == self.group)
                    })))
    }

    pub(crate) fn put_on(self, file: &File) -> io::Result<()> {
        let own = Self::from(&file.metadata()?);
        if (own.owner, own.group) != (self.owner, self.group) {
            fchown(file, Some(self.owner), Some(self.group))?;
        }
        // After the owner: changing that takes some bits away.
        file.set_permissions(Permissions::from_mode(self.mode))
    }
}

impl From<&Metadata> for Dress {
    fn from(metadata: &Metadata) -> Self {
        Self {
            owner: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode() & 0o7777,
        }
    }
}

/// Writes a new file and flushes it. Until it has its owner, nobody but the one who writes can reach it. Half of one is removed.
pub(crate) fn write_new(path: &Path, bytes: &[u8], dress: Dress) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| dress.put_on(&file))
        .and_then(|()| file.sync_all());
    if written.is_err() {
        // If this fails too, the next run does it.
        let _ = fs::remove_file(path);
    }
    written
}

/// Makes a directory, and flushes the one that it is in.
pub(crate) fn make_directory(path: &Path, dress: Dress) -> io::Result<()> {
    create_directory(path, dress)?;
    sync_directory(path.parent().unwrap_or_else(|| Path::new("/")))
}

/// Makes a directory.
pub(crate) fn create_directory(path: &Path, dress: Dress) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    dress.put_on(&open_directory(path)?)
}

/// A directory itself, and nothing that a link leads to: whoever owns the one that it is in could put one in its place just now.
fn open_directory(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::DIRECTORY;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
}

/// Removes a file, if it is there.
pub(crate) fn discard(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes sure that the names in a directory are on the disk.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_secret_is_reached_by_its_neighbours_and_by_nobody_else() {
        for (mode, file, directory) in [
            (0o644, 0o640, 0o740),
            (0o755, 0o640, 0o750),
            (0o600, 0o600, 0o700),
            (0o400, 0o600, 0o700),
            (0o666, 0o660, 0o760),
        ] {
            let dress = Dress {
                owner: 1,
                group: 2,
                mode,
            };
            assert_eq!(dress.for_secret().mode, file, "{mode:o}");
            assert_eq!(dress.for_directory().mode, directory, "{mode:o}");
        }
    }

    #[test]
    fn a_file_is_there_whole_and_dressed_or_not_at_all() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("key");
        let own = Dress::of(scratch.path()).unwrap();
        let dress = Dress { mode: 0o640, ..own };
        write_new(&path, b"bits", dress).unwrap();
        assert_eq!(Dress::of(&path).unwrap(), dress);
        assert_eq!(fs::read(&path).unwrap(), b"bits");
        // What is there is never overwritten, a link not followed.
        assert!(write_new(&path, b"other", dress).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"bits");
        let link = scratch.path().join("link");
        std::os::unix::fs::symlink(scratch.path().join("none"), &link).unwrap();
        assert!(write_new(&link, b"bits", dress).is_err());
    }

    // K2
    #[test]
    fn a_link_in_the_place_of_a_new_directory_dresses_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let (other, link) = (scratch.path().join("other"), scratch.path().join("link"));
        fs::create_dir(&other).unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        let dress = Dress::of(&other).unwrap();
        let open = Dress {
            mode: 0o777,
            ..dress
        };
        let put_on = |path| open_directory(path).and_then(|directory| open.put_on(&directory));
        assert!(put_on(&link).is_err());
        assert_eq!(Dress::of(&other).unwrap(), dress);
        put_on(&other).unwrap();
        assert_eq!(Dress::of(&other).unwrap(), open);
    }

    #[test]
    fn what_belongs_to_somebody_else_is_known_before() {
        let own = Dress {
            owner: geteuid().as_raw(),
            group: getegid().as_raw(),
            mode: 0o600,
        };
        assert!(own.may_be_given());
        let foreign = Dress {
            owner: own.owner.wrapping_add(1),
            ..own
        };
        assert_eq!(foreign.may_be_given(), geteuid().is_root());
    }
}
