//! The key provider `file`: a directory for each ring, a file for each key.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use signet_core::{Key, KeyId, RingName};

use crate::custody::{Custody, Guard};
use crate::disk::{Disk, Os};
use crate::jwk::{self, MAX_KEY_FILE_BYTES};
use crate::{Found, KeyError, KeyFault, KeyProblem, KeyProvider, ProviderName, atomic};

/// Holds each key in the file `<directory>/<ring>/<kid>.jwk`.
#[derive(Debug)]
pub struct FileProvider {
    directory: PathBuf,
    guard: Guard,
    disk: Arc<dyn Disk>,
}

impl FileProvider {
    /// The provider over `directory`, which holds a directory for each ring.
    #[must_use]
    pub fn new(directory: &Path, custody: Custody) -> Self {
        Self::on(directory, Guard::new(custody), Arc::new(Os))
    }

    pub(crate) fn on(directory: &Path, guard: Guard, disk: Arc<dyn Disk>) -> Self {
        Self {
            directory: directory.to_owned(),
            guard,
            disk,
        }
    }

    fn ring(&self, ring: RingName) -> PathBuf {
        self.directory.join(ring.as_str())
    }

    fn path(&self, ring: RingName, id: KeyId) -> PathBuf {
        self.ring(ring).join(format!("{id}.{EXTENSION}"))
    }

    fn read(&self, ring: RingName, path: &Path, stem: Option<&str>) -> Found {
        let id = stem.and_then(|stem| stem.parse().ok());
        let read = || {
            let stem = stem.filter(|_| id.is_some()).ok_or(KeyFault::FileName)?;
            let bytes = self.guard.read_secret(path, MAX_KEY_FILE_BYTES)?;
            Ok::<_, KeyFault>(jwk::parse_key_file(ring, stem, &bytes)?)
        };
        match read() {
            Ok(key) => Found::Readable(key),
            Err(fault) => Found::Unreadable {
                id,
                problem: KeyProblem::new(path, fault),
            },
        }
    }
}

impl KeyProvider for FileProvider {
    fn name(&self) -> ProviderName {
        ProviderName::File
    }

    fn place(&self, ring: RingName) -> PathBuf {
        self.ring(ring)
    }

    fn place_of(&self, ring: RingName, id: KeyId) -> PathBuf {
        self.path(ring, id)
    }

    fn scan(&self, ring: RingName) -> Result<Vec<Found>, KeyProblem> {
        let directory = self.ring(ring);
        self.guard
            .check_directory(&directory)
            .map_err(|fault| KeyProblem::new(&directory, fault))?;
        let unreadable = |error| KeyProblem::new(&directory, KeyFault::Unreadable(Arc::new(error)));
        let mut found = Vec::new();
        for entry in fs::read_dir(&directory).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            if is_key_file(&name) {
                let stem = Path::new(&name).file_stem().and_then(OsStr::to_str);
                found.push(self.read(ring, &directory.join(&name), stem));
            }
        }
        // A file that went away between the listing and the reading is simply not there.
        found.retain(|found| !is_absent(found));
        Ok(found)
    }

    fn prepare(&self) -> Result<(), KeyError> {
        for ring in RingName::ALL {
            let directory = self.ring(ring);
            atomic::create_directory_on(&*self.disk, &directory)?;
            self.guard
                .check_directory(&directory)
                .map_err(|fault| KeyError::unusable(&directory, fault))?;
        }
        Ok(())
    }

    fn write(&self, key: &Key) -> Result<(), KeyError> {
        let path = self.path(key.ring, key.id);
        atomic::write_on(&*self.disk, &path, jwk::encode_key_file(key).as_bytes())?;
        Ok(())
    }

    fn remove(&self, ring: RingName, id: KeyId) -> Result<(), KeyError> {
        atomic::remove_on(&*self.disk, &self.path(ring, id))?;
        Ok(())
    }
}

const EXTENSION: &str = "jwk";

/// Whether a file in a ring's directory claims to be a key. Editors, copying programs and mounts put others there.
pub(crate) fn is_key_file(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(b".jwk")
}

fn is_absent(found: &Found) -> bool {
    matches!(
        found,
        Found::Unreadable {
            problem: KeyProblem {
                fault: KeyFault::Absent,
                ..
            },
            ..
        }
    )
}

#[cfg(test)]
pub(crate) mod tests;
