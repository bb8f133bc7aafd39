//! Everything that is going to change, kept before anything is.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use signet_keys::{KeyFault, private};
use zeroize::Zeroizing;

use super::journal::{self, Before, Journal, Kept, Moved, Stage};
use super::site;
use super::source::Fetched;
use super::step::{Aide, Step, StepReport};
use super::{Relocation, RelocationError, SIGNATURE, Standing};
use crate::backup;
use crate::dress::Dress;
use crate::key_file::MAX_KEY_BYTES;
use crate::{Digests, KeyBytes, KeyName, file};

/// A file of the installation that a move of the keys changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Storage,
    Key(KeyName),
}

impl Part {
    /// In the order in which they are written: what makes the keys count comes last.
    pub(super) const ALL: [Self; 3] = [
        Self::Key(KeyName::Hmac),
        Self::Key(KeyName::Master),
        Self::Storage,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Key(name) => name.as_str(),
        }
    }

    /// The name of its old state in the backup.
    pub(super) fn kept_name(self) -> String {
        format!("{}.before", self.name())
    }
}

impl Before {
    pub(super) const fn part(&self, part: Part) -> Option<&Kept> {
        match part {
            Part::Storage => self.storage.as_ref(),
            Part::Key(KeyName::Hmac) => self.hmac.as_ref(),
            Part::Key(KeyName::Master) => self.master.as_ref(),
        }
    }
}

impl Relocation {
    /// Copies the keys, and every file that is going to change, into the backup. AEM may run meanwhile.
    ///
    /// # Errors
    ///
    /// The installation works with other keys, the files that are going to be written could not be, or the backup cannot be made.
    pub fn keep(&mut self, fetched: &Fetched, aide: &mut dyn Aide) -> Result<(), RelocationError> {
        self.keep_and_note(fetched, |journal| journal.stage = Stage::Kept, aide)
    }

    /// The same, with what is noted when the backup is complete: at once, so that whoever comes after a crash finds that or a
    /// backup that was only begun.
    pub(super) fn keep_and_note(
        &mut self,
        fetched: &Fetched,
        complete: impl FnOnce(&mut Journal),
        aide: &mut dyn Aide,
    ) -> Result<(), RelocationError> {
        if !matches!(self.standing(), Standing::NotBegun | Standing::InFiles) {
            return Err(RelocationError::Busy(self.backup.clone()));
        }
        self.refuse_other_keys(fetched)?;
        self.check_writable()?;
        self.make_room()?;
        let before = self.keep_old()?;
        let moved = |name| Moved {
            digests: fetched.key(name).digests(),
            shape: match name {
                KeyName::Hmac => fetched.shapes[0],
                KeyName::Master => fetched.shapes[1],
            },
            is_removed: false,
        };
        let journal = Journal {
            url: fetched.url.as_ref().map(ToString::to_string),
            is_unseen: fetched.is_unseen,
            ..Journal::new(
                &self.site,
                moved(KeyName::Hmac),
                moved(KeyName::Master),
                before,
            )
        };
        // First what is going to be there, so that whoever comes after a crash knows what these files are.
        journal.write(&*self.disk, &self.backup)?;
        self.journal = Some(journal);
        for name in KeyName::ALL {
            self.put(name.as_str(), fetched.key(name).expose())?;
        }
        for part in Part::ALL {
            match read(&self.part(part))? {
                Some(bytes) => self.put(&part.kept_name(), &bytes)?,
                None => self.discard(&part.kept_name())?,
            }
        }
        self.check_backup()?;
        self.note(complete)?;
        let detail = format!("in {}", self.backup.display());
        aide.took(StepReport::new(Step::Backup, detail));
        Ok(())
    }

    /// The file of the installation that is meant.
    pub(super) fn part(&self, part: Part) -> PathBuf {
        match part {
            Part::Storage => self.site.storage(),
            Part::Key(name) => self.site.key(name),
        }
    }

    /// A key of the backup, which is what it was when it was put there.
    pub(super) fn kept_key(&self, name: KeyName) -> Result<KeyBytes, RelocationError> {
        let path = self.backup.join(name.as_str());
        let bytes = self.kept(name.as_str(), &self.journal()?.moved(name).digests)?;
        KeyBytes::new(name, bytes).map_err(|_| RelocationError::BackupDamaged(path))
    }

    /// A file of the backup, which is what it was when it was put there.
    pub(super) fn kept(
        &self,
        name: &str,
        digests: &Digests,
    ) -> Result<Zeroizing<Vec<u8>>, RelocationError> {
        let path = self.backup.join(name);
        let limit = usize::try_from(MAX_KEY_BYTES).unwrap_or(usize::MAX);
        let bytes = match private::read(&path, limit) {
            Ok(bytes) => bytes,
            Err(KeyFault::Absent) => return Err(RelocationError::BackupDamaged(path)),
            Err(fault) => return Err(RelocationError::Custody { path, fault }),
        };
        match Digests::of(&bytes) == *digests {
            true => Ok(bytes),
            false => Err(RelocationError::BackupDamaged(path)),
        }
    }

    /// Sees that everything in the backup can be had from it.
    pub(super) fn check_backup(&self) -> Result<(), RelocationError> {
        for name in KeyName::ALL {
            self.kept_key(name)?;
        }
        let before = &self.journal()?.before;
        for part in Part::ALL {
            if let Some(kept) = before.part(part) {
                self.kept(&part.kept_name(), &kept.digests)?;
            }
        }
        Ok(())
    }

    /// Keys that are in use are not replaced by the way.
    fn refuse_other_keys(&self, fetched: &Fetched) -> Result<(), RelocationError> {
        if !self.site.inspection.storage.means_files() {
            return Ok(());
        }
        for name in KeyName::ALL {
            let path = self.site.key(name);
            let is_other = KeyBytes::read(name, &path).is_ok_and(|key| key != *fetched.key(name));
            if is_other {
                return Err(RelocationError::OtherKey { name, path });
            }
        }
        Ok(())
    }

    /// Writes a file where each of the others is going to be, and removes it again: what fails is known before AEM is stopped.
    fn check_writable(&self) -> Result<(), RelocationError> {
        let site = &self.site;
        let trials = [
            (&site.crypto_file, site.key_dress(KeyName::Hmac)?),
            (&site.crypto_file, site.key_dress(KeyName::Master)?),
            (&site.crypto, site.storage_dress()?),
        ];
        for (place, dress) in trials {
            let directory = site::directory(place);
            if !dress.may_be_given() {
                return Err(RelocationError::Owner {
                    path: directory.to_owned(),
                    owner: dress.owner,
                    group: dress.group,
                });
            }
            let trial = SIGNATURE.fresh(&directory.join("trial"));
            self.disk
                .remove(&trial)
                .and_then(|()| self.disk.write_new(&trial, b"trial", dress))
                .and_then(|()| self.disk.remove(&trial))
                .map_err(|error| match error.kind() {
                    // Another command tries the same at this moment.
                    ErrorKind::AlreadyExists => RelocationError::Busy(self.backup.clone()),
                    _ => RelocationError::write(directory, error),
                })?;
        }
        Ok(())
    }

    /// Makes the directory of the backup, or takes over the one of an operation that came to nothing.
    fn make_room(&mut self) -> Result<(), RelocationError> {
        private::check_place(&self.backup)?;
        if matches!(self.stage(), Some(Stage::Undone | Stage::Finished)) {
            self.hold()?;
            backup::put_aside(&*self.disk, &self.backup)
                .map_err(|error| RelocationError::write(&self.backup, error))?;
            self.journal = None;
            self.lock = None;
        }
        if self.journal.is_none() {
            let is_vacant = backup::is_vacant(&self.backup)
                .map_err(|error| RelocationError::read(&self.backup, error))?;
            if !is_vacant {
                // Another command may have begun just now.
                if Journal::read(&self.backup)?.is_some() {
                    return Err(RelocationError::Busy(self.backup.clone()));
                }
                return Err(RelocationError::Foreign(self.backup.clone()));
            }
            if !self.backup.is_dir() {
                self.disk
                    .make_directory(&self.backup, backup::own_dress(0o700))
                    .map_err(|error| RelocationError::write(&self.backup, error))?;
            }
        }
        journal::check_directory(&self.backup)?;
        self.hold()
    }

    /// What the files are known by that are going to change.
    fn keep_old(&self) -> Result<Before, RelocationError> {
        let kept = |part| {
            let path = self.part(part);
            let Some(bytes) = read(&path)? else {
                return Ok::<_, RelocationError>(None);
            };
            Ok(Some(Kept {
                digests: Digests::of(&bytes),
                dress: Dress::of(&path).map_err(|error| RelocationError::read(&path, error))?,
            }))
        };
        Ok(Before {
            storage: kept(Part::Storage)?,
            hmac: kept(Part::Key(KeyName::Hmac))?,
            master: kept(Part::Key(KeyName::Master))?,
        })
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), RelocationError> {
        let path = self.backup.join(name);
        SIGNATURE
            .replace(&*self.disk, &path, bytes, backup::own_dress(0o600))
            .map_err(|error| RelocationError::write(&path, error))
    }

    fn discard(&self, name: &str) -> Result<(), RelocationError> {
        let path = self.backup.join(name);
        self.disk
            .remove(&path)
            .map_err(|error| RelocationError::write(&path, error))
    }
}

/// A file of the installation; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, RelocationError> {
    let bytes = file::read(path, MAX_KEY_BYTES);
    let bytes = bytes.map_err(|error| RelocationError::read(path, error))?;
    Ok(bytes.map(Zeroizing::new))
}
