//! Flushing many files to the disk, which waits for many at once about as long as for one.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::panic;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};

use super::RekeyError;
use super::journal::{Change, directory_of, sync_directory};

/// So many are flushed at once, and as many wait for it: each has two open files.
const AT_ONCE: usize = 32;

/// Files that were written, but not flushed.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The copy and its place.
    pub(super) copy: (PathBuf, File),
    /// The successor and its place.
    pub(super) fresh: (PathBuf, File),
}

impl Prepared {
    fn flush(&self) -> Result<(), RekeyError> {
        let flushed = |(path, file): &(PathBuf, File)| {
            file.sync_all()
                .map_err(|error| RekeyError::write(path, error))
        };
        flushed(&self.copy)?;
        flushed(&self.fresh)
    }
}

/// Lets `work` hand over things to flush while it goes on, and waits for all of them.
///
/// # Errors
///
/// What `work` could not do, or else the first thing that could not be flushed.
pub(super) fn while_flushing<T: Send>(
    flush: impl Fn(T) -> Result<(), RekeyError> + Sync,
    work: impl FnOnce(&mut dyn FnMut(T) -> Result<(), RekeyError>) -> Result<(), RekeyError>,
) -> Result<(), RekeyError> {
    let (give, taken) = sync_channel(AT_ONCE);
    let taken = Mutex::new(taken);
    thread::scope(|scope| {
        let mut threads = Vec::new();
        let worked = work(&mut |thing| {
            // Few things need few threads, and where none is to be had, this one does it.
            if threads.len() < AT_ONCE {
                threads.extend(start(scope, &taken, &flush));
            }
            match threads.is_empty() {
                true => flush(thing),
                false => hand_over(&give, thing),
            }
        });
        drop(give);
        let flushed = threads.into_iter().map(ended);
        flushed.fold(worked, Result::and)
    })
}

fn start<'s, T: Send>(
    scope: &'s Scope<'s, '_>,
    taken: &'s Mutex<Receiver<T>>,
    flush: &'s (impl Fn(T) -> Result<(), RekeyError> + Sync),
) -> Option<ScopedJoinHandle<'s, Result<(), RekeyError>>> {
    let each = move || {
        let mut all = Ok(());
        loop {
            let next = taken.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(thing) = next else { return all };
            // After a failure the rest is taken all the same: whoever hands it over must not wait for ever.
            all = all.and_then(|()| flush(thing));
        }
    };
    thread::Builder::new().spawn_scoped(scope, each).ok()
}

fn hand_over<T>(give: &SyncSender<T>, thing: T) -> Result<(), RekeyError> {
    // Somebody takes it: the receiver lives as long as this.
    let _ = give.send(thing);
    Ok(())
}

fn ended(thread: ScopedJoinHandle<'_, Result<(), RekeyError>>) -> Result<(), RekeyError> {
    thread
        .join()
        .unwrap_or_else(|panic| panic::resume_unwind(panic))
}

/// Flushes what was prepared, while it is prepared.
pub(super) fn files(
    work: impl FnOnce(&mut dyn FnMut(Prepared) -> Result<(), RekeyError>) -> Result<(), RekeyError>,
) -> Result<(), RekeyError> {
    while_flushing(|prepared: Prepared| prepared.flush(), work)
}

/// Flushes the names in the directories of these files.
pub(super) fn names<'c>(changes: impl IntoIterator<Item = &'c Change>) -> Result<(), RekeyError> {
    let directories = changes
        .into_iter()
        .map(|change| directory_of(&change.path))
        .collect::<BTreeSet<_>>();
    while_flushing(
        |directory| match sync_directory(directory) {
            // Somebody removed it with its files, which are left alone then.
            Err(RekeyError::Write { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(()),
            flushed => flushed,
        },
        |flush| directories.into_iter().try_for_each(flush),
    )
}
