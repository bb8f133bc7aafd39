//! What belongs to an installation, gathered from its data directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use signet_core::{KeyId, RingName};
use signet_keys::granite::GraniteKeys;
use signet_keys::parse_key_file;
use zeroize::Zeroizing;

use crate::name::{
    AUDIT_HEAD, AUDIT_LOG, CONFIG, FORMAT, GRANITE, INITIALISED, NODE, REVOKED, STORAGE,
};
use crate::opened::CHUNK;
use crate::{BackupError, Entry, EntryName};

/// One thing to be put away.
pub(crate) struct Part {
    pub(crate) entry: Entry,
    pub(crate) content: Content,
}

/// Where the bytes of it are.
pub(crate) enum Content {
    /// Small, and read already.
    Memory(Zeroizing<Vec<u8>>),
    /// In a file, of which the beginning counts that was there when it was looked at.
    File(PathBuf),
}

/// A file that should be in the backup and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// What was gathered.
#[derive(Default)]
pub(crate) struct Collected {
    pub(crate) parts: Vec<Part>,
    pub(crate) left_out: Vec<LeftOut>,
}

impl Collected {
    /// Everything but the keys and the repository.
    pub(crate) fn plain(&mut self, data: &Path) -> Result<(), BackupError> {
        for name in [FORMAT, CONFIG, INITIALISED].into_iter().chain(NODE) {
            self.if_there(data, name, Links::Refuse)?;
        }
        Ok(())
    }

    /// The log of changes as far as it goes now, and the note of its end. To be called under its lock.
    pub(crate) fn audit(&mut self, data: &Path) -> Result<(), BackupError> {
        self.if_there(data, AUDIT_HEAD, Links::Refuse)?;
        let path = data.join(AUDIT_LOG);
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => self.file(AUDIT_LOG, &path),
            _ => Ok(()),
        }
    }

    /// The keys that are files. To be called under the lock of the keys.
    pub(crate) fn keys(&mut self, data: &Path, links: Links) -> Result<(), BackupError> {
        self.if_there(data, STORAGE, links)?;
        self.if_there(data, REVOKED, links)?;
        for ring in RingName::ALL {
            let directory = format!("keys/{ring}");
            for (name, id) in self.key_names(data, &directory)? {
                let check = |bytes: &[u8]| {
                    parse_key_file(ring, &id, bytes)
                        .map(drop)
                        .map_err(|error| error.to_string())
                };
                self.key(data, &name, links, check)?;
            }
        }
        self.granite(data, links)
    }

    fn granite(&mut self, data: &Path, links: Links) -> Result<(), BackupError> {
        let loaded = GraniteKeys::load(&data.join("keys"), links.custody())?;
        for key in &loaded.keys {
            let name = format!("{GRANITE}/{}.jwk", key.id());
            self.key(data, &name, links, |_| Ok(()))?;
        }
        let left_out = loaded.problems.into_iter().map(|problem| LeftOut {
            reason: problem.fault.to_string(),
            path: problem.path,
        });
        self.left_out.extend(left_out);
        Ok(())
    }

    /// The files that claim to be keys, by their names in a backup and their ids.
    fn key_names(
        &mut self,
        data: &Path,
        directory: &str,
    ) -> Result<Vec<(String, String)>, BackupError> {
        let path = data.join(directory);
        let unread = |source| BackupError::Read {
            path: path.clone(),
            source,
        };
        let entries = match path.read_dir() {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unread(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(unread)?.file_name();
            let Some(stem) = file.to_str().and_then(|name| name.strip_suffix(".jwk")) else {
                continue;
            };
            match stem.parse::<KeyId>() {
                Ok(id) if id.to_string() == stem => {
                    names.push((format!("{directory}/{stem}.jwk"), stem.to_owned()));
                }
                _ => self.left_out.push(LeftOut {
                    path: path.join(&file),
                    reason: "its name is not the id of a key".to_owned(),
                }),
            }
        }
        names.sort();
        Ok(names)
    }

    /// A key that can be read. One that cannot is no use in a backup, either, and must not hinder the rest.
    fn key(
        &mut self,
        data: &Path,
        name: &str,
        links: Links,
        check: impl FnOnce(&[u8]) -> Result<(), String>,
    ) -> Result<(), BackupError> {
        let path = data.join(name);
        let entry_name = named(name, &path)?;
        let checked = match read(&path, entry_name.limit(), links) {
            Ok(Some(bytes)) => check(&bytes).map(|()| bytes),
            Ok(None) => return Ok(()),
            Err(error) => Err(error.to_string()),
        };
        match checked {
            Ok(bytes) => self.memory(entry_name, bytes),
            Err(reason) => self.left_out.push(LeftOut { path, reason }),
        }
        Ok(())
    }

    fn if_there(&mut self, data: &Path, name: &str, links: Links) -> Result<(), BackupError> {
        let path = data.join(name);
        let name = named(name, &path)?;
        match read(&path, name.limit(), links) {
            Ok(Some(bytes)) => self.memory(name, bytes),
            Ok(None) => {}
            Err(source) => return Err(BackupError::Read { path, source }),
        }
        Ok(())
    }

    fn memory(&mut self, name: EntryName, bytes: Zeroizing<Vec<u8>>) {
        let entry = Entry {
            name,
            size: bytes.len() as u64,
            sha256: Sha256::digest(&*bytes).into(),
        };
        let content = Content::Memory(bytes);
        self.parts.push(Part { entry, content });
    }

    /// A file that is too large to be held. Its digest is taken now, and it is read again later.
    pub(crate) fn file(&mut self, name: &str, path: &Path) -> Result<(), BackupError> {
        let failed = |source| BackupError::Read {
            path: path.to_owned(),
            source,
        };
        let mut file = open(path, Links::Refuse).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let mut digest = Sha256::new();
        let mut buffer = Zeroizing::new(vec![0; CHUNK]);
        let mut left = size;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let room = buffer.get_mut(..most).unwrap_or_default();
            let count = file.read(room).map_err(failed)?;
            if count == 0 {
                return Err(BackupError::Changed(path.to_owned()));
            }
            digest.update(room.get(..count).unwrap_or_default());
            left = left.saturating_sub(count as u64);
        }
        let entry = Entry {
            name: named(name, path)?,
            size,
            sha256: digest.finalize().into(),
        };
        let content = Content::File(path.to_owned());
        self.parts.push(Part { entry, content });
        Ok(())
    }
}

/// Whether symbolic links are followed: they are how a secret is mounted, and no part of an installation otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Follow,
    Refuse,
}

impl Links {
    fn custody(self) -> signet_keys::Custody {
        match self {
            Self::Follow => signet_keys::Custody::Mounted,
            Self::Refuse => signet_keys::Custody::Private,
        }
    }
}

pub(crate) fn open(path: &Path, links: Links) -> io::Result<File> {
    // A pipe would otherwise keep whoever opens it waiting.
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no regular file",
        )),
    }
}

/// The whole of a small file; `None` if there is none.
fn read(path: &Path, limit: u64, links: Links) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let file = match open(path, links) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    // Room for all of it at once, so that no copy is left behind by growing.
    let room = usize::try_from(length.min(limit)).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room.saturating_add(64)));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {limit} bytes"),
        )),
        false => Ok(Some(bytes)),
    }
}

fn named(name: &str, path: &Path) -> Result<EntryName, BackupError> {
    name.parse().map_err(|error| BackupError::Read {
        path: path.to_owned(),
        source: io::Error::other(error),
    })
}
