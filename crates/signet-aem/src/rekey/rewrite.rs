//! One file at a time: its copy, its successor, the exchange, and the way back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::flush::Prepared;
use super::journal::{Change, FRESH, directory_of};
use super::plan::{FileReport, Fit, Stamp, ValueReport, parse};
use super::{Keys, Progress, RekeyError};
use crate::file;

use signet_secret::GraniteValue;

/// What is at the place of a file now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Situation {
    /// The file as it was read.
    Old,
    /// Its successor.
    New,
    /// The same bytes as in the backup, in another file: it was put back.
    PutBack,
    /// Nothing.
    Gone,
    /// Something that somebody else wrote.
    Edited,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is as it was meant to be.
    AsMeant,
    /// Somebody else changed it, so it was not touched.
    LeftAlone,
}

/// Writes the successor of a file beside it, and a copy of the file into the backup. Returns by what the successor is known; both
/// are to be flushed.
pub(super) fn prepare(
    report: &FileReport,
    change: &Change,
    keys: Keys<'_>,
    backup: &Path,
    progress: &mut dyn Progress,
) -> Result<(Stamp, Prepared), RekeyError> {
    let path = &report.path;
    let unread = |error| RekeyError::read(path, error);
    let changed = || RekeyError::Changed(path.clone());
    let (old, metadata) = file::open(path).map_err(unread)?.ok_or_else(changed)?;
    if Stamp::of(&metadata) != report.stamp {
        return Err(changed());
    }
    let kept = backup.join(&change.kept);
    let copy = copy(&old, &kept)?;
    let (old, metadata) = file::open(path).map_err(unread)?.ok_or_else(changed)?;
    let fresh = create(&change.fresh)?;
    let unwritten = |error| RekeyError::write(&change.fresh, error);
    let mut pass = Pass {
        input: BufReader::with_capacity(BUFFER, old),
        output: BufWriter::with_capacity(BUFFER, fresh),
        path,
        fresh: &change.fresh,
        at: 0,
    };
    for value in report.values.iter().filter(|value| value.fit == Fit::Old) {
        let before = pass.at;
        pass.pass_on(value.offset.saturating_sub(before))?;
        pass.replace(value, keys)?;
        progress.read(pass.at - before);
    }
    let before = pass.at;
    pass.pass_on(u64::MAX)?;
    progress.read(pass.at - before);
    if pass.at != metadata.len() || Stamp::of(&metadata) != report.stamp {
        return Err(changed());
    }
    let fresh = pass
        .output
        .into_inner()
        .map_err(|error| unwritten(error.into_error()))?;
    change.dress.put_on(&fresh).map_err(unwritten)?;
    let stamp = Stamp::of(&fresh.metadata().map_err(unwritten)?);
    let prepared = Prepared {
        copy: (kept, copy),
        fresh: (change.fresh.clone(), fresh),
    };
    Ok((stamp, prepared))
}

/// What is at the place of the file now.
pub(super) fn situation(change: &Change, backup: &Path) -> Result<Situation, RekeyError> {
    let unread = |error| RekeyError::read(&change.path, error);
    let metadata = match fs::symlink_metadata(&change.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Situation::Gone),
        metadata => metadata.map_err(unread)?,
    };
    let stamp = Stamp::of(&metadata);
    if stamp == change.old {
        return Ok(Situation::Old);
    }
    if Some(&stamp) == change.new.as_ref() {
        return Ok(Situation::New);
    }
    let is_kept = metadata.is_file() && is_same(&change.path, &backup.join(&change.kept))?;
    Ok(match is_kept {
        true => Situation::PutBack,
        false => Situation::Edited,
    })
}

/// Lets the successor take the place of its file, unless somebody else changed that. The names are to be flushed.
pub(super) fn replace(change: &Change, backup: &Path) -> Result<Fate, RekeyError> {
    match situation(change, backup)? {
        Situation::New => Ok(Fate::AsMeant),
        Situation::Old => exchange(change),
        Situation::PutBack | Situation::Gone | Situation::Edited => {
            discard(&change.fresh)?;
            Ok(Fate::LeftAlone)
        }
    }
}

/// Puts a file back as it was, unless somebody else changed it. The names are to be flushed.
pub(super) fn put_back(change: &Change, backup: &Path) -> Result<Fate, RekeyError> {
    // A successor that never took its place, or half of a file that was put back before.
    discard(&change.fresh)?;
    match situation(change, backup)? {
        Situation::Old | Situation::PutBack => return Ok(Fate::AsMeant),
        Situation::Edited => return Ok(Fate::LeftAlone),
        Situation::New | Situation::Gone => {}
    }
    let kept = backup.join(&change.kept);
    let (mut old, _) = file::open(&kept)
        .map_err(|error| RekeyError::read(&kept, error))?
        .ok_or_else(|| RekeyError::NoBackup(backup.to_owned()))?;
    let unwritten = |error| RekeyError::write(&change.path, error);
    let mut fresh = create(&change.fresh)?;
    io::copy(&mut old, &mut fresh).map_err(unwritten)?;
    change.dress.put_on(&fresh).map_err(unwritten)?;
    fresh.sync_all().map_err(unwritten)?;
    exchange(change)
}

fn exchange(change: &Change) -> Result<Fate, RekeyError> {
    fs::rename(&change.fresh, &change.path)
        .map_err(|error| RekeyError::write(&change.path, error))?;
    Ok(Fate::AsMeant)
}

fn discard(path: &Path) -> Result<(), RekeyError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(RekeyError::write(path, error))
        }
        _ => Ok(()),
    }
}

/// Whether two files hold the same bytes.
fn is_same(one: &Path, other: &Path) -> Result<bool, RekeyError> {
    let open = |path: &Path| {
        let opened = file::open(path).map_err(|error| RekeyError::read(path, error))?;
        Ok::<_, RekeyError>(opened.map(|(file, metadata)| (BufReader::new(file), metadata.len())))
    };
    let (Some((mut first, length)), Some((mut second, other_length))) = (open(one)?, open(other)?)
    else {
        return Ok(false);
    };
    if length != other_length {
        return Ok(false);
    }
    loop {
        let left = first
            .fill_buf()
            .map_err(|error| RekeyError::read(one, error))?;
        let right = second
            .fill_buf()
            .map_err(|error| RekeyError::read(other, error))?;
        let count = left.len().min(right.len());
        if left.get(..count) != right.get(..count) {
            return Ok(false);
        }
        if count == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        first.consume(count);
        second.consume(count);
    }
}

/// A new name beside the file, in the same directory so that it can take its place.
pub(super) fn fresh_path(path: &Path) -> Result<PathBuf, RekeyError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|_| RekeyError::Random)?;
    let name = format!("{FRESH}{}", HEXLOWER.encode(&random));
    Ok(directory_of(path).join(name))
}

const BUFFER: usize = 256 * 1024;

/// From the old file into its successor.
struct Pass<'p> {
    input: BufReader<File>,
    output: BufWriter<File>,
    path: &'p Path,
    fresh: &'p Path,
    /// How far the old file was read.
    at: u64,
}

impl Pass<'_> {
    /// Copies so many bytes, or as many as there are.
    fn pass_on(&mut self, bytes: u64) -> Result<(), RekeyError> {
        let mut part = (&mut self.input).take(bytes);
        // The bytes were readable just now, so what fails is most likely the writing.
        let copied = io::copy(&mut part, &mut self.output)
            .map_err(|error| RekeyError::write(self.fresh, error))?;
        self.at += copied;
        Ok(())
    }

    /// Writes a value anew in the place of the one that is next. It has as many digits as before.
    fn replace(&mut self, value: &ValueReport, keys: Keys<'_>) -> Result<(), RekeyError> {
        let changed = || RekeyError::Changed(self.path.to_owned());
        let mut digits = vec![0; value.digits];
        self.input.read_exact(&mut digits).map_err(|_| changed())?;
        let opened = parse(&digits).and_then(|value| value.open(keys.old).ok());
        let text: Zeroizing<String> = opened.ok_or_else(changed)?;
        let sealed = GraniteValue::protect(keys.new, &text)
            .map_err(|_| RekeyError::Random)?
            .to_string();
        let inner = sealed.trim_matches(['{', '}']);
        if inner.len() != digits.len() {
            return Err(changed());
        }
        self.output
            .write_all(inner.as_bytes())
            .map_err(|error| RekeyError::write(self.fresh, error))?;
        self.at += digits.len() as u64;
        Ok(())
    }
}

fn copy(mut from: &File, to: &Path) -> Result<File, RekeyError> {
    let mut file = create(to)?;
    io::copy(&mut from, &mut file).map_err(|error| RekeyError::write(to, error))?;
    Ok(file)
}

fn create(path: &Path) -> Result<File, RekeyError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| RekeyError::write(path, error))
}
