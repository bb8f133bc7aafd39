//! One installation that keys are copied to: what is there, and what there is to do.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use signet_keys::private;

use super::backup;
use super::damage::{Damage, configurations};
use super::journal::{Journal, Stage};
use super::source::{key_in, raw_master};
use super::{PlaceFault, ReplicationError, Source};
use crate::disk::{Disk, Os};
use crate::dress::Dress;
use crate::felix::{CRYPTO, CRYPTO_FILE};
use crate::rekey::Progress;
use crate::{BundlePlace, Inspection, KeyName, KeyPlace, Running, Storage};

/// One installation that keys are copied to. Nothing was changed yet.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Target {
    /// The folder that was named.
    pub folder: PathBuf,
    /// Whether AEM runs on it.
    pub running: Running,
    /// What happens to the keys.
    pub keys: Vec<KeyChange>,
    /// Whether there is no `storage`, so that one is written.
    pub writes_storage: bool,
    /// Whether an earlier run was cut short, which this one completes.
    pub unfinished: bool,
    /// What the change may break; `None` where it breaks nothing: no other `master` was there.
    pub damage: Option<Damage>,
    /// Where the keys as they were are going to be.
    pub backup: PathBuf,
    /// The numbers of `com.adobe.granite.crypto.file` and of `com.adobe.granite.crypto`.
    pub bundles: [u64; 2],
    #[serde(skip)]
    pub(super) layout: Layout,
    #[serde(skip)]
    pub(super) disk: &'static dyn Disk,
}

/// What happens to one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyChange {
    /// The key.
    pub name: KeyName,
    /// The SHA-256 of what is there, in hexadecimal digits.
    pub old: Option<String>,
    /// That of what is copied.
    pub new: String,
}

impl KeyChange {
    /// Whether it is there already.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.old.as_ref() == Some(&self.new)
    }
}

/// Where everything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) cache: PathBuf,
    /// The directory of the keys.
    pub(super) directory: PathBuf,
    /// What a new key file resembles, if there is no other.
    pub(super) neighbour: PathBuf,
    pub(super) storage: PathBuf,
    /// What a new `storage` resembles.
    pub(super) storage_neighbour: PathBuf,
}

impl Target {
    /// Looks at the installation in `folder`.
    pub(super) fn find(source: &Source, folder: &Path) -> Result<Self, ReplicationError> {
        let inspection = inspect(folder)?;
        let place = |fault| ReplicationError::Place {
            folder: folder.to_owned(),
            fault,
        };
        let writes_storage = match &inspection.storage {
            Storage::Bundle => false,
            Storage::Absent => true,
            storage if storage.means_repository() => {
                return Err(ReplicationError::InRepository {
                    folder: folder.to_owned(),
                });
            }
            storage => return Err(place(PlaceFault::Storage(storage.clone()))),
        };
        let layout = Layout::of(&inspection).map_err(place)?;
        let bundles = [&inspection.crypto_file, &inspection.crypto]
            .map(|bundle| bundle.as_ref().map_or(0, |bundle| bundle.id));
        let (backup, journal) = backup::find(folder, &layout.cache, &layout.directory)?;
        let target = Self {
            folder: folder.to_owned(),
            running: inspection.running,
            keys: changes(source, &inspection)?,
            writes_storage,
            unfinished: journal
                .as_ref()
                .is_some_and(|journal| !journal.stage.is_end()),
            damage: None,
            backup,
            bundles,
            layout,
            disk: &Os,
        };
        target.check_earlier(journal.as_ref())?;
        if !target.is_done() {
            // What was begun is completed wherever it is.
            if !target.unfinished {
                private::check_place(&target.backup)?;
            }
            target.check_owner()?;
        }
        Ok(target)
    }

    /// Finds out what a new master breaks.
    pub(super) fn assess(
        &mut self,
        source: &Source,
        content: &[PathBuf],
        progress: &mut dyn Progress,
    ) -> Result<(), ReplicationError> {
        let Some(change) = self
            .keys
            .iter()
            .find(|change| change.name == KeyName::Master)
        else {
            return Ok(());
        };
        if change.is_same() {
            return Ok(());
        }
        let new = source.key(KeyName::Master).and_then(raw_master);
        let path = self.layout.directory.join(KeyName::Master.as_str());
        let old = key_in(KeyName::Master, &path)?;
        let old = old.as_ref().and_then(raw_master);
        let mut paths = configurations(&self.layout.cache);
        paths.extend_from_slice(content);
        let damage = Damage::assess(&paths, old.as_ref(), new.as_ref(), progress)?;
        // Where no master was, nothing in the repository can have been sealed with another.
        let is_replaced = change.old.is_some();
        self.damage = (is_replaced || damage.values > 0).then_some(damage);
        Ok(())
    }

    /// Whether it has the keys already, and nothing is left to finish.
    #[must_use]
    pub fn is_done(&self) -> bool {
        !self.unfinished && !self.writes_storage && self.keys.iter().all(KeyChange::is_same)
    }

    /// Whether another master takes the place of the one that was there.
    #[must_use]
    pub fn replaces_master(&self) -> bool {
        self.keys.iter().any(|change| {
            change.name == KeyName::Master && change.old.is_some() && !change.is_same()
        })
    }

    /// The directory of the keys.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.layout.directory
    }

    /// An earlier run that was cut short must have been about the same keys.
    pub(super) fn check_earlier(&self, journal: Option<&Journal>) -> Result<(), ReplicationError> {
        let Some(journal) = journal else {
            return Ok(());
        };
        match journal.stage {
            Stage::PuttingBack => Err(ReplicationError::HalfwayBack {
                folder: self.folder.clone(),
            }),
            Stage::Replacing if !self.continues(journal) => Err(ReplicationError::Halfway {
                folder: self.folder.clone(),
                backup: self.backup.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether what was cut short is part of what this run does: each key of it is copied now, too.
    pub(super) fn continues(&self, journal: &Journal) -> bool {
        journal.changes.iter().all(|earlier| {
            let mut now = self.keys.iter();
            now.any(|change| change.name == earlier.name && change.new == earlier.new)
        })
    }

    fn check_owner(&self) -> Result<(), ReplicationError> {
        let layout = &self.layout;
        let mut neighbours = vec![layout.neighbour.clone()];
        neighbours.extend(KeyName::ALL.map(|name| layout.directory.join(name.as_str())));
        neighbours.push(layout.directory.clone());
        if self.writes_storage {
            neighbours.push(layout.storage_neighbour.clone());
        }
        for path in neighbours {
            let dress = match Dress::of(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                dress => dress.map_err(|error| ReplicationError::read(&path, error))?,
            };
            if !dress.may_be_given() {
                return Err(ReplicationError::Owner {
                    path,
                    owner: dress.owner,
                    group: dress.group,
                });
            }
        }
        Ok(())
    }
}

impl Layout {
    /// Where the keys of an installation belong.
    pub(super) fn of(inspection: &Inspection) -> Result<Self, PlaceFault> {
        let bundle = |place: &Option<BundlePlace>, name| {
            let place = place.as_ref().ok_or(PlaceFault::NoBundle(name))?;
            match place.data.is_symlink() {
                true => Err(PlaceFault::Link(place.data.clone())),
                false => Ok(place.data.clone()),
            }
        };
        let crypto = bundle(&inspection.crypto, CRYPTO)?;
        let (directory, neighbour) = match &inspection.key_place {
            Some(KeyPlace::Property { directory, .. }) => {
                let missing = |_| PlaceFault::NoDirectory(directory.clone());
                let directory = directory.canonicalize().map_err(missing)?;
                (directory.clone(), directory)
            }
            _ => {
                let data = bundle(&inspection.crypto_file, CRYPTO_FILE)?;
                let neighbour = neighbour_of(&data);
                (data, neighbour)
            }
        };
        Ok(Self {
            cache: inspection.cache.clone(),
            directory,
            neighbour,
            storage: crypto.join("storage"),
            storage_neighbour: neighbour_of(&crypto),
        })
    }
}

/// What the framework wrote beside the data folder of a bundle.
fn neighbour_of(data: &Path) -> PathBuf {
    let bundle = data.parent().unwrap_or(data);
    let info = bundle.join("bundle.info");
    match info.is_file() {
        true => info,
        false => bundle.to_owned(),
    }
}

/// Where the keys of an installation are that others get them from.
pub(super) fn source_directory(
    folder: &Path,
    inspection: &Inspection,
) -> Result<PathBuf, ReplicationError> {
    let is_named = matches!(inspection.key_place, Some(KeyPlace::Property { .. }));
    match &inspection.storage {
        storage if storage.means_repository() => {
            return Err(ReplicationError::InRepository {
                folder: folder.to_owned(),
            });
        }
        storage if storage.means_files() => {}
        Storage::Absent if is_named => {}
        storage => {
            return Err(ReplicationError::Place {
                folder: folder.to_owned(),
                fault: PlaceFault::Storage(storage.clone()),
            });
        }
    }
    let layout = Layout::of(inspection).map_err(|fault| ReplicationError::Place {
        folder: folder.to_owned(),
        fault,
    })?;
    Ok(layout.directory)
}

pub(super) fn inspect(folder: &Path) -> Result<Inspection, ReplicationError> {
    crate::inspect(folder).map_err(|source| ReplicationError::Inspection {
        folder: folder.to_owned(),
        source,
    })
}

fn changes(source: &Source, inspection: &Inspection) -> Result<Vec<KeyChange>, ReplicationError> {
    let mut changes = Vec::new();
    for key in source.keys() {
        let file = inspection.keys.iter().find(|file| file.name == key.name());
        if let Some((file, reason)) = file.and_then(|file| Some((file, file.unreadable.as_ref()?)))
        {
            return Err(ReplicationError::read(
                &file.path,
                io::Error::other(reason.clone()),
            ));
        }
        let old = file.and_then(|file| file.found.as_ref());
        changes.push(KeyChange {
            name: key.name(),
            old: old.map(|found| found.sha256.clone()),
            new: key.digests().sha256,
        });
    }
    Ok(changes)
}
