//! Whose a file of an installation is, and who may reach it.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

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
