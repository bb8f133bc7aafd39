//! The keys in both places that can hold them, read and not changed, whatever `storage` says.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use signet_core::{Key, KeyId, KeyState, RingName};
use signet_keys::{FileProvider, Found, KeyFault, KeyProblem, KeyProvider, ProviderName};
use signet_repository::RepositoryUrl;

use super::read_at_most;
use crate::chain;
use crate::config::Custody;
use crate::repository_keys::RepositoryKeys;

/// What holds more than this is no list of revoked keys.
const REVOKED_MOST: usize = 1024 * 1024;
/// "repository" between a byte order mark and a line end, and room to see that it is something else.
const STORAGE_MOST: usize = 64;

/// The keys in both places.
#[derive(Debug, Default)]
pub(crate) struct KeyPlaces {
    /// What `storage` says.
    pub(crate) storage: Storage,
    /// The files.
    pub(crate) files: KeyPlace,
    /// The rows of the repository.
    pub(crate) rows: KeyPlace,
    /// Why the list of keys that stay revoked cannot be read.
    pub(crate) revoked_fault: Option<RevokedFault>,
}

/// What `storage` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Storage {
    /// Nothing: it is not there, which means `file`.
    #[default]
    Absent,
    /// The name of a provider, and nothing else.
    Exact(ProviderName),
    /// The name of a provider with a line end or a byte order mark.
    Tolerated(ProviderName),
    /// Something else.
    Garbage,
    /// Nobody knows.
    Unreadable(String),
}

/// Why nobody knows which keys stay revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RevokedFault {
    /// The list cannot be read.
    Unreadable(String),
    /// The line with this number is none of it.
    Line(usize),
}

/// The keys in one place.
#[derive(Debug, Default)]
pub(crate) struct KeyPlace {
    /// Those that can be used.
    pub(crate) keys: Vec<Key>,
    /// What is wrong with the others, or with the place.
    pub(crate) problems: Vec<KeyProblem>,
    /// Why nobody knows what is in it, if that is so.
    pub(crate) unknown: Option<String>,
}

impl Storage {
    /// The provider in use, where there is one.
    pub(crate) fn provider(&self) -> Option<ProviderName> {
        match self {
            Self::Absent => Some(ProviderName::File),
            Self::Exact(name) | Self::Tolerated(name) => Some(*name),
            Self::Garbage | Self::Unreadable(_) => None,
        }
    }

    /// What the file at `path` says.
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = match read_at_most(path, STORAGE_MOST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::Absent,
            Err(error) => return Self::Unreadable(error.to_string()),
        };
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        for name in [ProviderName::File, ProviderName::Repository] {
            if bytes.as_slice() == name.as_str().as_bytes() {
                return Self::Exact(name);
            }
            if text == name.as_str().as_bytes() {
                return Self::Tolerated(name);
            }
        }
        Self::Garbage
    }
}

impl KeyPlaces {
    /// Reads what is in the directory of the keys, and in the repository; or why that cannot be read.
    pub(crate) fn look(
        directory: &Path,
        custody: Custody,
        repository: Result<PathBuf, String>,
    ) -> Self {
        let mut places = Self {
            storage: Storage::read(&directory.join("storage")),
            files: read(&FileProvider::new(directory, custody.into())),
            rows: match repository {
                Ok(path) => read_rows(&path),
                Err(why) => KeyPlace::unknown(why),
            },
            revoked_fault: None,
        };
        match revoked(&directory.join("revoked")) {
            Ok(revoked) => {
                let all = places.files.keys.iter_mut().chain(&mut places.rows.keys);
                for key in all.filter(|key| revoked.contains(&key.id)) {
                    key.state = KeyState::Revoked;
                }
            }
            Err(why) => places.revoked_fault = Some(why),
        }
        places
    }

    /// One of the places.
    pub(crate) fn place(&self, provider: ProviderName) -> &KeyPlace {
        match provider {
            ProviderName::Repository => &self.rows,
            _ => &self.files,
        }
    }

    /// The provider in use, its keys, and those in the other place.
    pub(crate) fn in_use(&self) -> Option<(ProviderName, &KeyPlace, &KeyPlace)> {
        let used = self.storage.provider()?;
        Some((used, self.place(used), self.place(used.other())))
    }

    /// Every key, wherever it is.
    pub(crate) fn all(&self) -> BTreeMap<KeyId, &Key> {
        let all = self.rows.keys.iter().chain(&self.files.keys);
        all.map(|key| (key.id, key)).collect()
    }
}

impl KeyPlace {
    fn take(&mut self, found: Found) {
        match found {
            Found::Readable(key) => self.keys.push(key),
            Found::Unreadable { problem, .. } => self.problems.push(problem),
            _ => {}
        }
    }

    /// The keys of a ring.
    pub(crate) fn of(&self, ring: RingName) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |key| key.ring == ring)
    }

    /// The key that makes tokens or seals: of several active ones the newest.
    pub(crate) fn maker(&self, ring: RingName) -> Option<&Key> {
        self.of(ring)
            .filter(|key| key.state == KeyState::Active)
            .max_by_key(|key| (key.created, key.id))
    }

    /// Whether it is known to hold nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.unknown.is_none() && !self.has_any()
    }

    /// Whether it is known to hold something.
    pub(crate) fn has_any(&self) -> bool {
        !self.keys.is_empty() || !self.problems.is_empty()
    }

    fn unknown(why: String) -> Self {
        Self {
            unknown: Some(why),
            ..Self::default()
        }
    }
}

/// The repository may be gone or refused now though it was opened before; that says nothing about what is in it.
fn read_rows(path: &Path) -> KeyPlace {
    let mut place = KeyPlace::default();
    let provider = RepositoryKeys::new(RepositoryUrl::sqlite(path));
    for ring in RingName::ALL {
        match provider.scan(ring) {
            Ok(found) => found.into_iter().for_each(|found| place.take(found)),
            Err(problem) => return KeyPlace::unknown(unread(&problem.fault)),
        }
    }
    place
}

fn unread(fault: &KeyFault) -> String {
    match fault {
        KeyFault::Absent => "there is no repository".to_owned(),
        KeyFault::Provider { source, .. } => chain(source.as_ref()),
        fault => fault.to_string(),
    }
}

fn read(provider: &dyn KeyProvider) -> KeyPlace {
    let mut place = KeyPlace::default();
    for ring in RingName::ALL {
        match provider.scan(ring) {
            Ok(found) => found.into_iter().for_each(|found| place.take(found)),
            // A ring that was never made holds no keys.
            Err(problem) if matches!(problem.fault, KeyFault::Absent) => {}
            Err(problem) => place.problems.push(problem),
        }
    }
    place
}

/// One line a key: ring and id. What is said here is only read, so a bad line does not hide the others.
fn revoked(path: &Path) -> Result<BTreeSet<KeyId>, RevokedFault> {
    let bytes = match read_at_most(path, REVOKED_MOST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(RevokedFault::Unreadable(error.to_string())),
    };
    let mut revoked = BTreeSet::new();
    for (number, line) in (1..).zip(String::from_utf8_lossy(&bytes).lines()) {
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        let entry = line.split_once(' ').and_then(|(ring, id)| {
            let _: RingName = ring.parse().ok()?;
            id.trim().parse().ok()
        });
        match entry {
            Some(id) => revoked.insert(id),
            None => return Err(RevokedFault::Line(number)),
        };
    }
    Ok(revoked)
}
