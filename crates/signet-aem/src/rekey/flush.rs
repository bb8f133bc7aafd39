//! Flushing many files to the disk, which waits for many at once about as long as for one.
//!
//! Each file is flushed by itself and answers for itself. One `syncfs` for all of them would be simpler and no faster; but it waits for
//! whatever others have written to that file system, and kernels before 5.8 do not tell it that something could not be written.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::panic;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use rustix::fs::{Advice, fadvise};

use super::RekeyError;
use super::journal::{Change, directory_of, sync_directory};

/// So many are flushed at once.
const AT_ONCE: usize = 32;
/// So many pairs of open files wait for that.
const WAITING: usize = 192;

/// Files that were written, but not flushed.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The copy and its place.
    pub(super) copy: (PathBuf, File),
    /// The successor and its place.
    pub(super) fresh: (PathBuf, File),
}

impl Prepared {
    /// Has the system begin to write both, while the next ones are prepared.
    ///
    /// A file system gives a file its place on the disk when its bytes are written, not before. If that is left to the flushing, each
    /// file changes the file system's journal anew, and waits for it; begun early, the first of many to be flushed does it for all.
    fn begin(&self) {
        for (_, file) in [&self.copy, &self.fresh] {
            // Nobody reads these files soon. No more than advice, so it may fail.
            let _ = fadvise(file, 0, None, Advice::DontNeed);
        }
    }

    fn flush(&self) -> Result<(), RekeyError> {
        let flushed = |(path, file): &(PathBuf, File)| {
            file.sync_all()
                .map_err(|error| RekeyError::write(path, error))
        };
        flushed(&self.copy)?;
        flushed(&self.fresh)
    }
}

/// Files that wait to be flushed together.
#[derive(Debug, Default)]
pub(super) struct Batch(Vec<Prepared>);

impl Batch {
    /// Adds files, and flushes all of them if they are many.
    pub(super) fn add(&mut self, prepared: Prepared) -> Result<(), RekeyError> {
        prepared.begin();
        self.0.push(prepared);
        match self.0.len() < WAITING {
            true => Ok(()),
            false => self.flush(),
        }
    }

    /// Flushes what waits.
    pub(super) fn flush(&mut self) -> Result<(), RekeyError> {
        at_once(self.0.drain(..), |prepared| prepared.flush())
    }
}

/// Flushes all `things`, many at the same time.
fn at_once<T: Send>(
    things: impl ExactSizeIterator<Item = T> + Send,
    flush: impl Fn(T) -> Result<(), RekeyError> + Sync,
) -> Result<(), RekeyError> {
    let threads = things.len().min(AT_ONCE);
    let things = Mutex::new(things);
    let next = || {
        let mut things = things.lock().unwrap_or_else(PoisonError::into_inner);
        things.next()
    };
    let work = || {
        while let Some(thing) = next() {
            flush(thing)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        // Where no more threads are to be had, those that are there do it.
        let others: Vec<_> = (1..threads)
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let mine = work();
        others.into_iter().map(ended).fold(mine, Result::and)
    })
}

fn ended(thread: ScopedJoinHandle<'_, Result<(), RekeyError>>) -> Result<(), RekeyError> {
    thread
        .join()
        .unwrap_or_else(|panic| panic::resume_unwind(panic))
}

/// Flushes the names in the directories of these files.
pub(super) fn names<'c>(changes: impl IntoIterator<Item = &'c Change>) -> Result<(), RekeyError> {
    let directories = changes
        .into_iter()
        .map(|change| directory_of(&change.path))
        .collect::<BTreeSet<_>>();
    at_once(directories.into_iter(), |directory| {
        match sync_directory(directory) {
            // Somebody removed it with its files, which are left alone then.
            Err(RekeyError::Write { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(()),
            flushed => flushed,
        }
    })
}
