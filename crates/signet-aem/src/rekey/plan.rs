//! Which values there are, and which of them the old key opens.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use signet_secret::GraniteValue;

use super::{Keys, Progress, RekeyError};
use crate::content::{Files, Unread};
use crate::file;
use crate::scan::{Scanner, Sighting};

/// Which key opens a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fit {
    /// The old key: it is to be sealed anew.
    Old,
    /// The new key: it was sealed anew before.
    New,
    /// Neither: another installation sealed it, or it is damaged.
    Neither,
}

/// A protected string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ValueReport {
    /// The line it is in, from 1.
    pub line: u64,
    /// Which key opens it.
    pub fit: Fit,
    /// Where its first digit is, in bytes.
    #[serde(skip)]
    pub(super) offset: u64,
    /// How many digits it has.
    #[serde(skip)]
    pub(super) digits: usize,
}

/// A file with protected strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// What is in it, in order.
    pub values: Vec<ValueReport>,
    #[serde(skip)]
    pub(super) stamp: Stamp,
}

impl FileReport {
    /// How many of its values this key opens.
    #[must_use]
    pub fn count(&self, fit: Fit) -> usize {
        self.values.iter().filter(|value| value.fit == fit).count()
    }
}

/// What there is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// Files with protected strings.
    pub files: Vec<FileReport>,
    /// How many files were read.
    pub read: usize,
    /// How many bytes they have.
    pub bytes: u64,
}

/// By what a file is known to be the same as before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl Plan {
    /// How many bytes there are to read at or below `paths`.
    ///
    /// # Errors
    ///
    /// A path is not there, or cannot be read.
    pub fn survey(paths: &[PathBuf]) -> Result<u64, RekeyError> {
        let mut bytes = 0;
        for path in files(paths)? {
            // One that went away since it was listed has none.
            bytes += std::fs::symlink_metadata(path?).map_or(0, |metadata| metadata.len());
        }
        Ok(bytes)
    }

    /// Reads the content at or below `paths`: `.config`, `.xml`, `.json` and `.properties` files, and any file that is named itself.
    /// Changes nothing. Memory grows with the number of values, not with the size of the content.
    ///
    /// # Errors
    ///
    /// The keys are the same, or something cannot be read.
    pub fn make(
        paths: &[PathBuf],
        keys: Keys<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Self, RekeyError> {
        if keys.old.id() == keys.new.id() {
            return Err(RekeyError::SameKey);
        }
        let mut plan = Self {
            files: Vec::new(),
            read: 0,
            bytes: 0,
        };
        let mut scanner = Scanner::new();
        for path in files(paths)? {
            let mut count = |bytes| {
                plan.bytes += bytes;
                progress.read(bytes);
            };
            plan.files
                .extend(look(path?, keys, &mut scanner, &mut count)?);
            plan.read += 1;
        }
        Ok(plan)
    }

    /// How many values this key opens.
    #[must_use]
    pub fn count(&self, fit: Fit) -> usize {
        self.files.iter().map(|file| file.count(fit)).sum()
    }

    /// The files that change.
    pub fn changing(&self) -> impl Iterator<Item = &FileReport> {
        self.files.iter().filter(|file| file.count(Fit::Old) > 0)
    }
}

fn files(
    paths: &[PathBuf],
) -> Result<impl Iterator<Item = Result<PathBuf, RekeyError>>, RekeyError> {
    let unread = |(path, error): Unread| RekeyError::read(&path, error);
    Ok(Files::below(paths)
        .map_err(unread)?
        .map(move |path| path.map_err(unread)))
}

/// The values of one file; `None` if it has none.
fn look(
    path: PathBuf,
    keys: Keys<'_>,
    scanner: &mut Scanner,
    progress: &mut dyn Progress,
) -> Result<Option<FileReport>, RekeyError> {
    let unread = |error| RekeyError::read(&path, error);
    // One that went away since it was listed has no values.
    let Some((file, metadata)) = file::open(&path).map_err(unread)? else {
        return Ok(None);
    };
    let mut values = Vec::new();
    let scanned = scanner.scan::<std::io::Error>(
        &file,
        |bytes| progress.read(bytes),
        |sighting| {
            values.extend(value(&sighting, keys));
            Ok(())
        },
    );
    scanned.map_err(unread)?;
    if values.is_empty() {
        return Ok(None);
    }
    values.shrink_to_fit();
    Ok(Some(FileReport {
        stamp: Stamp::of(&metadata),
        path,
        values,
    }))
}

fn value(sighting: &Sighting, keys: Keys<'_>) -> Option<ValueReport> {
    let value = parse(&sighting.digits)?;
    // The format has no seal: one wrong key in some hundred opens a value, too. The old key is asked first, because values of the
    // new one are rare before the operation, and after it nothing is asked any more.
    let fit = if value.open(keys.old).is_ok() {
        Fit::Old
    } else if value.open(keys.new).is_ok() {
        Fit::New
    } else {
        Fit::Neither
    };
    Some(ValueReport {
        line: sighting.line,
        fit,
        offset: sighting.offset,
        digits: sighting.digits.len(),
    })
}

/// The value of these digits.
pub(crate) fn parse(digits: &[u8]) -> Option<GraniteValue> {
    let digits = std::str::from_utf8(digits).ok()?;
    format!("{{{digits}}}").parse().ok()
}
