//! Why an installation was not read.

use std::io;
use std::path::PathBuf;

/// Why an installation was not read. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AemError {
    /// The folder holds no bundles.
    #[error("{} is no AEM installation: there is no directory of bundles in it", folder.display())]
    NoCache {
        /// The folder that was named.
        folder: PathBuf,
    },
    /// There are bundles, but not those of the keys.
    #[error(
        "there are bundles in {}, but none is com.adobe.granite.crypto or com.adobe.granite.crypto.file",
        listed(caches)
    )]
    NoCryptoBundle {
        /// The directories that were looked at.
        caches: Vec<PathBuf>,
    },
    /// Several installations in one folder.
    #[error(
        "there is more than one directory of bundles with the keys: {}",
        listed(caches)
    )]
    SeveralCaches {
        /// The directories.
        caches: Vec<PathBuf>,
    },
    /// A directory could not be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl AemError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoCache { .. } => {
                "name the crx-quickstart folder, or the one that holds the directories bundle0, bundle1 and so on"
                    .into()
            }
            Self::NoCryptoBundle { .. } => {
                "is it another Sling application, or was the folder copied without its jars?".into()
            }
            Self::SeveralCaches { .. } => "name one of them".into(),
            Self::Unreadable { path, .. } => {
                format!("run this as the user who owns {}", path.display())
            }
        }
    }
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", ")
}
