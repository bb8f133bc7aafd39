//! Who may reach the keys, and how they are opened so that nothing changes between the check and the reading.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::KeyFault;

/// How the directory of the keys is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Custody {
    /// Files and directories belong to the user who runs this and are reachable by nobody else: at most 0600 and 0700,
    /// no symbolic links, not inside a git work tree.
    #[default]
    Private,
    /// A secret that something else mounts read-only, as Kubernetes does: symbolic links, any owner, and modes that
    /// let others read (but not write) are accepted, and nothing is ever written.
    Mounted,
}

/// Custody, and the user as whom it is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard {
    pub(crate) custody: Custody,
    pub(crate) user: u32,
}

impl Guard {
    pub(crate) fn new(custody: Custody) -> Self {
        Self {
            custody,
            user: rustix::process::geteuid().as_raw(),
        }
    }

    /// Reads a file that holds a key: its mode and owner matter.
    pub(crate) fn read_secret(
        self,
        path: &Path,
        limit: usize,
    ) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
        let (file, metadata) = self.open(path)?;
        self.check_secret(&metadata)?;
        fill(file, &metadata, limit)
    }

    /// Reads a file beside the keys that holds no secret.
    pub(crate) fn read_plain(
        self,
        path: &Path,
        limit: usize,
    ) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
        let (file, metadata) = self.open(path)?;
        fill(file, &metadata, limit)
    }

    /// Checks a directory that holds keys, a link to it being a fault where custody is private.
    pub(crate) fn check_directory(self, path: &Path) -> Result<(), KeyFault> {
        let metadata = match self.custody {
            Custody::Private => fs::symlink_metadata(path),
            Custody::Mounted => fs::metadata(path),
        }
        .map_err(fault)?;
        self.check_directory_metadata(&metadata)
    }

    /// Checks the outermost directory, to which the administrator may have made a link.
    pub(crate) fn check_root(self, path: &Path) -> Result<(), KeyFault> {
        self.check_directory_metadata(&fs::metadata(path).map_err(fault)?)
    }

    fn check_directory_metadata(self, metadata: &Metadata) -> Result<(), KeyFault> {
        if metadata.is_symlink() {
            return Err(KeyFault::SymbolicLink);
        }
        if !metadata.is_dir() {
            return Err(KeyFault::NotADirectory);
        }
        match self.custody {
            Custody::Private => self.check_private(metadata, 0o700),
            // The directory of a mounted secret is often writable by all, on a mount that is read-only.
            Custody::Mounted => Ok(()),
        }
    }

    fn check_secret(self, metadata: &Metadata) -> Result<(), KeyFault> {
        let mode = metadata.mode() & 0o7777;
        match self.custody {
            Custody::Private => self.check_private(metadata, 0o600),
            Custody::Mounted if mode & 0o022 != 0 => Err(KeyFault::Writable { mode }),
            Custody::Mounted => Ok(()),
        }
    }

    fn check_private(self, metadata: &Metadata, limit: u32) -> Result<(), KeyFault> {
        let mode = metadata.mode() & 0o7777;
        if metadata.uid() != self.user {
            return Err(KeyFault::Owner {
                owner: metadata.uid(),
                expected: self.user,
            });
        }
        if mode & 0o077 != 0 {
            return Err(KeyFault::Mode { mode, limit });
        }
        Ok(())
    }

    /// What is judged is the open file itself, so nobody can exchange it between the judgement and the reading.
    fn open(self, path: &Path) -> Result<(File, Metadata), KeyFault> {
        // A pipe would otherwise keep whoever opens it waiting.
        let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        if self.custody == Custody::Private {
            flags |= OFlags::NOFOLLOW;
        }
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path)
            .map_err(fault)?;
        let metadata = file.metadata().map_err(fault)?;
        if metadata.is_dir() {
            return Err(KeyFault::Directory);
        }
        if !metadata.is_file() {
            return Err(KeyFault::Special);
        }
        Ok((file, metadata))
    }
}

/// The directory above `path`, or `path` itself, that holds a `.git`, if there is one.
#[must_use]
pub fn git_work_tree(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let existing = path.ancestors().find_map(|p| p.canonicalize().ok())?;
    existing
        .ancestors()
        .find(|directory| fs::symlink_metadata(directory.join(".git")).is_ok())
        .map(Path::to_owned)
}

fn fill(mut file: File, metadata: &Metadata, limit: usize) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    if metadata.len() > limit as u64 {
        return Err(KeyFault::TooLarge { limit });
    }
    // Never grown: growing would leave a copy of the content behind. The one byte more shows a file that grew.
    let mut buffer = Zeroizing::new(vec![0; limit + 1]);
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(fault(error)),
        }
    }
    if length > limit {
        return Err(KeyFault::TooLarge { limit });
    }
    buffer.truncate(length);
    Ok(buffer)
}

fn fault(error: io::Error) -> KeyFault {
    if error.kind() == ErrorKind::NotFound {
        KeyFault::Absent
    } else if error.kind() == ErrorKind::NotADirectory {
        KeyFault::NotADirectory
    } else if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
        KeyFault::SymbolicLink
    } else if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) {
        KeyFault::Special
    } else {
        KeyFault::Unreadable(Arc::new(error))
    }
}
