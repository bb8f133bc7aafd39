//! One file at a time: its copy, its successor, the exchange, and the way back.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::journal::{Change, sync_directory};
use super::plan::{FileReport, Fit, Stamp, ValueReport, parse};
use super::{Keys, Progress, RekeyError};
use crate::file;

use signet_secret::GraniteValue;

/// Writes the successor of a file beside it, and a copy of the file into the backup.
pub(super) fn prepare(
    report: &FileReport,
    change: &Change,
    keys: Keys<'_>,
    backup: &Path,
    progress: &mut dyn Progress,
) -> Result<(), RekeyError> {
    let path = &report.path;
    let unread = |error| RekeyError::read(path, error);
    let changed = || RekeyError::Changed(path.clone());
    let (old, metadata) = file::open(path).map_err(unread)?.ok_or_else(changed)?;
    if Stamp::of(&metadata) != report.stamp {
        return Err(changed());
    }
    copy(&old, &backup.join(&change.kept))?;
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
    dress(&fresh, &metadata).map_err(unwritten)?;
    fresh.sync_all().map_err(unwritten)?;
    sync_directory(directory_of(&change.fresh))
}

/// Lets the successor take the place of its file; it may have done so before.
pub(super) fn replace(change: &Change) -> Result<(), RekeyError> {
    match fs::rename(&change.fresh, &change.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        renamed => renamed.map_err(|error| RekeyError::write(&change.path, error))?,
    }
    sync_directory(directory_of(&change.path))
}

/// Puts a file back as it was, with the owner and the mode that it has now.
pub(super) fn put_back(change: &Change, backup: &Path) -> Result<(), RekeyError> {
    let kept = backup.join(&change.kept);
    let unread = |error| RekeyError::read(&kept, error);
    let (mut old, _) = file::open(&kept)
        .map_err(unread)?
        .ok_or_else(|| RekeyError::NoBackup(backup.to_owned()))?;
    // A successor that never took its place is written over, and then does.
    match fs::remove_file(&change.fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(RekeyError::write(&change.fresh, error));
        }
        _ => {}
    }
    let unwritten = |error| RekeyError::write(&change.path, error);
    let mut fresh = create(&change.fresh)?;
    io::copy(&mut old, &mut fresh).map_err(unwritten)?;
    let present = fs::metadata(&change.path).map_err(unwritten)?;
    dress(&fresh, &present).map_err(unwritten)?;
    fresh.sync_all().map_err(unwritten)?;
    replace(change)
}

/// A new name beside the file, in the same directory so that it can take its place.
pub(super) fn fresh_path(path: &Path) -> Result<PathBuf, RekeyError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|_| RekeyError::Random)?;
    let name = format!(".signet-rekey-{}", HEXLOWER.encode(&random));
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

fn copy(mut from: &File, to: &Path) -> Result<(), RekeyError> {
    let mut file = create(to)?;
    io::copy(&mut from, &mut file)
        .and_then(|_| file.sync_all())
        .map_err(|error| RekeyError::write(to, error))
}

fn create(path: &Path) -> Result<File, RekeyError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| RekeyError::write(path, error))
}

/// Gives a new file owner and mode of the one that it succeeds.
fn dress(file: &File, metadata: &fs::Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (metadata.uid(), metadata.gid()) {
        fchown(file, Some(metadata.uid()), Some(metadata.gid()))?;
    }
    // After the owner: changing that takes some bits away.
    file.set_permissions(Permissions::from_mode(metadata.mode() & 0o7777))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
