//! The keys written into the installation, while AEM is stopped.

use super::backup::{Part, read};
use super::journal::Stage;
use super::site;
use super::step::{Aide, Step, StepReport};
use super::{Relocation, RelocationError, SIGNATURE};
use crate::disk::directory_of;
use crate::dress::Dress;
use crate::{Digests, KeyName, Storage};

/// What `storage` says from now on: six bytes, without a newline.
const BUNDLE: &[u8] = b"Bundle";

impl Relocation {
    /// Writes the keys of the backup into the data folder of `com.adobe.granite.crypto.file`, and then `Bundle` into `storage`.
    /// What is there already is not written again; what was written by an earlier run must still be there.
    ///
    /// # Errors
    ///
    /// AEM runs, somebody changed a file since the backup was made, or something could not be written: it can be repeated, and
    /// everything is in the backup.
    pub fn switch(&mut self, aide: &mut dyn Aide) -> Result<(), RelocationError> {
        self.hold()?;
        self.look_again()?;
        match self.journal()?.stage {
            Stage::Kept | Stage::Writing => {}
            Stage::Switched | Stage::Removing | Stage::Finished => {
                return self.must_be_as_written();
            }
            Stage::GoingBack => return Err(RelocationError::GoingBack(self.backup.clone())),
            Stage::Preparing | Stage::Undone => {
                return Err(RelocationError::NotBegun(self.backup.clone()));
            }
        }
        self.must_be_stopped()?;
        self.check_backup()?;
        self.refuse_others()?;
        if self.journal()?.stage == Stage::Kept {
            self.note(|journal| journal.stage = Stage::Writing)?;
        }
        self.write_keys(aide)?;
        self.write_storage(aide)?;
        self.compare(aide)?;
        // Whoever started it meanwhile started it with one half or the other.
        self.must_be_stopped()?;
        let moment = aide.moment();
        self.note(|journal| {
            journal.stage = Stage::Switched;
            journal.switched = Some(moment);
        })?;
        self.look_again()
    }

    fn write_keys(&self, aide: &mut dyn Aide) -> Result<(), RelocationError> {
        let directory = &self.site.crypto_file.data;
        if !directory.is_dir() {
            let dress = self.site.key_directory_dress()?;
            SIGNATURE
                .make_directory(&*self.disk, directory, dress)
                .map_err(|error| RelocationError::write(directory, error))?;
        }
        for (name, step) in [
            (KeyName::Hmac, Step::WriteHmac),
            (KeyName::Master, Step::WriteMaster),
        ] {
            let (key, dress) = (self.kept_key(name)?, self.site.key_dress(name)?);
            self.write(Part::Key(name), key.expose(), dress, step, aide)?;
        }
        Ok(())
    }

    fn write_storage(&self, aide: &mut dyn Aide) -> Result<(), RelocationError> {
        // The keys are read again from the disk before they count.
        for name in KeyName::ALL {
            self.must_be(Part::Key(name), &self.journal()?.moved(name).digests)?;
        }
        let dress = self.site.storage_dress()?;
        self.write(Part::Storage, BUNDLE, dress, Step::Switch, aide)
    }

    fn write(
        &self,
        part: Part,
        bytes: &[u8],
        dress: Dress,
        step: Step,
        aide: &mut dyn Aide,
    ) -> Result<(), RelocationError> {
        let path = self.part(part);
        let is_there = read(&path)?.is_some_and(|there| *there == bytes)
            && Dress::of(&path).is_ok_and(|own| own == dress);
        if !is_there {
            SIGNATURE
                .replace(&*self.disk, &path, bytes, dress)
                .map_err(|error| RelocationError::write(&path, error))?;
        }
        let detail = format!(
            "{}\n{}owner {}:{}, mode {:04o}{}",
            path.display(),
            match part {
                Part::Storage => "6 bytes: Bundle, without a newline; ",
                Part::Key(_) => "",
            },
            dress.owner,
            dress.group,
            dress.mode,
            if is_there {
                "; it was there already"
            } else {
                ""
            },
        );
        aide.took(StepReport::new(step, detail));
        Ok(())
    }

    fn compare(&self, aide: &mut dyn Aide) -> Result<(), RelocationError> {
        for name in KeyName::ALL {
            self.must_be(Part::Key(name), &self.journal()?.moved(name).digests)?;
        }
        self.must_be(Part::Storage, &Digests::of(BUNDLE))?;
        let detail = KeyName::ALL.map(|name| {
            let digests = self.journal().map(|journal| &journal.moved(name).digests);
            digests.map(|digests| format!("{} {}", digests.md5, name.as_str()))
        });
        let [hmac, master] = detail;
        let detail = format!("both as they were fetched\nMD5 {}\nMD5 {}", hmac?, master?);
        aide.took(StepReport::new(Step::Compare, detail));
        Ok(())
    }

    /// The files of the installation are as they were when the backup was made, or as they are going to be.
    pub(super) fn refuse_others(&self) -> Result<(), RelocationError> {
        Part::ALL
            .into_iter()
            .try_for_each(|part| self.refuse_changed(part))
    }

    fn refuse_changed(&self, part: Part) -> Result<(), RelocationError> {
        let journal = self.journal()?;
        let path = self.part(part);
        let now = read(&path)?.map(|bytes| Digests::of(&bytes));
        let before = journal.before.part(part).map(|kept| kept.digests.clone());
        let after = match part {
            Part::Storage => Digests::of(BUNDLE),
            Part::Key(name) => journal.moved(name).digests.clone(),
        };
        match now == before || now == Some(after) {
            true => Ok(()),
            false => Err(RelocationError::Changed(path)),
        }
    }

    /// A file of the installation is what these are the digests of.
    pub(super) fn must_be(&self, part: Part, digests: &Digests) -> Result<(), RelocationError> {
        let path = self.part(part);
        let now = read(&path)?.map(|bytes| Digests::of(&bytes));
        match now.as_ref() == Some(digests) {
            true => Ok(()),
            false => Err(RelocationError::Differs(path)),
        }
    }

    /// Puts all three files back as they were, those first that make the others count.
    pub(super) fn put_back_files(&self, aide: &mut dyn Aide) -> Result<(), RelocationError> {
        let before = &self.journal()?.before;
        for (part, step) in [
            (Part::Storage, Step::Switch),
            (Part::Key(KeyName::Hmac), Step::WriteHmac),
            (Part::Key(KeyName::Master), Step::WriteMaster),
        ] {
            let path = self.part(part);
            let unwritten = |error| RelocationError::write(&path, error);
            let detail = match before.part(part) {
                Some(kept) => {
                    let bytes = self.kept(&part.kept_name(), &kept.digests)?;
                    let dress = match (kept.dress.may_be_given(), part) {
                        (true, _) => kept.dress,
                        (false, Part::Storage) => self.site.storage_dress()?,
                        (false, Part::Key(name)) => self.site.key_dress(name)?,
                    };
                    SIGNATURE
                        .replace(&*self.disk, &path, &bytes, dress)
                        .map_err(unwritten)?;
                    self.must_be(part, &kept.digests)?;
                    "as it was"
                }
                // Its directory may not have been made yet.
                None if !directory_of(&path).is_dir() => {
                    let directory = SIGNATURE.fresh(directory_of(&path));
                    self.disk.remove_directory(&directory).map_err(unwritten)?;
                    "there was none"
                }
                None => {
                    SIGNATURE.remove(&*self.disk, &path).map_err(unwritten)?;
                    "removed: there was none"
                }
            };
            aide.took(StepReport::new(
                step,
                format!("{detail}: {}", path.display()),
            ));
        }
        for place in [&self.site.crypto, &self.site.crypto_file] {
            let directory = site::directory(place);
            self.disk
                .remove(&SIGNATURE.fresh(&directory.join("trial")))
                .map_err(|error| RelocationError::write(directory, error))?;
        }
        Ok(())
    }

    /// Whether `storage` and the keys are as this operation wrote them.
    pub(super) fn must_be_as_written(&self) -> Result<(), RelocationError> {
        if self.site.inspection.storage != Storage::Bundle {
            return Err(RelocationError::Changed(self.site.storage()));
        }
        for name in KeyName::ALL {
            let digests = &self.journal()?.moved(name).digests;
            self.must_be(Part::Key(name), digests)
                .map_err(|error| match error {
                    RelocationError::Differs(path) => RelocationError::Changed(path),
                    error => error,
                })?;
        }
        Ok(())
    }
}
