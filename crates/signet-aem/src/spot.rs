//! A name in a directory that was reached without following any link: whoever owns a directory on the way cannot exchange it
//! for a link meanwhile, and so lead elsewhere what root writes, dresses, renames or removes.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::dress::Dress;

/// A directory itself, whether or not it may be read.
const STEP: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const CREATE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A name in a directory.
#[derive(Debug)]
pub(crate) struct Spot<'p> {
    directory: OwnedFd,
    name: &'p OsStr,
}

impl<'p> Spot<'p> {
    /// The place of `path`, which must be without links, as what was canonicalised is.
    pub(crate) fn of(path: &'p Path) -> io::Result<Self> {
        Ok(Self {
            directory: reach(path.parent().unwrap_or_else(|| Path::new("/")))?,
            name: path.file_name().ok_or(ErrorKind::InvalidInput)?,
        })
    }

    /// Makes a file, which is not there yet, for nobody but the one who makes it.
    pub(crate) fn create(&self) -> io::Result<File> {
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(openat(&self.directory, self.name, CREATE, mode)?.into())
    }

    /// Writes a new file and flushes it. Until it has its owner, nobody but the one who writes can reach it. Half of one is
    /// removed.
    pub(crate) fn write_new(&self, bytes: &[u8], dress: Dress) -> io::Result<()> {
        let mut file = self.create()?;
        let written = file
            .write_all(bytes)
            .and_then(|()| dress.put_on(&file))
            .and_then(|()| file.sync_all());
        if written.is_err() {
            // If this fails too, the next run does it.
            let _ = self.remove();
        }
        written
    }

    /// Makes a directory.
    pub(crate) fn make_directory(&self, dress: Dress) -> io::Result<()> {
        mkdirat(&self.directory, self.name, Mode::RWXU)?;
        let made: File = openat(&self.directory, self.name, READ, Mode::empty())?.into();
        expect_new(&made)?;
        dress.put_on(&made)
    }

    /// Gives it the name `to`, in the place of what has that name.
    pub(crate) fn rename(&self, to: &Spot<'_>) -> io::Result<()> {
        Ok(renameat(
            &self.directory,
            self.name,
            &to.directory,
            to.name,
        )?)
    }

    /// Removes a file.
    pub(crate) fn remove(&self) -> io::Result<()> {
        Ok(unlinkat(&self.directory, self.name, AtFlags::empty())?)
    }

    /// Removes an empty directory.
    pub(crate) fn remove_directory(&self) -> io::Result<()> {
        Ok(unlinkat(&self.directory, self.name, AtFlags::REMOVEDIR)?)
    }
}

/// Whoever owns the directory around it could have given the name to another one in the meantime, with what root keeps there, which
/// is not to be theirs.
fn expect_new(directory: &File) -> io::Result<()> {
    let is_empty = Dir::read_from(directory)?
        .all(|entry| entry.is_ok_and(|entry| matches!(entry.file_name().to_bytes(), b"." | b"..")));
    match is_empty {
        true => Ok(()),
        false => Err(io::Error::new(
            ErrorKind::DirectoryNotEmpty,
            "a directory that was just made was exchanged for another one",
        )),
    }
}

/// Makes sure that the names in a directory are on the disk.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    let directory: File = openat(reach(path)?, ".", READ, Mode::empty())?.into();
    directory.sync_all()
}

/// A directory, one step after the other.
fn reach(path: &Path) -> io::Result<OwnedFd> {
    let start = match path.is_absolute() {
        true => "/",
        false => ".",
    };
    let mut directory = rustix::fs::open(start, STEP, Mode::empty())?;
    for part in path.components() {
        let name = match part {
            Component::RootDir | Component::CurDir => continue,
            Component::Normal(name) => name,
            // Where that leads depends on what is exchanged meanwhile.
            Component::ParentDir | Component::Prefix(_) => {
                return Err(ErrorKind::InvalidInput.into());
            }
        };
        directory = openat(&directory, name, STEP, Mode::empty()).map_err(|error| match error {
            Errno::NOTDIR => io::Error::new(
                ErrorKind::NotADirectory,
                "a directory on the way there was exchanged for a link or a file",
            ),
            error => error.into(),
        })?;
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_there_whole_and_dressed_or_not_at_all() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("key");
        let own = Dress::of(scratch.path()).unwrap();
        let dress = Dress { mode: 0o640, ..own };
        Spot::of(&path).unwrap().write_new(b"bits", dress).unwrap();
        assert_eq!(Dress::of(&path).unwrap(), dress);
        assert_eq!(fs::read(&path).unwrap(), b"bits");
        // What is there is never overwritten, a link not followed.
        let again = Spot::of(&path).unwrap().write_new(b"other", dress);
        assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"bits");
        let link = scratch.path().join("link");
        symlink(scratch.path().join("none"), &link).unwrap();
        assert!(Spot::of(&link).unwrap().write_new(b"bits", dress).is_err());
        assert!(!scratch.path().join("none").exists());
    }

    // K2
    #[test]
    fn a_directory_that_took_the_place_of_a_new_one_is_not_given_away() {
        let scratch = tempfile::tempdir().unwrap();
        let open = || File::open(scratch.path()).unwrap();
        expect_new(&open()).unwrap();
        fs::write(scratch.path().join(".key"), b"bits").unwrap();
        let refused = expect_new(&open()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::DirectoryNotEmpty);
    }

    // K2
    #[test]
    fn a_link_on_the_way_leads_nowhere() {
        let scratch = tempfile::tempdir().unwrap();
        let scratch = scratch.path().canonicalize().unwrap();
        let (real, link) = (scratch.join("real"), scratch.join("link"));
        fs::create_dir_all(real.join("below")).unwrap();
        fs::write(real.join("below/key"), b"bits").unwrap();
        symlink(&real, &link).unwrap();
        let refused = |result: io::Result<()>| {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::NotADirectory);
        };
        let dress = Dress::of(&real).unwrap();
        for directory in [link.clone(), link.join("below")] {
            let (key, new) = (directory.join("key"), directory.join("new"));
            refused(Spot::of(&key).and_then(|spot| spot.remove()));
            refused(Spot::of(&new).and_then(|spot| spot.write_new(b"x", dress)));
            refused(Spot::of(&new).and_then(|spot| spot.make_directory(dress)));
            refused(sync_directory(&directory));
        }
        // One that is the place itself is not what a link leads to, either.
        assert!(Spot::of(&link).unwrap().remove_directory().is_err());
        assert!(Spot::of(&link).unwrap().make_directory(dress).is_err());
        let names: Vec<_> = fs::read_dir(real.join("below"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["key"]);
        assert!(Spot::of(&real.join("below/../key")).is_err());
    }
}
