//! The steps that change a disk, one method each, so that a test can let any of them fail.

use std::fmt::Debug;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

pub(crate) trait Disk: Debug + Send + Sync {
    /// Makes a file that is not there yet, mode 0600, locked for as long as it is open.
    fn create(&self, path: &Path) -> io::Result<File>;
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()>;
    fn sync(&self, file: &File) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory, mode 0700; one that is there already is left as it is.
    fn create_directory(&self, path: &Path) -> io::Result<()>;
}

/// The disk that the operating system offers.
#[derive(Debug)]
pub(crate) struct Os;

impl Disk for Os {
    fn create(&self, path: &Path) -> io::Result<File> {
        loop {
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)?;
            // The umask may have taken bits away that the owner needs.
            file.set_permissions(Permissions::from_mode(0o600))?;
            // Where locks are not supported, nobody else can take one either, so nobody sweeps this file away.
            let _ = file.lock();
            // Between its creation and its lock the file looked like a leftover; whoever removed it is done now.
            if file.metadata()?.nlink() > 0 {
                return Ok(file);
            }
        }
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        match File::open(directory)?.sync_all() {
            // Some network file systems keep directories in order by themselves and know no such call.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::InvalidInput | ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            done => done,
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            done => done,
        }
    }
}
