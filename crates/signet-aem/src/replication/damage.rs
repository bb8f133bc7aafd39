//! What a new master breaks: protected strings in files that it does not open.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use signet_keys::granite::GraniteKey;

use super::ReplicationError;
use crate::content::Files;
use crate::rekey::Progress;
use crate::scan::{Scanner, Sighting};
use crate::{file, rekey};

/// What a new master breaks on one installation.
///
/// What is sealed in the repository is not seen from here: the keystores of users, the truststore, and the passwords of
/// replication agents and of mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Damage {
    /// Whether values were tried.
    pub trial: Trial,
    /// The files with values that will not open.
    pub files: Vec<DamagedFile>,
    /// How many values will not open.
    pub values: usize,
    /// How many values open with neither master, so that nothing is lost.
    pub foreign: usize,
    /// How many files were read.
    pub read: usize,
}

/// Whether it could be found out what opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Trial {
    /// Both masters are raw.
    Tried,
    /// The new one is raw, and the old one is obfuscated or not there: what the new one does not open counts as lost.
    NewOnly,
    /// The new one is obfuscated, so that every value counts as lost.
    NotTried,
}

/// A file with values that will not open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DamagedFile {
    /// The file.
    pub path: PathBuf,
    /// The lines that the values are in.
    pub lines: Vec<u64>,
}

/// What becomes of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Opens,
    Lost,
    Foreign,
}

impl Damage {
    /// Reads what is at or below `paths`.
    pub(super) fn assess(
        paths: &[PathBuf],
        old: Option<&GraniteKey>,
        new: Option<&GraniteKey>,
        progress: &mut dyn Progress,
    ) -> Result<Self, ReplicationError> {
        let trial = match (old, new) {
            (Some(_), Some(_)) => Trial::Tried,
            (None, Some(_)) => Trial::NewOnly,
            (_, None) => Trial::NotTried,
        };
        let mut damage = Self {
            trial,
            files: Vec::new(),
            values: 0,
            foreign: 0,
            read: 0,
        };
        let unread = |(path, error): (PathBuf, _)| ReplicationError::read(&path, error);
        let mut scanner = Scanner::new();
        for path in Files::below(paths).map_err(unread)? {
            let path = path.map_err(unread)?;
            let unread = |error| ReplicationError::read(&path, error);
            // One that went away since it was listed has no values.
            let Some((content, _)) = file::open(&path).map_err(unread)? else {
                continue;
            };
            damage.read += 1;
            let mut lines = Vec::new();
            let scanned = scanner.scan::<std::io::Error>(
                &content,
                |bytes| progress.read(bytes),
                |sighting| {
                    match fate(&sighting, old, new) {
                        Fate::Opens => {}
                        Fate::Lost => lines.push(sighting.line),
                        Fate::Foreign => damage.foreign += 1,
                    }
                    Ok(())
                },
            );
            scanned.map_err(unread)?;
            if !lines.is_empty() {
                damage.values += lines.len();
                damage.files.push(DamagedFile { path, lines });
            }
        }
        Ok(damage)
    }
}

/// The format has no seal: one wrong key in some hundred opens a value, too. The old key is asked first, so that a loss is
/// never overlooked.
fn fate(sighting: &Sighting, old: Option<&GraniteKey>, new: Option<&GraniteKey>) -> Fate {
    let Some(value) = rekey::parse(&sighting.digits) else {
        return Fate::Foreign;
    };
    let Some(new) = new else {
        return Fate::Lost;
    };
    if old.is_some_and(|old| value.open(old).is_ok()) {
        return Fate::Lost;
    }
    match (value.open(new), old) {
        (Ok(_), _) => Fate::Opens,
        (Err(_), Some(_)) => Fate::Foreign,
        (Err(_), None) => Fate::Lost,
    }
}

/// The configurations that belong to an installation: those of the framework, and those that are installed at a start.
pub(super) fn configurations(cache: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    // A link may lead anywhere; the framework makes none.
    let is_directory =
        |path: &Path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    for bundle in fs::read_dir(cache).into_iter().flatten().flatten() {
        if !bundle.file_name().as_encoded_bytes().starts_with(b"bundle") {
            continue;
        }
        let data = bundle.path().join("data");
        let config = data.join("config");
        if is_directory(&bundle.path()) && is_directory(&data) && is_directory(&config) {
            places.push(config);
        }
    }
    for place in ["install", "launchpad/config", "launcher/config"] {
        let path = home(cache).join(place);
        if is_directory(&path) {
            places.push(path);
        }
    }
    places.sort();
    places
}

/// The folder that is `crx-quickstart` on AEM: that of the directory of bundles without the launcher's part.
fn home(cache: &Path) -> &Path {
    let above = cache.parent().unwrap_or(cache);
    match above.file_name().and_then(|name| name.to_str()) {
        Some("launchpad" | "launcher") => above.parent().unwrap_or(above),
        _ => above,
    }
}
