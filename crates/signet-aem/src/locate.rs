//! From the folder that somebody names to the directory of bundles in it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::felix::{CRYPTO, CRYPTO_FILE, Cache};
use crate::{AemError, properties};

/// Where the directory of bundles lies below the folder that is named: that itself, `crx-quickstart` or its parent, older and newer
/// launchers.
const BELOW: [&str; 7] = [
    "",
    "launchpad/felix",
    "launcher/framework",
    "felix",
    "framework",
    "crx-quickstart/launchpad/felix",
    "crx-quickstart/launcher/framework",
];

/// Files that can name another directory, and the property that does.
const PROPERTIES: [&str; 4] = [
    "conf/sling.properties",
    "launchpad/sling.properties",
    "crx-quickstart/conf/sling.properties",
    "crx-quickstart/launchpad/sling.properties",
];
const STORAGE: &str = "org.osgi.framework.storage";
const KEYS_PATH: &str = "com.adobe.granite.crypto.keys.path";

/// The directory of bundles in `folder` that holds the bundles of the keys.
///
/// # Errors
///
/// There is none, or more than one.
pub(crate) fn cache(folder: &Path) -> Result<Cache, AemError> {
    let mut caches = Vec::new();
    for path in candidates(folder)? {
        let cache = Cache::read(&path).map_err(|source| AemError::Unreadable {
            path: path.clone(),
            source,
        })?;
        caches.push(cache);
    }
    if caches.is_empty() {
        return Err(AemError::NoCache {
            folder: folder.to_owned(),
        });
    }
    let holds_keys = |cache: &Cache| {
        [CRYPTO, CRYPTO_FILE]
            .iter()
            .any(|name| !cache.named(name).is_empty() || !cache.possibly(name).is_empty())
    };
    let looked_at: Vec<_> = caches.iter().map(|cache| cache.path.clone()).collect();
    caches.retain(holds_keys);
    match caches.len() {
        0 => Err(AemError::NoCryptoBundle { caches: looked_at }),
        1 => caches
            .pop()
            .ok_or(AemError::NoCryptoBundle { caches: looked_at }),
        _ => Err(AemError::SeveralCaches {
            caches: caches.into_iter().map(|cache| cache.path).collect(),
        }),
    }
}

/// The directory of the keys that the framework's properties name in the place of the bundle's own.
pub(crate) fn keys_path(cache: &Path) -> Option<(PathBuf, PathBuf)> {
    cache.ancestors().take(4).find_map(|folder| {
        PROPERTIES.iter().find_map(|name| {
            let file = folder.join(name);
            let path = properties::value(&file, KEYS_PATH).filter(|path| !path.is_empty())?;
            Some((folder.join(path), file))
        })
    })
}

/// Errors are those of a folder that may hold something, and may not be looked into.
fn candidates(folder: &Path) -> Result<Vec<PathBuf>, AemError> {
    let mut candidates: Vec<PathBuf> = Vec::new();
    let mut barred = None;
    let named = PROPERTIES.iter().filter_map(|name| {
        let path = properties::value(&folder.join(name), STORAGE)?;
        // Relative to a variable that only the running framework knows: the usual places cover that.
        (!path.is_empty() && !path.contains("${")).then(|| folder.join(path))
    });
    for path in BELOW.iter().map(|below| folder.join(below)).chain(named) {
        // The same directory can be reached in several ways.
        match path.canonicalize().and_then(|path| {
            let is_cache = Cache::is_at(&path)?;
            Ok((path, is_cache))
        }) {
            Ok((path, true)) if !candidates.contains(&path) => candidates.push(path),
            Err(source) if source.kind() == ErrorKind::PermissionDenied => {
                barred = barred.or(Some(AemError::Unreadable { path, source }));
            }
            _ => {}
        }
    }
    match barred {
        Some(error) if candidates.is_empty() => Err(error),
        _ => Ok(candidates),
    }
}
