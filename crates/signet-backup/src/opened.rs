//! A backup that was opened: its signed list, and then what is in it, one after the other.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use age::stream::StreamReader;
use sha2::{Digest as _, Sha256};
use signet_bundle::Signature;
use zeroize::Zeroizing;

use crate::seal::{self, SealKind, Unseal};
use crate::{Entry, FileError, Manifest};

/// What the name of the instance signs: the bytes of the list.
pub(crate) const PURPOSE: &str = "backup";

/// Stands before the list, with the version of the format.
pub(crate) const MAGIC: &str = "signet-backup-v1\n";

/// The longest list that is read: room for some ten thousand keys.
pub(crate) const MOST_LIST: u32 = 4 * 1_024 * 1_024;

/// So much is read at once.
pub(crate) const CHUNK: usize = 64 * 1_024;

/// A backup whose list was read and whose signature was found good. What it holds comes next.
pub struct OpenedBackup {
    manifest: Manifest,
    kind: SealKind,
    stream: StreamReader<BufReader<File>>,
}

impl OpenedBackup {
    /// Opens the file at `path`, and checks the signature of its list.
    ///
    /// # Errors
    /// [`FileError`] says which of the many reasons it is.
    pub fn open(path: &Path, unseal: &Unseal) -> Result<Self, FileError> {
        let mut stream = seal::unseal(path, unseal)?;
        let (manifest, head) = head(&mut stream)?;
        let expected = seal::sealed_length(head.saturating_add(manifest.bytes()));
        let found = seal::payload_length(path).map_err(FileError::Read)?;
        match found.cmp(&expected) {
            core::cmp::Ordering::Less => return Err(FileError::Truncated),
            core::cmp::Ordering::Greater => return Err(FileError::Altered),
            core::cmp::Ordering::Equal => {}
        }
        let kind = match unseal {
            Unseal::Passphrase(_) => SealKind::Passphrase,
            Unseal::Identities(_) => SealKind::Recipients,
        };
        Ok(Self {
            manifest,
            kind,
            stream,
        })
    }

    /// What the backup says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// How it is sealed. With a passphrase, who made it knew that; for keys, anybody can seal.
    #[must_use]
    pub fn kind(&self) -> SealKind {
        self.kind
    }

    /// Reads all of it, and compares every byte with the signed list. `progress` is told how many bytes are done.
    ///
    /// # Errors
    /// It is cut off, or was altered somewhere.
    pub fn check(self, mut progress: impl FnMut(u64)) -> Result<Manifest, FileError> {
        let mut done = 0;
        self.read(|_, content| {
            let mut buffer = vec![0; CHUNK];
            while let count @ 1.. = content.read(&mut buffer)? {
                done += count as u64;
                progress(done);
            }
            Ok::<_, FileError>(())
        })
    }

    /// Hands over everything in its order, and compares it with the signed list.
    ///
    /// What was handed over counts only when this has returned without an error.
    pub(crate) fn read<E: From<FileError>>(
        mut self,
        mut take: impl FnMut(&Entry, &mut Content<'_>) -> Result<(), E>,
    ) -> Result<Manifest, E> {
        for entry in &self.manifest.entries {
            let mut content = Content {
                stream: &mut self.stream,
                left: entry.size,
                digest: Sha256::new(),
            };
            take(entry, &mut content)?;
            content.finish(entry)?;
        }
        let mut more = [0];
        match self.stream.read(&mut more).map_err(seal::reading)? {
            0 => Ok(self.manifest),
            _ => Err(FileError::Manifest("there is more in it than it lists").into()),
        }
    }
}

impl core::fmt::Debug for OpenedBackup {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OpenedBackup")
            .field("manifest", &self.manifest)
            .finish_non_exhaustive()
    }
}

/// One thing while it is read.
pub(crate) struct Content<'o> {
    stream: &'o mut dyn Read,
    left: u64,
    digest: Sha256,
}

impl Content<'_> {
    /// Fills the buffer as far as there is something left; 0 at the end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, FileError> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most).filter(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        let count = self.stream.read(buffer).map_err(seal::reading)?;
        if count == 0 {
            return Err(FileError::Content("its end".into()));
        }
        self.left = self.left.saturating_sub(count as u64);
        self.digest.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn finish(self, entry: &Entry) -> Result<(), FileError> {
        if self.left == 0 && self.digest.finalize().as_slice() == entry.sha256 {
            return Ok(());
        }
        Err(FileError::Content(entry.name.to_string()))
    }
}

/// Reads what stands before the contents, and says how long that is.
fn head(stream: &mut impl Read) -> Result<(Manifest, u64), FileError> {
    let mut magic = [0; MAGIC.len()];
    exactly(stream, &mut magic)?;
    if magic != MAGIC.as_bytes() {
        return Err(foreign(&magic));
    }
    let mut length = [0; 4];
    exactly(stream, &mut length)?;
    let length = u32::from_be_bytes(length);
    if length > MOST_LIST {
        return Err(FileError::Manifest("its list of contents is too long"));
    }
    let mut list = Zeroizing::new(vec![0; length as usize]);
    exactly(stream, &mut list)?;
    let mut signature = Signature([0; 64]);
    exactly(stream, &mut signature.0)?;
    let manifest = Manifest::decode(&list).map_err(FileError::Manifest)?;
    match manifest.node.verify(PURPOSE, &list, &signature) {
        true => {
            let parts = [MAGIC.len(), 4, list.len(), signature.0.len()];
            Ok((manifest, parts.iter().map(|length| *length as u64).sum()))
        }
        false => Err(FileError::Signature),
    }
}

fn exactly(stream: &mut impl Read, buffer: &mut [u8]) -> Result<(), FileError> {
    stream
        .read_exact(buffer)
        .map_err(|error| match error.kind() {
            // The sealed file is whole, and what is in it too short for a backup.
            std::io::ErrorKind::UnexpectedEof if error.get_ref().is_none() => FileError::Foreign,
            _ => seal::reading(error),
        })
}

/// Another version of a backup, or none at all.
fn foreign(magic: &[u8]) -> FileError {
    let text = core::str::from_utf8(magic).unwrap_or_default();
    let version = text
        .strip_prefix("signet-backup-v")
        .and_then(|rest| rest.split('\n').next())
        .filter(|version| !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()));
    match version {
        Some(found) => FileError::Newer {
            found: found.to_owned(),
        },
        None => FileError::Foreign,
    }
}
