//! Files for one user alone that stand beside the directory of the keys and deserve the same care.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::custody::{Guard, git_work_tree};
use crate::disk::Os;
use crate::{Custody, KeyError, KeyFault, atomic};

/// Whether secrets may be kept at `path` at all. Writes nothing, so it can be asked before anything is made.
///
/// # Errors
///
/// The place is inside a git work tree.
pub fn check_place(path: &Path) -> Result<(), KeyError> {
    git_work_tree(path).map_or(Ok(()), |tree| {
        Err(KeyError::InGitWorkTree {
            path: path.to_owned(),
            tree,
        })
    })
}

/// Makes the directory `path`, and what is missing above it, with mode 0700.
///
/// # Errors
///
/// It could not be made, or what is there is not for this user alone.
pub fn create_directory(path: &Path) -> Result<(), KeyError> {
    atomic::create_directory_on(&Os, path)?;
    check_directory(path).map_err(|fault| KeyError::unusable(path, fault))
}

/// Checks that `path` is a directory for this user alone: no link, the right owner, at most mode 0700.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_directory(path: &Path) -> Result<(), KeyFault> {
    Guard::new(Custody::Private).check_directory(path)
}

/// Reads a file for this user alone: no link, the right owner, at most mode 0600 and `limit` bytes.
///
/// # Errors
///
/// What is wrong with it.
pub fn read(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    Guard::new(Custody::Private).read_secret(path, limit)
}

/// Removes a file, and makes sure that it stays removed after a crash.
///
/// # Errors
///
/// It could not be removed, or was not there.
pub fn remove(path: &Path) -> Result<(), KeyError> {
    Ok(atomic::remove_on(&Os, path)?)
}

/// The names in a directory for this user alone.
///
/// # Errors
///
/// What is wrong with it.
pub fn list(path: &Path) -> Result<Vec<std::ffi::OsString>, KeyFault> {
    check_directory(path)?;
    let unreadable = |error| KeyFault::Unreadable(Arc::new(error));
    std::fs::read_dir(path)
        .map_err(unreadable)?
        .map(|entry| Ok(entry.map_err(unreadable)?.file_name()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    // K2
    #[test]
    fn what_others_can_reach_is_not_read() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("a/b");
        create_directory(&directory).unwrap();
        let file = directory.join("file");
        atomic::write(&file, b"secret").unwrap();
        assert_eq!(&**read(&file, 6).unwrap(), b"secret");
        assert!(matches!(
            read(&file, 5),
            Err(KeyFault::TooLarge { limit: 5 })
        ));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            read(&file, 6),
            Err(KeyFault::Mode { mode: 0o640, .. })
        ));
        symlink(&file, directory.join("link")).unwrap();
        assert!(matches!(
            read(&directory.join("link"), 6),
            Err(KeyFault::SymbolicLink)
        ));
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(list(&directory), Err(KeyFault::Mode { .. })));
        assert!(create_directory(&directory).is_err());
    }

    // K2
    #[test]
    fn no_secret_is_kept_in_a_git_work_tree() {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join(".git")).unwrap();
        let path = scratch.path().join("not/there/yet");
        assert!(matches!(
            check_place(&path),
            Err(KeyError::InGitWorkTree { .. })
        ));
    }
}
