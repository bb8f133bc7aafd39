//! The log of a data directory: one file that only grows.

mod archive;

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde_json::{Map, Value, json};
use signet_core::UnixSeconds;
use signet_keys::Lock;

use crate::head::Kept;
use crate::line::write;
use crate::pending::{self, Leftover, Pending, Undertaking};
use crate::tail::{Rest, Tail};
use crate::verify::{self, Verification};
use crate::{Action, Actor, AuditError, Digest, Entries, Event, Head, Note, Origin};

pub(crate) use archive::ARCHIVED;
pub use archive::Archived;

/// What is noted of a line that was never finished, or of lines that are gone.
pub(crate) const MEND: Action = Action::literal("log.mend");
/// The member of that note which tells the bytes that are no line.
pub(crate) const TORN: &str = "torn";
/// So much room is set aside before a change is made, in bytes: for its line, for a note about a torn one, and
/// for some about what was interrupted.
const ROOM: u64 = 4 * crate::line::LONGEST_LINE as u64;

/// The audit log at one place. Processes may share it; each line is written under a lock.
#[derive(Clone, Debug)]
pub struct AuditLog {
    path: PathBuf,
}

impl AuditLog {
    /// The log in the file at `path`, which is made with the first line. Beside it are `audit.head`, `audit.lock`
    /// and `audit.pending`, or what they are called after another name.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a line can be written now: to be asked before a change is made. Sets room aside, where the disk can.
    ///
    /// # Errors
    /// The log cannot be opened for writing or locked, its disk is full, or its end is nothing that this program wrote.
    pub fn ready(&self) -> Result<(), AuditError> {
        let lock = self.lock()?;
        self.make_room(&lock)
    }

    /// Notes that a change begins, after making sure that its line can be written: what is noted is ended by dropping it,
    /// and if the process dies before that, the next line says so.
    ///
    /// What others have left behind that died is told now.
    ///
    /// # Errors
    /// As [`ready`](Self::ready), or the note cannot be written.
    pub fn begin(
        &self,
        undertaking: &Undertaking,
        now: UnixSeconds,
    ) -> Result<Pending, AuditError> {
        let lock = self.lock()?;
        self.make_room(&lock)?;
        self.tell_interrupted(&lock, &undertaking.instance, now)?;
        let directory = self.pending_path();
        Pending::begin(&directory, self.lock_path(), undertaking, now).map_err(|source| {
            AuditError::Begin {
                path: directory,
                source,
            }
        })
    }

    /// Adds a line about `event`; it is on the disk when this returns.
    ///
    /// What a crash left of a line stays in the file, and the next line says so.
    ///
    /// # Errors
    /// The log cannot be opened, locked or written. Then nothing was added, or what was is no whole line.
    pub fn append(&self, event: &Event, now: UnixSeconds) -> Result<Head, AuditError> {
        let lock = self.lock()?;
        let interrupted = pending::leftovers(&self.pending_path());
        let told = interrupted
            .iter()
            .filter_map(|leftover| leftover.event(&event.instance));
        let events: Vec<_> = told.chain([event.clone()]).collect();
        let head = self.add(&lock, &events, now)?;
        interrupted.into_iter().for_each(Leftover::forget);
        Ok(head)
    }

    /// Adds lines about what others have left behind that died in the middle of a change, as `begin` and `append` do; here
    /// alone, before the log goes elsewhere. `instance` is what the instance is called.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn settle(&self, instance: &str, now: UnixSeconds) -> Result<(), AuditError> {
        // Where nobody left anything, nothing is made.
        if !self.pending_path().exists() {
            return Ok(());
        }
        let lock = self.lock()?;
        self.tell_interrupted(&lock, instance, now)
    }

    /// Adds lines about what the dead have left, if there is anything.
    fn tell_interrupted(
        &self,
        lock: &Lock,
        instance: &str,
        now: UnixSeconds,
    ) -> Result<(), AuditError> {
        let interrupted = pending::leftovers(&self.pending_path());
        let told = interrupted.iter().map(|leftover| leftover.event(instance));
        let events: Vec<_> = told.flatten().collect();
        if !events.is_empty() {
            self.add(lock, &events, now)?;
        }
        interrupted.into_iter().for_each(Leftover::forget);
        Ok(())
    }

    fn add(&self, _: &Lock, events: &[Event], now: UnixSeconds) -> Result<Head, AuditError> {
        let (mut file, length) = self.open()?;
        let Tail { last, rest } = self.tail(&file, length)?;
        let kept = Kept::read(&self.head_path());
        let mut bytes = match &rest {
            Rest::LineEnd
            | Rest::Torn {
                is_ended: false, ..
            } => b"\n".to_vec(),
            _ => Vec::new(),
        };
        let mut head = before(last, kept);
        let instance = events.first().map_or("", |event| event.instance.as_str());
        let mending = mending(last, &rest, kept).map(|detail| mend(detail, instance));
        for event in mending.iter().chain(events) {
            let (line, next) =
                write(event, head, now).map_err(|error| self.unwritten(error.into()))?;
            bytes.extend(line);
            head = next;
        }
        self.write(&mut file, length, &bytes)?;
        // An older head only proves less; the next line brings it up to date.
        let _ = head.write(&self.head_path());
        Ok(head)
    }

    fn make_room(&self, _: &Lock) -> Result<(), AuditError> {
        let (file, length) = self.open()?;
        self.tail(&file, length)?;
        let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
        if limit.is_some_and(|limit| length.saturating_add(ROOM) > limit) {
            return Err(self.unwritten(ErrorKind::FileTooLarge.into()));
        }
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            use rustix::io::Errno;
            // Not every file system can; there a full disk shows when the line is written.
            if let Err(full @ (Errno::NOSPC | Errno::DQUOT)) =
                fallocate(&file, FallocateFlags::KEEP_SIZE, length, ROOM)
            {
                return Err(self.unwritten(full.into()));
            }
        }
        Ok(())
    }

    /// What the log says, in its order.
    ///
    /// # Errors
    /// It cannot be opened. A log that was never written to is empty.
    pub fn entries(&self) -> Result<Entries, AuditError> {
        Ok(Entries::new(self.settled()?))
    }

    /// Number and hash of the last line that was written, if there is any: worth keeping elsewhere.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn head(&self) -> Result<Option<Head>, AuditError> {
        let Some((file, length)) = self.settled()? else {
            return Ok(None);
        };
        Ok(self.tail(&file, length)?.last)
    }

    /// The entries at the end of the file, as many as are in about `bytes` bytes.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn recent(&self, bytes: u64) -> Result<Entries, AuditError> {
        use std::io::Seek;
        let Some((mut file, length)) = self.settled()? else {
            return Ok(Entries::new(None));
        };
        let start = length.saturating_sub(bytes);
        // Where it begins within a line, that is none.
        file.seek(io::SeekFrom::Start(start))
            .map_err(|source| self.unread(source))?;
        Ok(Entries::new(Some((file, length - start))))
    }

    /// Checks the whole chain, and that its end is where `audit.head` says; `known` are heads that were kept elsewhere, and
    /// `earlier` the files that this one continues, the oldest first.
    ///
    /// # Errors
    /// A file cannot be read. What is wrong with the chain is no error but the answer.
    pub fn verify(&self, earlier: &[PathBuf], known: &[Head]) -> Result<Verification, AuditError> {
        let (file, kept, interrupted) = {
            let lock = self.lock_to_read()?;
            let file = self.open_to_read()?;
            let kept = Kept::read(&self.head_path());
            let interrupted = pending::look(&self.pending_path());
            drop(lock);
            (file, kept, interrupted)
        };
        let mut found = verify::files(self, file, kept, earlier, known)?;
        let interrupted = interrupted.into_iter();
        found.notes.extend(interrupted.map(Note::interrupted));
        Ok(found)
    }

    pub(crate) fn unread(&self, source: io::Error) -> AuditError {
        AuditError::Read {
            path: self.path.clone(),
            source,
        }
    }

    fn unwritten(&self, source: io::Error) -> AuditError {
        AuditError::Write {
            path: self.path.clone(),
            source,
        }
    }

    fn head_path(&self) -> PathBuf {
        self.path.with_extension("head")
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.path.with_extension("lock")
    }

    /// The directory of the notes about changes that have begun, whether or not it is there.
    #[must_use]
    pub fn pending_path(&self) -> PathBuf {
        self.path.with_extension("pending")
    }

    fn lock(&self) -> Result<Lock, AuditError> {
        let path = self.lock_path();
        Lock::acquire(&path).map_err(|source| AuditError::Open { path, source })
    }

    /// Whoever may only read goes without; at worst the last line is seen half.
    fn lock_to_read(&self) -> Result<Option<Lock>, AuditError> {
        // Where nobody has ever written, looking leaves nothing behind.
        if !self.lock_path().exists() {
            return Ok(None);
        }
        match Lock::acquire(&self.lock_path()) {
            Ok(lock) => Ok(Some(lock)),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::PermissionDenied
                        | ErrorKind::ReadOnlyFilesystem
                        | ErrorKind::NotFound
                ) =>
            {
                Ok(None)
            }
            Err(source) => Err(self.unread(source)),
        }
    }

    /// The file for adding to it, made if it is missing, and its length.
    fn open(&self) -> Result<(File, u64), AuditError> {
        let opened = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(
                (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC)
                    .bits()
                    .cast_signed(),
            )
            .open(&self.path)
            .and_then(|file| {
                let length = length_of(&file)?;
                Ok((file, length))
            });
        opened.map_err(|source| AuditError::Open {
            path: self.path.clone(),
            source,
        })
    }

    fn open_to_read(&self) -> Result<Option<(File, u64)>, AuditError> {
        open_to_read(&self.path)
    }

    /// The file and its length at a moment at which nobody writes.
    fn settled(&self) -> Result<Option<(File, u64)>, AuditError> {
        let _lock = self.lock_to_read()?;
        self.open_to_read()
    }

    fn tail(&self, file: &File, length: u64) -> Result<Tail, AuditError> {
        Tail::read(file, length)
            .map_err(|source| self.unread(source))?
            .ok_or_else(|| AuditError::NoLog {
                path: self.path.clone(),
            })
    }

    /// All of `bytes` at the end of the file and on the disk, or none of it.
    fn write(&self, file: &mut File, length: u64, bytes: &[u8]) -> Result<(), AuditError> {
        let written = file.write_all(bytes).and_then(|()| file.sync_data());
        if let Err(source) = written {
            // Where that is forbidden, because the file may only grow, the next line tells of the torn one.
            let _ = file.set_len(length);
            return Err(self.unwritten(source));
        }
        if length == 0 {
            sync_directory(&self.path).map_err(|source| self.unwritten(source))?;
        }
        Ok(())
    }
}

pub(crate) fn open_to_read(path: &Path) -> Result<Option<(File, u64)>, AuditError> {
    match regular(path) {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(AuditError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// A file for reading and its length. A pipe is not waited for.
pub(crate) fn regular(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    let length = length_of(&file)?;
    Ok((file, length))
}

fn length_of(file: &File) -> io::Result<u64> {
    match file.metadata()? {
        metadata if metadata.is_file() => Ok(metadata.len()),
        _ => Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is no regular file",
        )),
    }
}

/// What the next line comes after: the last line, unless the head knows of a later one, or of another in its place. Then
/// the chain goes on from what was there, so that the gap shows for ever.
fn before(last: Option<Head>, kept: Kept) -> Head {
    let start = Head {
        seq: 0,
        hash: Digest::START,
    };
    match (last.unwrap_or(start), kept) {
        (last, Kept::Head(head)) if head.seq >= last.seq => head,
        (last, _) => last,
    }
}

/// What must be noted before the log goes on.
fn mending(last: Option<Head>, rest: &Rest, kept: Kept) -> Option<Value> {
    let mut detail = Map::new();
    if let Rest::Torn { bytes, digest, .. } = rest {
        let torn = json!({ "bytes": bytes, "sha256": digest.to_string() });
        detail.insert(TORN.to_owned(), torn);
    }
    let seq = last.map_or(0, |last| last.seq);
    match kept {
        Kept::Head(head) if head.seq > seq => {
            let missing = json!({ "first": seq + 1, "last": head.seq });
            detail.insert("missing".to_owned(), missing);
        }
        Kept::Head(head) if Some(head) != last && head.seq == seq => {
            detail.insert("replaced".to_owned(), json!({ "line": seq }));
        }
        // After the first line of all a crash may have come before its head.
        Kept::Missing if seq <= 1 => {}
        Kept::Missing | Kept::Unreadable => {
            detail.insert("head".to_owned(), json!("missing"));
        }
        _ => {}
    }
    (!detail.is_empty()).then_some(Value::Object(detail))
}

fn mend(detail: Value, instance: &str) -> Event {
    Event {
        who: Actor::signet(),
        from: Origin::Instance,
        action: MEND,
        object: "audit.log".to_owned(),
        detail,
        instance: instance.to_owned(),
    }
}

/// Flushes the directory in which `path` is.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
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

#[cfg(test)]
pub(crate) mod tests;
