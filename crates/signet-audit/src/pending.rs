//! Changes that have begun and whose line is not written yet: what a process leaves behind that dies between the two.
//!
//! Each is a file of its own in a directory beside the log, on the disk before the change is made. The process that makes
//! the change holds a lock on it, which the system gives back when the process dies, however it dies: so the living are
//! told from the dead.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use data_encoding::HEXLOWER;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use signet_core::UnixSeconds;
use signet_keys::Lock;

use crate::line::{short, shortened};
use crate::log::sync_directory;
use crate::{Actor, AuditLog, Head, Origin};

mod leftover;

pub(crate) use leftover::{Leftover, leftovers, look};

/// The version of the format that is written.
const VERSION: u32 = 1;

/// What somebody begins to do.
#[derive(Clone, Debug)]
pub struct Undertaking {
    /// Who does it.
    pub who: Actor,
    /// From where.
    pub from: Origin,
    /// The words of the command, such as `keys relocate`, or what the same would be called that a user does on a page or the
    /// instance by itself: lower-case letters, digits and `-`, with single spaces between. Never what it was given besides.
    pub command: String,
    /// What the instance is called.
    pub instance: String,
}

/// A change that has begun. Where the process dies before this is dropped, the log will say that it was interrupted.
#[derive(Debug)]
#[must_use = "the change has ended when this is dropped"]
pub struct Pending {
    file: File,
    path: PathBuf,
    lock_path: PathBuf,
    is_left: AtomicBool,
}

/// The first line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Members {
    v: u32,
    time: u64,
    who: Actor,
    from: Origin,
    command: String,
    instance: String,
}

impl Pending {
    /// Makes the file in `directory`, which is made if it is missing. To be called under the lock at `lock_path`, under
    /// which the dead are looked for.
    pub(crate) fn begin(
        directory: &Path,
        lock_path: PathBuf,
        undertaking: &Undertaking,
        now: UnixSeconds,
    ) -> io::Result<Self> {
        match DirBuilder::new().mode(0o700).create(directory) {
            Ok(()) => sync_directory(directory)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        if !directory.symlink_metadata()?.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        let path = directory.join(name()?);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags((OFlags::NOFOLLOW | OFlags::CLOEXEC).bits().cast_signed())
            .open(&path)?;
        let pending = Self {
            file,
            path,
            lock_path,
            is_left: AtomicBool::new(false),
        };
        match pending.write(undertaking, now) {
            Ok(()) => Ok(pending),
            Err(error) => {
                let _ = fs::remove_file(&pending.path);
                pending.leave();
                Err(error)
            }
        }
    }

    fn write(&self, undertaking: &Undertaking, now: UnixSeconds) -> io::Result<()> {
        self.file.try_lock()?;
        let members = Members {
            v: VERSION,
            time: now.0,
            who: shortened(&undertaking.who),
            from: undertaking.from,
            command: undertaking.command.clone(),
            instance: short(&undertaking.instance),
        };
        if !is_command(&members.command) {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                "these are not the words of a command",
            ));
        }
        let text = serde_json::to_string(&members)?;
        (&self.file).write_all(format!("{text}\n").as_bytes())?;
        self.file.sync_all()?;
        sync_directory(&self.path)
    }

    /// Remembers that the line of `head` is about a part of this change. Should the process die, whoever reads of it sees
    /// that not all of it is missing.
    pub fn recorded(&self, head: Head) {
        // Without it, the log only says less.
        let _ = (&self.file).write_all(format!("{}\n", head.seq).as_bytes());
    }

    /// Leaves it to the next line of the log to say that this was interrupted, unless [`end`](Self::end) is called: when the
    /// change was made and its own line could not be written, or where whoever makes it may be gone without a word.
    pub fn leave(&self) {
        self.is_left.store(true, Ordering::Relaxed);
    }

    /// The change has ended, whatever was said before.
    pub fn end(self) {
        self.is_left.store(false, Ordering::Relaxed);
    }

    /// The log was moved meanwhile, with all that is beside it, and is the one of `log` now.
    pub fn moved_to(&mut self, log: &AuditLog) {
        if let Some(name) = self.path.file_name() {
            self.path = log.pending_path().join(name);
            self.lock_path = log.lock_path();
        }
    }

    fn forget(&self) -> io::Result<()> {
        let _lock = Lock::acquire(&self.lock_path)?;
        remove(&self.path)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // A panic is no end of which anything is known.
        if !self.is_left.load(Ordering::Relaxed) && !std::thread::panicking() {
            // If this fails, the log says once too often that something was interrupted.
            let _ = self.forget();
        }
    }
}

/// Removes the file of an undertaking, and its directory after the last one. To be called under the lock of the log.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync_directory(path)?;
    if let Some(directory) = path.parent() {
        // There may be others in it.
        let _ = fs::remove_dir(directory);
    }
    Ok(())
}

fn name() -> io::Result<String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(HEXLOWER.encode(&random))
}

/// Whether this is what the words of a command look like, so that it can be printed as it is.
fn is_command(text: &str) -> bool {
    const LONGEST: usize = 64;
    let is_word = |word: &str| {
        let is_letter = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        !word.is_empty() && word.bytes().all(is_letter)
    };
    text.len() <= LONGEST && text.split(' ').all(is_word)
}

#[cfg(test)]
mod tests;
