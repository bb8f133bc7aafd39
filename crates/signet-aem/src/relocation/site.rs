//! The files of an installation that a move of its keys is about.

use std::path::{Path, PathBuf};

use super::RelocationError;
use super::step::{Aide, Step, StepReport};
use crate::dress::Dress;
use crate::{BundlePlace, Finding, Inspection, KeyKind, KeyName, KeyPlace, Storage, inspection};

/// What must be mended before any key is moved.
const OBSTACLES: [&str; 8] = [
    "BUNDLE_TWICE",
    "BUNDLE_UNCONFIRMED",
    "BUNDLE_MISSING",
    "BUNDLE_UNSEEN",
    "DATA_IS_A_LINK",
    "KEY_UNREADABLE",
    "STORAGE_ABSENT",
    "STORAGE_UNREADABLE",
];

/// An installation in which it is clear what each file is for.
#[derive(Debug)]
pub(super) struct Site {
    /// What was named, without links.
    pub(super) folder: PathBuf,
    pub(super) inspection: Inspection,
    pub(super) crypto: BundlePlace,
    pub(super) crypto_file: BundlePlace,
}

impl Site {
    pub(super) fn examine(folder: &Path) -> Result<Self, RelocationError> {
        let inspection = inspection::inspect(folder)?;
        if let Some(KeyPlace::Property { directory, file }) = &inspection.key_place {
            return Err(RelocationError::Overridden {
                file: file.clone(),
                directory: directory.clone(),
            });
        }
        let is_obstacle = |finding: &&Finding| OBSTACLES.contains(&finding.code);
        if let Some(finding) = inspection.findings.iter().find(is_obstacle) {
            return Err(RelocationError::Unfit(finding.clone()));
        }
        let (Some(crypto), Some(crypto_file)) = (&inspection.crypto, &inspection.crypto_file)
        else {
            return Err(RelocationError::Unfit(nowhere(&inspection)));
        };
        for place in [crypto, crypto_file] {
            if place.data.is_symlink() {
                return Err(RelocationError::Link(place.data.clone()));
            }
        }
        let folder = folder
            .canonicalize()
            .map_err(|error| RelocationError::read(folder, error))?;
        Ok(Self {
            folder,
            crypto: crypto.clone(),
            crypto_file: crypto_file.clone(),
            inspection,
        })
    }

    /// The directory of the bundles.
    pub(super) fn cache(&self) -> &Path {
        &self.inspection.cache
    }

    /// The file that says where the keys are.
    pub(super) fn storage(&self) -> PathBuf {
        self.crypto.data.join("storage")
    }

    /// Where a key is as a file.
    pub(super) fn key(&self, name: KeyName) -> PathBuf {
        self.crypto_file.data.join(name.as_str())
    }

    /// Whether a key is there, and could be one.
    pub(super) fn has_key(&self, name: KeyName) -> bool {
        let found = self.inspection.keys.iter().find(|key| key.name == name);
        let kind = found.and_then(|key| Some(key.found.as_ref()?.kind));
        matches!(kind, Some(KeyKind::Raw | KeyKind::ObfuscatedOrForeign))
    }

    /// Whether AEM would start with keys in files.
    pub(super) fn is_in_files(&self) -> bool {
        self.inspection.storage == Storage::Bundle
            && KeyName::ALL.iter().all(|name| self.has_key(*name))
    }

    /// Owner, group and mode of the directory of the keys, or what it is to have.
    pub(super) fn key_directory_dress(&self) -> Result<Dress, RelocationError> {
        let directory = directory(&self.crypto_file);
        Dress::of(directory)
            .map(Dress::for_directory)
            .map_err(|error| RelocationError::read(directory, error))
    }

    /// Owner, group and mode that a key is to have: those of its neighbours, or of the file that it replaces.
    pub(super) fn key_dress(&self, name: KeyName) -> Result<Dress, RelocationError> {
        dress(&self.crypto_file, &self.key(name)).map(Dress::for_secret)
    }

    /// Owner, group and mode that `storage` is to have.
    pub(super) fn storage_dress(&self) -> Result<Dress, RelocationError> {
        dress(&self.crypto, &self.storage())
    }

    /// Tells what was found.
    pub(super) fn survey(&self, aide: &mut dyn Aide) {
        for (step, place) in [
            (Step::CryptoFile, &self.crypto_file),
            (Step::Crypto, &self.crypto),
        ] {
            let version = place.version.as_deref().unwrap_or("unknown");
            let detail = format!("bundle {}, version {version}", place.id);
            aide.took(StepReport::new(step, detail));
        }
        let detail = match &self.inspection.storage {
            Storage::Bundle => "storage says Bundle: in files".to_owned(),
            Storage::Jcr => "storage says JCR: in the repository, under /etc/key".to_owned(),
            Storage::Untidy { word, bytes } => {
                format!("storage says {word}, but with {bytes} bytes: AEM may not understand it")
            }
            _ => "storage says neither JCR nor Bundle".to_owned(),
        };
        aide.took(StepReport::new(Step::Place, detail));
    }
}

/// The data folder of a bundle, or while there is none, the bundle's own.
pub(super) fn directory(place: &BundlePlace) -> &Path {
    match place.data.is_dir() {
        true => &place.data,
        false => place.data.parent().unwrap_or(&place.data),
    }
}

/// Owner and group of the directory; the mode of the file itself, or else of `bundle.info`.
fn dress(place: &BundlePlace, file: &Path) -> Result<Dress, RelocationError> {
    let directory = directory(place);
    let own = Dress::of(directory).map_err(|error| RelocationError::read(directory, error))?;
    let info = place.data.with_file_name("bundle.info");
    let neighbour = Dress::of(file)
        .or_else(|_| Dress::of(&info))
        // An installation of before 2011 has no such file.
        .unwrap_or(Dress { mode: 0o600, ..own });
    Ok(Dress {
        mode: neighbour.mode,
        ..own
    })
}

fn nowhere(inspection: &Inspection) -> Finding {
    Finding::new(
        "BUNDLE_MISSING",
        crate::Severity::Critical,
        format!(
            "the bundles of the keys are not both in {}",
            inspection.cache.display()
        ),
        "keys cannot be kept in files",
        "check in the web console, under Bundles, that com.adobe.granite.crypto and com.adobe.granite.crypto.file are installed",
    )
}
