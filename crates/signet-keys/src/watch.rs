//! Noticing that somebody changed a directory of keys: a copied file, an overwritten one, a swapped mount.

use std::collections::BTreeMap;
use std::fs::{self, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use signet_core::RingName;
use zeroize::Zeroizing;

use crate::custody::Guard;
use crate::file::is_key_file;
use crate::jwk::MAX_KEY_FILE_BYTES;
use crate::lock::Lock;
use crate::relocation::JOURNAL;
use crate::store::{LOCK, REVOKED, STORAGE};
use crate::{KeyProvider, ProviderName};

/// Notices changes of a directory of keys. Looking costs a few system calls, so it can be done every two seconds.
///
/// A file whose size, times and inode are as before is not read again, unless it changed so recently that another
/// change could have left the same times.
#[derive(Debug)]
pub struct KeyWatch {
    directory: PathBuf,
    seen: BTreeMap<PathBuf, Sight>,
    repository: Option<(Arc<dyn KeyProvider>, Guard)>,
    stamp: Option<u64>,
    is_moving: bool,
}

impl KeyWatch {
    /// Starts from what the directory holds now.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        let mut watch = Self {
            directory: directory.to_owned(),
            seen: BTreeMap::new(),
            repository: None,
            stamp: None,
            is_moving: false,
        };
        watch.poll();
        watch
    }

    /// Looks at the keys of `repository`, too, while `storage` names it.
    pub(crate) fn and(mut self, repository: Arc<dyn KeyProvider>, guard: Guard) -> Self {
        self.repository = Some((repository, guard));
        self.stamp = self.stamp_now();
        self
    }

    /// Whether something that matters to [`KeyStore::load`](crate::KeyStore::load) changed since this was last asked.
    ///
    /// A file that was merely touched did not change.
    pub fn poll(&mut self) -> bool {
        self.poll_at(Instant::now())
    }

    fn poll_at(&mut self, now: Instant) -> bool {
        let seen: BTreeMap<_, _> = self
            .paths()
            .into_iter()
            .filter_map(|path| {
                let sight = Sight::of(&path, self.seen.get(&path), now)?;
                Some((path, sight))
            })
            .collect();
        let faces = |seen: &BTreeMap<PathBuf, Sight>| -> Vec<_> {
            seen.iter()
                .map(|(path, sight)| (path.clone(), sight.face))
                .collect()
        };
        // Whoever moves the keys may die of it, which changes no file, but what is to be said about them.
        let journal = self.directory.join(JOURNAL);
        let is_moving = journal.exists() && Lock::is_held(&self.directory.join(LOCK));
        let stamp = self.stamp_now();
        let changed =
            faces(&seen) != faces(&self.seen) || is_moving != self.is_moving || stamp != self.stamp;
        self.seen = seen;
        self.is_moving = is_moving;
        self.stamp = stamp;
        changed
    }

    /// Nothing while `storage` names the files: to ask would keep a database open for keys that are not in use, and the next
    /// load finds them all the same.
    fn stamp_now(&self) -> Option<u64> {
        let (repository, guard) = self.repository.as_ref()?;
        match ProviderName::read(&self.directory.join(STORAGE), *guard) {
            Ok(name) if name == repository.name() => repository.stamp(),
            _ => None,
        }
    }

    fn paths(&self) -> Vec<PathBuf> {
        let mut paths = vec![
            self.directory.clone(),
            self.directory.join(STORAGE),
            self.directory.join(REVOKED),
            self.directory.join(JOURNAL),
        ];
        for ring in RingName::ALL {
            let directory = self.directory.join(ring.as_str());
            // A directory that cannot be listed shows in its own face.
            let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name());
            paths.extend(names.filter(|n| is_key_file(n)).map(|n| directory.join(n)));
            paths.push(directory);
        }
        paths
    }
}

/// How long the times of a file may stand still although it changes: two seconds on the coarsest file systems.
const GRAIN: Duration = Duration::from_secs(3);

#[derive(Debug)]
struct Sight {
    stamp: Stamp,
    face: Face,
    /// When the file was first seen with this stamp.
    since: Instant,
    /// Whether it was read when its stamp was old enough to change with the next write.
    settled: bool,
}

/// What changes whenever a file is written, apart from writes in quick succession.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// What matters about a file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Face {
    mode: u32,
    owner: u32,
    is_link: bool,
    content: Option<[u8; 32]>,
}

impl Sight {
    fn of(path: &Path, before: Option<&Self>, now: Instant) -> Option<Self> {
        let is_link = fs::symlink_metadata(path).ok()?.is_symlink();
        // A link to nowhere has a face too, but no content.
        let metadata = fs::metadata(path)
            .or_else(|_| fs::symlink_metadata(path))
            .ok()?;
        let stamp = Stamp::of(&metadata);
        let before = before.filter(|before| before.stamp == stamp);
        let since = before.map_or(now, |before| before.since);
        let settled = before.is_some_and(|before| before.settled);
        let content = match before {
            Some(before) if settled => before.face.content,
            _ => digest(path, &metadata),
        };
        Some(Self {
            stamp,
            face: Face {
                mode: metadata.mode(),
                owner: metadata.uid(),
                is_link,
                content,
            },
            since,
            settled: settled || now.duration_since(since) >= GRAIN,
        })
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// A digest of what a file holds, as far as a key file may reach; `None` for what is no file or cannot be read.
fn digest(path: &Path, metadata: &Metadata) -> Option<[u8; 32]> {
    if !metadata.is_file() {
        return None;
    }
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
        .open(path)
        .ok()?;
    let mut reader = file.take(LIMIT);
    let mut buffer = Zeroizing::new([0; 4096]);
    let mut digest = Sha256::new();
    loop {
        match reader.read(&mut *buffer).ok()? {
            0 => return Some(digest.finalize().into()),
            length => digest.update(buffer.get(..length)?),
        }
    }
}

/// Reaches beyond every key file, and over a list of revoked keys of the largest size that is read.
const LIMIT: u64 = 64 * (MAX_KEY_FILE_BYTES as u64) + 1;

#[cfg(test)]
mod tests;
