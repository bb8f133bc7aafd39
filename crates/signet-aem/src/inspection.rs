//! All that a folder tells about its keys, read without changing anything.

mod judge;
mod remains;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::felix::{CRYPTO, CRYPTO_FILE, Cache, CachedBundle, Identity};
use crate::{AemError, Finding, KeyFile, KeyName, Running, Storage, locate};

/// What an installation tells about its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// The directory of the bundles.
    pub cache: PathBuf,
    /// Whether AEM runs on it.
    pub running: Running,
    /// The bundle that decides where the keys are.
    pub crypto: Option<BundlePlace>,
    /// The bundle that holds them in files.
    pub crypto_file: Option<BundlePlace>,
    /// The file that says where they are; `None` where there is no place for it.
    pub storage_file: Option<PathBuf>,
    /// What it says.
    pub storage: Storage,
    /// Where they would be as files.
    pub key_place: Option<KeyPlace>,
    /// What is there.
    pub keys: Vec<KeyFile>,
    /// What is not as it should be, the worst first.
    pub findings: Vec<Finding>,
}

/// Where a bundle lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BundlePlace {
    /// The number that the framework gave it; different on each installation.
    pub id: u64,
    /// Its version, if its manifest names one.
    pub version: Option<String>,
    /// Where it was installed from.
    pub location: Option<String>,
    /// Where it keeps files of its own.
    pub data: PathBuf,
}

/// The directory of the key files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
#[non_exhaustive]
pub enum KeyPlace {
    /// The data folder of `com.adobe.granite.crypto.file`.
    Bundle {
        /// The directory.
        directory: PathBuf,
    },
    /// A directory that `com.adobe.granite.crypto.keys.path` names.
    Property {
        /// The directory.
        directory: PathBuf,
        /// The file that names it.
        file: PathBuf,
    },
}

impl KeyPlace {
    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        match self {
            Self::Bundle { directory } | Self::Property { directory, .. } => directory,
        }
    }
}

/// Reads what `folder` tells about its keys: the `crx-quickstart` folder, its parent, or any folder with a Felix cache.
///
/// # Errors
///
/// The folder is no installation, or cannot be read; what is merely wrong in it is a [`Finding`].
pub fn inspect(folder: &Path) -> Result<Inspection, AemError> {
    let cache = locate::cache(folder)?;
    let running = Running::look(&cache.path);
    let crypto = only(&cache, CRYPTO);
    let crypto_file = only(&cache, CRYPTO_FILE);
    let storage_file = crypto.as_ref().map(|place| place.data.join("storage"));
    let storage = storage_file
        .as_deref()
        .map_or(Storage::Absent, Storage::read);
    let key_place = key_place(&cache, crypto_file.as_ref());
    let keys = match &key_place {
        Some(place) if !is_link_of_a_bundle(place) => KeyName::ALL
            .map(|name| KeyFile::read(name, place.directory()))
            .to_vec(),
        _ => Vec::new(),
    };
    let mut inspection = Inspection {
        cache: cache.path.clone(),
        running,
        crypto,
        crypto_file,
        storage_file,
        storage,
        key_place,
        keys,
        findings: Vec::new(),
    };
    inspection.findings = judge::findings(&cache, &inspection);
    remains::findings(folder, &cache.path, &mut inspection.findings);
    // Among equals the order in which they were found, which is that of the places.
    inspection
        .findings
        .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Ok(inspection)
}

/// The one bundle of this name; of several the framework's newest, which `judge` complains about.
fn only(cache: &Cache, name: &str) -> Option<BundlePlace> {
    cache.named(name).last().map(|bundle| place(bundle))
}

fn place(bundle: &CachedBundle) -> BundlePlace {
    let version = match &bundle.identity {
        Identity::Confirmed { version, .. } => version.clone(),
        Identity::Unconfirmed { .. } => None,
    };
    BundlePlace {
        id: bundle.id,
        version,
        location: bundle.location.clone(),
        data: bundle.data(),
    }
}

fn key_place(cache: &Cache, crypto_file: Option<&BundlePlace>) -> Option<KeyPlace> {
    if let Some((directory, file)) = locate::keys_path(&cache.path) {
        return Some(KeyPlace::Property { directory, file });
    }
    crypto_file.map(|place| KeyPlace::Bundle {
        directory: place.data.clone(),
    })
}

/// The framework makes no links; what one leads to may be anything. A directory that was named is the administrator's own.
fn is_link_of_a_bundle(place: &KeyPlace) -> bool {
    matches!(place, KeyPlace::Bundle { directory } if directory.is_symlink())
}

#[cfg(test)]
pub(crate) mod tests;
