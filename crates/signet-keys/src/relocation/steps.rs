//! What is done at each step.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use sha2::{Digest, Sha256};
use signet_core::Key;

use super::backup::{Backup, free_name};
use super::find::{Holding, in_the_way};
use super::journal::Journal;
use super::probe::Probes;
use super::retreat::Before;
use super::run::Run;
use super::situation::{Situation, keys, of};
use super::{RelocationError, RelocationStep as Step};
use crate::store::{STORAGE, scan_with};
use crate::{KeyError, KeyFault, KeyProvider, LoadedKeys, ProviderName, atomic, encode_key_file};

impl Run<'_> {
    /// Refuses what would fail later, or lose something.
    pub(super) fn survey(&mut self, situation: &Situation<'_>) -> Result<(), RelocationError> {
        self.begin(Step::Survey);
        let problems = in_the_way(&situation.here, &situation.there, &situation.keys);
        if !problems.is_empty() {
            return Err(RelocationError::Damaged { problems });
        }
        if situation.keys.is_empty() {
            return Err(RelocationError::NoKeys);
        }
        match situation.to.name() {
            ProviderName::File => self.check_writable(&self.store.directory)?,
            ProviderName::Repository => {
                // One that was never made has no room for them.
                scan_with(situation.to, signet_core::RingName::Hmac)?;
            }
        }
        self.check_backups()?;
        self.done(format!(
            "{}: nothing is in the way",
            situation.to.name().in_words()
        ));
        Ok(())
    }

    fn check_writable(&self, directory: &Path) -> Result<(), RelocationError> {
        rustix::fs::access(directory, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
            KeyError::Write(atomic::WriteError {
                path: directory.to_owned(),
                step: atomic::Step::Create,
                source: error.into(),
            })
        })?;
        Ok(())
    }

    fn check_backups(&self) -> Result<(), RelocationError> {
        let path = &self.order.backups;
        match self.store.guard.check_directory(path) {
            Ok(()) => self.check_writable(path),
            Err(KeyFault::Absent) => Ok(()),
            Err(fault) => Err(KeyError::unusable(path, fault).into()),
        }
    }

    pub(super) fn make_tokens(
        &mut self,
        situation: &Situation<'_>,
    ) -> Result<Probes, RelocationError> {
        self.begin(Step::Tokens);
        let probes = Probes::make(&situation.keys, self.order.now)?;
        self.done(of(probes.len(), "token"));
        Ok(probes)
    }

    pub(super) fn open(&mut self, situation: &Situation<'_>) -> Result<(), RelocationError> {
        self.begin(Step::Open);
        let mut keys = LoadedKeys {
            keys: situation.keys.clone(),
            revoked: situation.revoked.clone(),
            ..LoadedKeys::default()
        };
        keys.sort();
        let tried = self.aide().before(&keys).map_err(RelocationError::Check)?;
        self.done(tried);
        Ok(())
    }

    /// Notes the move, seals all keys, and sees that they can be had from there. Returns the backup's file.
    pub(super) fn back_up(
        &mut self,
        situation: &Situation<'_>,
    ) -> Result<PathBuf, RelocationError> {
        let (store, backups, to) = (self.store, &self.order.backups, situation.to.name());
        let backup = Backup {
            from: to.other(),
            to,
            is_undo: situation.is_undo,
            made: self.order.now,
            keys: situation.keys.clone(),
            revoked: situation.revoked.clone(),
        };
        let kept = self.kept_backup(situation);
        self.begin(Step::Journal);
        self.retreat.is_resumed = situation.journal.is_some();
        let note = Journal {
            to,
            is_undo: situation.is_undo,
            backup: match &kept {
                Some((name, _)) => name.clone(),
                None => free_name(backups, self.order.now),
            },
        };
        let path = backups.join(&note.backup);
        if situation.journal.as_ref() == Some(&note) {
            self.done("it was noted before");
        } else {
            self.retreat.noted = true;
            note.write(&*store.disk, &store.directory)?;
            self.done("in keys/relocation, until all is done");
        }

        self.begin(Step::Backup);
        let sealed = match kept {
            Some((_, kept)) => {
                self.done(format!("it was made before: {}", path.display()));
                kept
            }
            None => {
                atomic::create_directory_on(&*store.disk, backups).map_err(KeyError::from)?;
                self.check_backups()?;
                self.retreat.backup = Some(path.clone());
                backup.write(&*store.disk, &path, self.sealer)?;
                self.done(format!("{} in {}", keys(backup.keys.len()), path.display()));
                backup
            }
        };

        self.begin(Step::Restore);
        let read = Backup::read(&path, store.guard, self.sealer)?;
        if !read.equals(&sealed) || !read.covers(&situation.keys) {
            return Err(RelocationError::BackupDamaged { path });
        }
        self.done(format!("it holds {}", keys(read.keys.len())));
        Ok(path)
    }

    /// The backup of a move that was cut short, if it has all keys there are now.
    fn kept_backup(&self, situation: &Situation<'_>) -> Option<(String, Backup)> {
        let journal = situation.journal.as_ref()?;
        let path = self.order.backups.join(&journal.backup);
        let backup = Backup::read(&path, self.store.guard, self.sealer).ok()?;
        let fits = backup.to == situation.to.name() && backup.covers(&situation.keys);
        fits.then(|| (journal.backup.clone(), backup))
    }

    pub(super) fn write(&mut self, situation: &Situation<'_>) -> Result<(), RelocationError> {
        self.begin(Step::Write);
        let (store, to) = (self.store, situation.to);
        if let Some(lock) = &self.lock {
            store.remember(lock, &situation.revoked)?;
        }
        to.prepare()?;
        let mut written = 0;
        for key in &situation.keys {
            if situation.here.has(key) {
                continue;
            }
            let before = match situation.here.find(key) {
                Some(copy) => Before::Copy(Box::new(copy.clone())),
                None if situation.here.ids().contains(&(key.ring, key.id)) => Before::Damaged,
                None => Before::Nothing,
            };
            // Before it is tried: it may be there although the attempt failed.
            self.retreat.written.push((key.clone(), before));
            to.write(key)?;
            written += 1;
        }
        let kept = situation.keys.len() - written;
        let place = to.name().in_words();
        self.done(match (written, kept) {
            (0, _) => format!("all are in {place} already"),
            (_, 0) => format!("{} into {place}", keys(written)),
            (_, kept) => format!("{} into {place}, {kept} were there", keys(written)),
        });
        Ok(())
    }

    pub(super) fn compare(&mut self, situation: &Situation<'_>) -> Result<(), RelocationError> {
        self.begin(Step::Compare);
        let holding = Holding::of(situation.to)?;
        for key in &situation.keys {
            let copy = holding.find(key).map(digest);
            if copy != Some(digest(key)) {
                let to = situation.to.name();
                return Err(RelocationError::Differs { id: key.id, to });
            }
        }
        self.done(format!("SHA-256 equal for {}", keys(situation.keys.len())));
        Ok(())
    }

    pub(super) fn switch(&mut self, situation: &Situation<'_>) -> Result<(), RelocationError> {
        self.begin(Step::Switch);
        let (path, name) = (self.store.path(STORAGE), situation.to.name());
        let before = match fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                return Err(KeyError::unusable(&path, KeyFault::Unreadable(error.into())).into());
            }
        };
        if before.as_deref() == Some(name.as_str().as_bytes()) {
            self.done(format!("it says \"{name}\" already"));
        } else {
            self.retreat.storage = Some(before);
            atomic::write_on(&*self.store.disk, &path, name.as_str().as_bytes())
                .map_err(KeyError::from)?;
            self.done(format!("to \"{name}\""));
        }

        self.begin(Step::ReadBack);
        let written = fs::read(&path).unwrap_or_default();
        if written != name.as_str().as_bytes() {
            return Err(RelocationError::Storage { path, to: name });
        }
        self.done(format!("{} bytes, no newline", written.len()));
        Ok(())
    }

    /// Loads the keys as a start would, and tries what was made before.
    pub(super) fn try_out(
        &mut self,
        situation: &Situation<'_>,
        probes: &Probes,
    ) -> Result<(), RelocationError> {
        self.begin(Step::Verify);
        let to = situation.to.name();
        let (loaded, _) = self.store.read(None)?;
        let has = |key: &&Key| {
            let mut keys = loaded.keys.iter();
            keys.any(|other| digest(other) == digest(key))
        };
        if let Some(key) = situation.keys.iter().find(|key| !has(key)) {
            return Err(RelocationError::Differs { id: key.id, to });
        }
        probes
            .verify(&loaded)
            .map_err(|(id, denied)| RelocationError::TokenRefused { id, to, denied })?;
        self.done(format!(
            "{} of {} verify with the keys of {}",
            probes.len(),
            probes.len(),
            to.in_words()
        ));

        self.begin(Step::OpenAgain);
        let tried = self.aide().after(&loaded).map_err(RelocationError::Check)?;
        self.done(tried);
        Ok(())
    }

    pub(super) fn remove(&mut self, situation: &Situation<'_>) -> Result<(), RelocationError> {
        self.begin(Step::Remove);
        let Some(from) = situation.from else {
            self.done("there is none");
            return Ok(());
        };
        let moved: Vec<_> = situation
            .keys
            .iter()
            .map(|key| (key.ring, key.id))
            .collect();
        let mut removed = 0;
        for (ring, id) in Holding::of(from)?.ids() {
            // What somebody put there meanwhile was not moved.
            if moved.contains(&(ring, id)) {
                self.is_past_return = true;
                from.remove(ring, id)?;
                removed += 1;
            }
        }
        self.done(match removed {
            0 => format!("none were left in {}", from.name().in_words()),
            removed => format!("{} from {}", keys(removed), from.name().in_words()),
        });
        Ok(())
    }

    pub(super) fn look_for_traces(
        &mut self,
        situation: &Situation<'_>,
    ) -> Result<(), RelocationError> {
        self.begin(Step::Trace);
        // From here on all keys are in one place, and nothing is put back.
        self.is_past_return = true;
        let detail = match situation.from {
            None => "there is no other place".to_owned(),
            Some(from) => clean(situation, from)?,
        };
        Journal::remove(&*self.store.disk, &self.store.directory)?;
        self.done(detail);
        Ok(())
    }
}

/// Leaves no byte of the keys in the place where they were.
fn clean(situation: &Situation<'_>, from: &dyn KeyProvider) -> Result<String, RelocationError> {
    from.purge()?;
    // Somebody may have removed keys by hand before.
    if situation.find_trace()?.is_some() {
        from.purge_everything()?;
        if let Some(trace) = situation.find_trace()? {
            return Err(trace);
        }
    }
    let name = from.name();
    if !Holding::of(from)?.is_empty() {
        return Err(RelocationError::Left { from: name });
    }
    let files: Vec<_> = from
        .traces()
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    Ok(match files.is_empty() {
        true => format!("nothing is left in {}", name.in_words()),
        false => format!("none in {}", files.join(", ")),
    })
}

fn digest(key: &Key) -> [u8; 32] {
    Sha256::digest(encode_key_file(key).as_bytes()).into()
}
