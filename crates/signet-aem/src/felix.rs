//! The directory in which the framework (Apache Felix) keeps its bundles.
//!
//! Layout and formats: apache/felix-dev, `framework/cache/BundleCache.java`, `BundleArchive.java`, `BundleArchiveRevision.java`.

mod info;
mod jar;
pub(crate) mod manifest;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub(crate) use info::BundleInfo;

/// The bundle that decides where the keys are.
pub(crate) const CRYPTO: &str = "com.adobe.granite.crypto";
/// The bundle that holds the keys in files. Its name begins with that of the other.
pub(crate) const CRYPTO_FILE: &str = "com.adobe.granite.crypto.file";

/// A directory of bundles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cache {
    pub(crate) path: PathBuf,
    pub(crate) bundles: Vec<CachedBundle>,
}

/// One directory `bundle<ID>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CachedBundle {
    pub(crate) directory: PathBuf,
    pub(crate) id: u64,
    /// Where it was installed from, if that is noted.
    pub(crate) location: Option<String>,
    /// Which bundle it is.
    pub(crate) identity: Identity,
}

/// How a bundle is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The manifest of its newest revision says so.
    Confirmed {
        symbolic_name: String,
        version: Option<String>,
    },
    /// Nothing says so, and this is why. Its location may tell what it was.
    Unconfirmed { reason: String },
}

impl Cache {
    /// Whether `path` looks like a cache: it holds directories `bundle<ID>`.
    pub(crate) fn is_at(path: &Path) -> io::Result<bool> {
        let mut entries = fs::read_dir(path)?;
        Ok(entries.any(|entry| {
            entry.is_ok_and(|entry| bundle_id(&entry.file_name()).is_some_and(|id| id > 0))
        }))
    }

    /// Reads which bundles there are.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let mut bundles = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // The system bundle has number 0 and no jar.
            let Some(id) = bundle_id(&entry.file_name()).filter(|id| *id > 0) else {
                continue;
            };
            let directory = entry.path();
            // A link may lead anywhere; the framework makes none.
            if entry.file_type()?.is_dir() {
                bundles.push(CachedBundle::read(directory, id));
            } else if entry.file_type()?.is_symlink() {
                bundles.push(CachedBundle {
                    directory,
                    id,
                    location: None,
                    identity: Identity::Unconfirmed {
                        reason: "its directory is a symbolic link, which is not followed"
                            .to_owned(),
                    },
                });
            }
        }
        bundles.sort_by_key(|bundle| bundle.id);
        Ok(Self {
            path: path.to_owned(),
            bundles,
        })
    }

    /// The bundles of exactly this symbolic name.
    pub(crate) fn named(&self, name: &str) -> Vec<&CachedBundle> {
        self.bundles
            .iter()
            .filter(|bundle| matches!(&bundle.identity, Identity::Confirmed { symbolic_name, .. } if symbolic_name == name))
            .collect()
    }

    /// The bundles that may have been it, by their location, though nothing confirms it.
    pub(crate) fn possibly(&self, name: &str) -> Vec<&CachedBundle> {
        self.bundles
            .iter()
            .filter(|bundle| matches!(bundle.identity, Identity::Unconfirmed { .. }))
            .filter(|bundle| {
                let location = bundle.location.as_deref().unwrap_or_default();
                names_jar_of(location, name)
            })
            .collect()
    }
}

impl CachedBundle {
    /// Where the bundle keeps files of its own. It is made when the bundle first asks for it.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn read(directory: PathBuf, id: u64) -> Self {
        let info = BundleInfo::read(&directory);
        let (location, unread) = match &info {
            Ok(Some(info)) => (Some(info.location.clone()), None),
            Ok(None) => (None, Some("it has no bundle.info".to_owned())),
            Err(error) => (None, Some(error.to_string())),
        };
        let refreshes = info.ok().flatten().map(|info| info.refreshes);
        let identity = match newest_revision(&directory, refreshes) {
            None => Identity::Unconfirmed {
                reason: unread.unwrap_or_else(|| "it has no revision with a jar".to_owned()),
            },
            Some(revision) => match jar::identity(&revision.join("bundle.jar")) {
                Ok(jar) => Identity::Confirmed {
                    symbolic_name: jar.symbolic_name,
                    version: jar.version,
                },
                Err(error) => Identity::Unconfirmed {
                    reason: error.to_string(),
                },
            },
        };
        Self {
            directory,
            id,
            location,
            identity,
        }
    }
}

/// The number in `bundle<ID>`.
fn bundle_id(name: &std::ffi::OsStr) -> Option<u64> {
    let digits = name.to_str()?.strip_prefix("bundle")?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// The newest of the directories `version<refreshes>.<revision>`: of the current count of refreshes, if that is known.
fn newest_revision(directory: &Path, refreshes: Option<u64>) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?.flatten();
    let revisions = entries.filter_map(|entry| {
        let name = entry.file_name();
        let (refresh, revision) = name.to_str()?.strip_prefix("version")?.split_once('.')?;
        let number: (u64, u64) = (refresh.parse().ok()?, revision.parse().ok()?);
        let is_directory = entry.file_type().ok()?.is_dir();
        is_directory.then_some((number, entry.path()))
    });
    let mut revisions: Vec<_> = revisions.collect();
    revisions.sort();
    let current = revisions
        .iter()
        .rfind(|((refresh, _), _)| refreshes.is_none_or(|current| *refresh == current));
    current.or(revisions.last()).map(|(_, path)| path.clone())
}

/// Whether the last part of a location is the jar of `name`: `<name>-<version>.jar` or `<name>.jar`.
fn names_jar_of(location: &str, name: &str) -> bool {
    let file = location.rsplit(['/', ':']).next().unwrap_or_default();
    let Some(rest) = file.strip_prefix(name) else {
        return false;
    };
    let is_version = rest
        .strip_prefix('-')
        .is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()));
    is_version || rest == ".jar"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_another_bundle() {
        for (location, name, is_it) in [
            (
                "launchpad:resources/install/0/com.adobe.granite.crypto-3.0.22.jar",
                CRYPTO,
                true,
            ),
            (
                "launchpad:resources/install/0/com.adobe.granite.crypto.file-0.0.16.jar",
                CRYPTO,
                false,
            ),
            (
                "jcrinstall:/libs/x/com.adobe.granite.crypto.file-0.0.16.jar",
                CRYPTO_FILE,
                true,
            ),
            ("slinginstall:com.adobe.granite.crypto.jar", CRYPTO, true),
            ("com.adobe.granite.crypto-config-1.jar", CRYPTO, false),
            ("", CRYPTO, false),
        ] {
            assert_eq!(names_jar_of(location, name), is_it, "{location}");
        }
    }

    #[test]
    fn the_number_is_only_digits() {
        let id = |name: &str| bundle_id(name.as_ref());
        assert_eq!(id("bundle25"), Some(25));
        for name in ["bundle", "bundle+1", "bundle25.bak", "bundles", "x25"] {
            assert_eq!(id(name), None, "{name}");
        }
    }

    #[test]
    fn the_newest_revision_is_found_by_number() {
        let scratch = tempfile::tempdir().unwrap();
        for name in [
            "version0.0",
            "version2.9",
            "version2.10",
            "version10.0",
            "versions",
        ] {
            fs::create_dir(scratch.path().join(name)).unwrap();
        }
        let newest = |refreshes| newest_revision(scratch.path(), refreshes).unwrap();
        assert!(newest(Some(2)).ends_with("version2.10"));
        assert!(newest(None).ends_with("version10.0"));
        assert!(newest(Some(7)).ends_with("version10.0"));
    }
}
