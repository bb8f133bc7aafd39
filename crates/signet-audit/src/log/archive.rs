//! Putting the lines away that there are, so that the file begins anew and the chain goes on.

use std::fs;
use std::io::{BufReader, Read};
use std::os::unix::fs::{FileExt, MetadataExt};

use sha2::{Digest as _, Sha256};
use signet_keys::atomic;

use super::*;

/// The lines before this one are in another file.
pub(crate) const ARCHIVED: Action = Action::literal("log.archive");

/// Lines that were put away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Archived {
    /// The number of the first of them.
    pub first: u64,
    /// Number and hash of the last of them.
    pub last: Head,
    /// Number and hash of the line with which the log goes on.
    pub head: Head,
}

impl AuditLog {
    /// Puts all lines into a new file at `to`, mode 0600, and begins anew with a line that says so and continues the chain.
    ///
    /// Whenever a crash comes, no line is lost: the copy is on the disk before the log begins anew. A copy that a crash left
    /// at `to` is no hindrance.
    ///
    /// # Errors
    /// There are no lines, there is something else at `to`, or a file cannot be read or written. Then the log goes on as it
    /// was.
    pub fn archive(
        &self,
        to: &Path,
        by: &Undertaking,
        now: UnixSeconds,
    ) -> Result<Archived, AuditError> {
        let lock = self.lock()?;
        self.make_room(&lock)?;
        self.tell_interrupted(&lock, &by.instance, now)?;
        // What must be noted is noted where it happened.
        if self.must_mend()? {
            self.add(&lock, &[], now)?;
        }
        let (file, length) = self.open()?;
        let (Some(last), Some(first)) = (self.tail(&file, length)?.last, self.first()?) else {
            return Err(AuditError::Empty {
                path: self.path.clone(),
            });
        };
        let digest = self.copy(&file, length, to)?;
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        let event = Event {
            who: by.who.clone(),
            from: by.from,
            action: ARCHIVED,
            object: name.into_owned(),
            detail: json!({
                "first": first,
                "last": last.seq,
                "bytes": length,
                "sha256": digest.to_string(),
            }),
            instance: by.instance.clone(),
        };
        let (line, head) =
            write(&event, last, now).map_err(|error| self.unwritten(error.into()))?;
        atomic::write(&self.path, &line).map_err(|error| self.unwritten(error.source))?;
        // An older head only proves less; the next line brings it up to date.
        let _ = head.write(&self.head_path());
        Ok(Archived { first, last, head })
    }

    fn must_mend(&self) -> Result<bool, AuditError> {
        let (file, length) = self.open()?;
        let Tail { last, rest } = self.tail(&file, length)?;
        let kept = Kept::read(&self.head_path());
        Ok(rest == Rest::LineEnd || mending(last, &rest, kept).is_some())
    }

    /// The number of the first line.
    fn first(&self) -> Result<Option<u64>, AuditError> {
        let Some((file, length)) = self.open_to_read()? else {
            return Ok(None);
        };
        let mut entries = Entries::new(Some((file, length)));
        let first = entries.next().transpose();
        Ok(first
            .map_err(|error| self.unread(error))?
            .map(|entry| entry.seq))
    }

    /// The bytes of the log in a file of their own, and their digest.
    fn copy(&self, file: &File, length: u64, to: &Path) -> Result<Digest, AuditError> {
        let failed = |source| AuditError::Write {
            path: to.to_owned(),
            source,
        };
        if !self.may_replace(to).map_err(failed)? {
            return Err(AuditError::Exists {
                path: to.to_owned(),
            });
        }
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let copied = copied(file, length, &part)
            .and_then(|digest| fs::rename(&part, to).map(|()| digest))
            .and_then(|digest| sync_directory(to).map(|()| digest));
        copied.map_err(|source| {
            let _ = fs::remove_file(&part);
            failed(source)
        })
    }

    /// Whether there is nothing at `to`, or a copy that a crash left there: the log still has all that it has.
    fn may_replace(&self, to: &Path) -> io::Result<bool> {
        match to.symlink_metadata() {
            Ok(met) if met.is_file() => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
        }
        let ((copy, length), (log, whole)) = (regular(to)?, regular(&self.path)?);
        let (one, other) = (copy.metadata()?, log.metadata()?);
        let is_log_itself = (one.dev(), one.ino()) == (other.dev(), other.ino());
        if is_log_itself || length == 0 || length > whole {
            return Ok(false);
        }
        let mut bytes = BufReader::new(log).take(length).bytes();
        for byte in BufReader::new(copy).take(length).bytes() {
            if bytes.next().transpose()? != Some(byte?) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The first `length` bytes of `file` in a new one at `path`, on the disk.
fn copied(file: &File, length: u64, path: &Path) -> io::Result<Digest> {
    let mut copy = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)?;
    length_of(&copy)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut place = 0;
    while place < length {
        let room =
            usize::try_from(length - place).map_or(buffer.len(), |rest| rest.min(buffer.len()));
        let Some(window) = buffer.get_mut(..room) else {
            break;
        };
        file.read_exact_at(window, place)?;
        digest.update(&*window);
        copy.write_all(window)?;
        place += room as u64;
    }
    copy.sync_all()?;
    Ok(Digest(digest.finalize().into()))
}

#[cfg(test)]
mod tests;
