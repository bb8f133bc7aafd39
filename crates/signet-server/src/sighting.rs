//! Where a key that is missing was last seen: in the other place, under a wrong name, in a backup, in the log of changes.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use signet_audit::Entry;
use signet_bundle::NodeIdentity;
use signet_core::{KeyId, RingName, UnixSeconds};
use signet_keys::{
    Custody, FileProvider, Found, KeyProvider, MAX_KEY_FILE_BYTES, ProviderName, parse_key_file,
};
use signet_repository::RepositoryUrl;

use crate::config::Config;
use crate::data::DataDirectory;
use crate::health::read_at_most;
use crate::moment;
use crate::repository_keys::RepositoryKeys;
use crate::shell::quoted;

/// How many files are looked at, and how deep: somebody may have put anything there.
const MOST_FILES: usize = 10_000;
const MOST_DEPTH: usize = 6;
/// The largest backup or list that is searched, in bytes.
const LARGEST: usize = 8 * 1024 * 1024;

/// One place where a key was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sighting {
    /// It is in the place that `storage` does not name, where nothing reads it.
    OtherPlace(ProviderName),
    /// A file holds it that nothing reads: it lies in another directory, or has another name.
    Misplaced {
        /// Where it lies.
        path: PathBuf,
        /// Where it belongs.
        belongs: PathBuf,
    },
    /// A file has its name and is not the key.
    Namesake(PathBuf),
    /// A backup holds it, or names it.
    Backup(PathBuf),
    /// The log of changes names it.
    Logged {
        /// The number of the line.
        seq: u64,
        /// When that was.
        time: UnixSeconds,
        /// What was done with it.
        action: String,
        /// By whom.
        who: String,
    },
}

impl fmt::Display for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherPlace(provider) => {
                write!(
                    f,
                    "{}, which keys/storage does not name",
                    provider.in_words()
                )
            }
            Self::Misplaced { path, .. } => {
                write!(f, "the file {}, where nothing reads it", path.display())
            }
            Self::Namesake(path) => write!(
                f,
                "the file {}, which has its name and is not a key",
                path.display()
            ),
            Self::Backup(path) => write!(f, "the backup {}", path.display()),
            Self::Logged {
                seq,
                time,
                action,
                who,
            } => {
                write!(
                    f,
                    "line {seq} of the audit log ({action} by {who}, {})",
                    utc(*time)
                )
            }
        }
    }
}

impl Sighting {
    /// What brings the key back from there, if anything does.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::OtherPlace(provider) => Some(format!(
                "`signet keys relocate --to {}` moves it to where keys are looked for",
                provider.other()
            )),
            Self::Misplaced { path, belongs } => {
                Some(format!("`mv {} {}`", quoted(path), quoted(belongs)))
            }
            Self::Backup(path) if is_relocation(path) => Some(
                "`signet keys relocate --undo` brings back what was there before the move"
                    .to_owned(),
            ),
            Self::Backup(path) => Some(format!(
                "`signet restore {} --replace` unites it with what is here",
                quoted(path)
            )),
            Self::Namesake(_) | Self::Logged { .. } => None,
        }
    }
}

/// Where the key `kid` of the `master` or the `hmac` ring was seen, the most useful first.
///
/// Only reads, but waits for disks: not to be called where requests are answered.
#[must_use]
pub fn last_seen(data: &DataDirectory, config: &Config, kid: KeyId) -> Vec<Sighting> {
    let keys = data.path().join("keys");
    let repository = RepositoryUrl::sqlite(&config.repository.url.path).under(data.path());
    let mut sightings = Vec::new();
    let in_files = holds(&FileProvider::new(&keys, Custody::Mounted), kid);
    let in_rows = repository.path().is_file() && holds(&RepositoryKeys::new(repository), kid);
    match crate::health::Storage::read(&keys.join("storage")).provider() {
        Some(ProviderName::Repository) if in_files => {
            sightings.push(Sighting::OtherPlace(ProviderName::File));
        }
        Some(ProviderName::File) | None if in_rows => {
            sightings.push(Sighting::OtherPlace(ProviderName::Repository));
        }
        _ => {}
    }
    sightings.extend(in_wrong_files(&keys, kid));
    sightings.extend(in_backups(data.path(), kid));
    sightings.extend(in_log(data, kid));
    sightings
}

fn holds(provider: &dyn KeyProvider, kid: KeyId) -> bool {
    let found = RingName::ALL
        .into_iter()
        .filter_map(|ring| provider.scan(ring).ok());
    found
        .flatten()
        .any(|found| matches!(found, Found::Readable(key) if key.id == kid))
}

fn in_wrong_files(keys: &Path, kid: KeyId) -> Vec<Sighting> {
    let name = kid.to_string();
    let mut sightings = Vec::new();
    for path in files_below(keys) {
        let Ok(bytes) = read_at_most(&path, MAX_KEY_FILE_BYTES) else {
            continue;
        };
        let ring = RingName::ALL
            .into_iter()
            .find(|ring| parse_key_file(*ring, &name, &bytes).is_ok_and(|key| key.id == kid));
        let is_named = path
            .file_name()
            .is_some_and(|file| file.to_string_lossy().contains(&name));
        match ring {
            Some(ring) => {
                let belongs = keys.join(ring.as_str()).join(format!("{name}.jwk"));
                if path != belongs {
                    sightings.push(Sighting::Misplaced { path, belongs });
                }
            }
            None if is_named => sightings.push(Sighting::Namesake(path)),
            None => {}
        }
    }
    sightings
}

fn in_backups(data: &Path, kid: KeyId) -> Vec<Sighting> {
    let name = kid.to_string();
    let identity = NodeIdentity::open(&data.join("node")).ok().flatten();
    let mut sightings = Vec::new();
    for path in files_below(&data.join("backups")) {
        let in_name = path.to_string_lossy().contains(&name);
        let inside = || {
            let Ok(bytes) = read_at_most(&path, LARGEST) else {
                return false;
            };
            if contains(&bytes, &name) {
                return true;
            }
            // What this instance sealed for itself; anything else stays closed.
            let opened = identity
                .as_ref()
                .and_then(|identity| identity.open_own(&bytes).ok());
            opened.is_some_and(|plain| contains(&plain, &name))
        };
        if in_name || inside() {
            sightings.push(Sighting::Backup(path));
        }
    }
    sightings
}

/// The last line that names the key.
fn in_log(data: &DataDirectory, kid: KeyId) -> Option<Sighting> {
    let name = kid.to_string();
    let names =
        |entry: &Entry| entry.object.contains(&name) || entry.detail.to_string().contains(&name);
    let log = data.audit_log();
    // Reading from a pipe would never end.
    let is_file = fs::metadata(log.path()).is_ok_and(|metadata| metadata.is_file());
    if !is_file {
        return None;
    }
    let entries = log.entries().ok()?;
    let last = entries.map_while(Result::ok).filter(names).last()?;
    Some(Sighting::Logged {
        seq: last.seq,
        time: last.time,
        action: last.action.as_str().to_owned(),
        who: last.who.to_string(),
    })
}

/// The files below a directory, in order of their paths. Links are not followed.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![(directory.to_owned(), 0)];
    while let Some((directory, depth)) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_file() {
                files.push(entry.path());
            } else if kind.is_dir() && depth < MOST_DEPTH {
                open.push((entry.path(), depth + 1));
            }
            if files.len() >= MOST_FILES {
                return files;
            }
        }
    }
    files.sort();
    files
}

fn is_relocation(path: &Path) -> bool {
    let directory = path.parent().unwrap_or(path);
    signet_keys::relocation_backups(directory)
        .iter()
        .any(|backup| backup == path)
}

fn contains(bytes: &[u8], name: &str) -> bool {
    bytes
        .windows(name.len())
        .any(|window| window == name.as_bytes())
}

fn utc(time: UnixSeconds) -> String {
    moment::utc(time).unwrap_or_else(|| format!("{time} seconds after 1970"))
}

#[cfg(test)]
mod tests;
