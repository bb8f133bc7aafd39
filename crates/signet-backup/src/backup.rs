//! Making a backup while the instance runs.

mod target;

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use getrandom::fill;
use sha2::{Digest as _, Sha256};
use signet_bundle::{NodeIdentity, NodeName};
use signet_core::{RingName, UnixSeconds};
use signet_keys::Lock;
use signet_repository::IfMissing;
use signet_server::config::Custody;
use signet_server::{Config, DataDirectory};
use zeroize::Zeroizing;

use crate::collect::{Collected, Content, LeftOut, Links, Part};
use crate::name::REPOSITORY;
use crate::opened::{CHUNK, MAGIC, PURPOSE};
use crate::seal::{self, Seal};
use crate::{BackupError, Entry, Manifest};
use target::Target;

/// How a backup is made.
#[derive(Debug)]
pub struct BackupOptions {
    /// For whom it is sealed.
    pub seal: Seal,
    /// What the instance calls itself in it.
    pub name: NodeName,
    /// The version of the program that makes it.
    pub program: &'static str,
    /// The present.
    pub now: UnixSeconds,
}

/// A backup that was made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Backup {
    /// What is in it.
    pub manifest: Manifest,
    /// What should be in it and is not, because it is damaged.
    pub left_out: Vec<LeftOut>,
    /// What lies in the data directory and belongs to no installation, such as certificates: not in the backup.
    pub strange: Vec<PathBuf>,
    /// The size of the file.
    pub size: u64,
}

/// Puts the whole installation in `data` away into the new file at `path`, whether or not an instance runs on it.
///
/// It is of one moment: no key changes between the copy of the repository and the reading of the keys, so every value in
/// the copy opens with the keys that are in the backup. `progress` is told how many bytes of how many are done.
///
/// # Errors
/// There is something at `path`, something cannot be read, or the backup not be written. No file is left at `path` then.
pub async fn back_up(
    data: &DataDirectory,
    config: &Config,
    path: &Path,
    options: &BackupOptions,
    mut progress: impl FnMut(u64, u64),
) -> Result<Backup, BackupError> {
    if matches!(&options.seal, Seal::Recipients(recipients) if recipients.is_empty()) {
        return Err(BackupError::Nobody);
    }
    let target = Target::new(path, data.path())?;
    let identity = NodeIdentity::open_or_create(&data.node_directory())?;
    let copy = Copy::new(data.path())?;
    let (collected, farm) = collect(data, config, &copy).await?;

    let entries: Vec<Entry> = collected
        .parts
        .iter()
        .map(|part| part.entry.clone())
        .collect();
    let node = identity.card(&options.name);
    let manifest = Manifest::new(options.program, options.now, farm, node, entries);
    let list = manifest.encode();
    let total = manifest.bytes();
    let write = |source| BackupError::Write {
        path: path.to_owned(),
        source,
    };

    let mut sealed = seal::seal(&options.seal, target.file().map_err(write)?).map_err(write)?;
    let length = u32::try_from(list.len()).map_err(|error| write(io::Error::other(error)))?;
    let signature = identity.sign(PURPOSE, &list);
    for bytes in [MAGIC.as_bytes(), &length.to_be_bytes(), &list, &signature.0] {
        sealed.write_all(bytes).map_err(write)?;
    }
    let mut done = 0;
    for part in &collected.parts {
        put(part, |bytes| {
            sealed.write_all(bytes).map_err(write)?;
            done += bytes.len() as u64;
            progress(done, total);
            Ok(())
        })?;
    }
    seal::finish(sealed).map_err(write)?;
    let size = target.complete()?;
    Ok(Backup {
        manifest,
        left_out: collected.left_out,
        strange: strange(data.path(), config),
        size,
    })
}

/// Gathers everything under the lock of the keys, so that none is made, changed or removed meanwhile.
async fn collect(
    data: &DataDirectory,
    config: &Config,
    copy: &Copy,
) -> Result<(Collected, Option<signet_core::Issuer>), BackupError> {
    let keys = data.key_store(config)?;
    // Before the lock, because loading may write, and would wait for it.
    let loaded = keys.load(None)?;
    let links = match config.keys.custody {
        Custody::Mounted => Links::Follow,
        Custody::Private => Links::Refuse,
    };
    // Nothing here changes what is mounted.
    let lock = match links {
        Links::Follow => None,
        Links::Refuse => Some(lock(&keys.directory().join(".lock"))?),
    };
    let repository = data.repository(config, IfMissing::Refuse).await?;
    // Tells what goes on from this backup, should it be put back one day.
    let copied = match repository.note_moment().await {
        Ok(()) => repository.copy_to(&copy.path).await,
        Err(error) => Err(error),
    };
    repository.close().await;
    copied?;

    let mut collected = Collected::default();
    collected.plain(data.path())?;
    collected.keys(data.path(), links)?;
    let maker = RingName::ALL
        .into_iter()
        .find_map(|ring| loaded.maker(ring));
    let farm = maker.or(loaded.keys.first()).map(|key| key.farm.clone());
    drop(lock);

    let audit = lock_if_there(&data.path().join("audit.lock"))?;
    collected.audit(data.path())?;
    drop(audit);
    collected.file(REPOSITORY, &copy.path)?;
    Ok((collected, farm))
}

fn lock(path: &Path) -> Result<Lock, BackupError> {
    Lock::acquire(path).map_err(|source| BackupError::Read {
        path: path.to_owned(),
        source,
    })
}

/// A log that was never written to has no lock, either.
fn lock_if_there(path: &Path) -> Result<Option<Lock>, BackupError> {
    path.exists().then(|| lock(path)).transpose()
}

/// Hands over the bytes of a part, which must be those that were gathered.
fn put(
    part: &Part,
    mut take: impl FnMut(&[u8]) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let path = match &part.content {
        Content::Memory(bytes) => return take(bytes),
        Content::File(path) => path,
    };
    let failed = |source| BackupError::Read {
        path: path.clone(),
        source,
    };
    let file = crate::collect::open(path, Links::Refuse).map_err(failed)?;
    let mut file = file.take(part.entry.size);
    let mut digest = Sha256::new();
    let mut buffer = Zeroizing::new(vec![0; CHUNK]);
    loop {
        let count = file.read(&mut buffer).map_err(failed)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        digest.update(bytes);
        take(bytes)?;
    }
    match digest.finalize().as_slice() == part.entry.sha256 {
        true => Ok(()),
        false => Err(BackupError::Changed(path.clone())),
    }
}

/// The copy of the repository while it is needed, in the data directory, where nothing is readable for others.
#[derive(Debug)]
struct Copy {
    path: PathBuf,
    /// Tells whoever sweeps that somebody still needs the copy.
    _lock: Lock,
    lock_path: PathBuf,
}

const COPY: &str = ".backup-";

impl Copy {
    /// Names the copy, and removes those that were left behind.
    fn new(data: &Path) -> Result<Self, BackupError> {
        sweep(data);
        let mut random = [0; 8];
        let lock_path = |name: &str| data.join(format!("{COPY}{name}.lock"));
        let failed = |source| BackupError::Write {
            path: data.to_owned(),
            source,
        };
        fill(&mut random).map_err(|error| failed(io::Error::other(error)))?;
        let name = data_encoding::HEXLOWER.encode(&random);
        let lock_path = lock_path(&name);
        let lock = Lock::acquire(&lock_path).map_err(failed)?;
        Ok(Self {
            path: data.join(format!("{COPY}{name}.db")),
            _lock: lock,
            lock_path,
        })
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // If this fails, the next backup removes them.
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

/// Removes the copies that crashed backups left in the data directory.
fn sweep(data: &Path) {
    for entry in data.read_dir().into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(COPY)) else {
            continue;
        };
        let stem = rest.split('.').next().unwrap_or_default();
        let lock_path = data.join(format!("{COPY}{stem}.lock"));
        if let Ok(Some(_lock)) = Lock::try_acquire(&lock_path) {
            let _ = std::fs::remove_file(entry.path());
            let _ = std::fs::remove_file(&lock_path);
        }
    }
}

/// What lies in the data directory and is in no backup, by its own names.
fn strange(data: &Path, config: &Config) -> Vec<PathBuf> {
    const KNOWN: [&str; 12] = [
        "format",
        "signet.toml",
        "initialised",
        "keys",
        "node",
        "run",
        "audit.log",
        "audit.head",
        "audit.lock",
        // What has begun and is not recorded: of no use once its processes are gone.
        "audit.pending",
        "first-password",
        // Made by moving the keys, to be removed when all is well.
        "backups",
    ];
    let repository = config.repository.url.path.to_string_lossy().into_owned();
    let first = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
    let is_known = |name: &str| {
        KNOWN.contains(&name)
            || name.starts_with(".tmp")
            || name.starts_with(COPY)
            || name == first(&repository)
            || (!repository.contains('/')
                && name
                    .strip_prefix(&repository)
                    .is_some_and(|rest| matches!(rest, "-wal" | "-shm" | "-journal")))
    };
    let mut strange: Vec<PathBuf> = data
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name())
        .filter(|name| !name.to_str().is_some_and(is_known))
        .map(PathBuf::from)
        .collect();
    strange.sort();
    strange
}

#[cfg(test)]
mod tests;
