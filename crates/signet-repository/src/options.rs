//! Where the repository is and how it is opened.

use core::fmt;
use core::str::FromStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a text is not the address of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryUrlError {
    /// Another scheme than `sqlite:`, or none.
    #[error("expected the address of a repository, sqlite:PATH")]
    Scheme,
    /// No path behind the scheme.
    #[error("expected a path behind sqlite:")]
    Path,
}

/// The address of a repository: `sqlite:PATH`.
///
/// What stands behind the colon is a path as it is, without escapes or parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryUrl {
    path: PathBuf,
}

impl RepositoryUrl {
    /// The address of the file at `path`.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The same address, with a relative path taken from `directory` on.
    #[must_use]
    pub fn under(&self, directory: &Path) -> Self {
        Self::sqlite(directory.join(&self.path))
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl FromStr for RepositoryUrl {
    type Err = RepositoryUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("sqlite:") {
            None => Err(RepositoryUrlError::Scheme),
            Some(path) if path.is_empty() || path.starts_with(':') || path.contains('\0') => {
                Err(RepositoryUrlError::Path)
            }
            Some(path) => Ok(Self::sqlite(path)),
        }
    }
}

impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:{}", self.path.display())
    }
}

/// What to do when there is no repository yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// Make one.
    Create,
    /// Fail with [`RepositoryError::Missing`](crate::RepositoryError::Missing).
    Refuse,
}

/// How a repository is opened.
#[derive(Clone, Debug)]
pub struct RepositoryOptions {
    pub(crate) url: RepositoryUrl,
    pub(crate) if_missing: IfMissing,
    pub(crate) readers: u32,
    pub(crate) patience: Duration,
}

impl RepositoryOptions {
    /// Opens the repository at `url`, with two connections that read and ten seconds of patience.
    #[must_use]
    pub fn new(url: RepositoryUrl, if_missing: IfMissing) -> Self {
        Self {
            url,
            if_missing,
            readers: 2,
            patience: Duration::from_secs(10),
        }
    }

    /// How many connections may read at once, at least one.
    #[must_use]
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How long to wait for other processes before giving up with [`RepositoryError::Busy`](crate::RepositoryError::Busy).
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience.min(Duration::from_secs(3_600));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_are_taken_from_the_data_directory() {
        let url: RepositoryUrl = "sqlite:repository.db".parse().unwrap();
        let data = Path::new("/srv/signet");
        assert_eq!(
            url.under(data).to_string(),
            "sqlite:/srv/signet/repository.db"
        );
        let absolute: RepositoryUrl = "sqlite:/var/x.db".parse().unwrap();
        assert_eq!(absolute.under(data), absolute);
    }

    #[test]
    fn what_cannot_be_opened_is_refused() {
        for (text, error) in [
            ("postgres://host/db", RepositoryUrlError::Scheme),
            ("repository.db", RepositoryUrlError::Scheme),
            ("sqlite:", RepositoryUrlError::Path),
            ("sqlite::memory:", RepositoryUrlError::Path),
        ] {
            assert_eq!(text.parse::<RepositoryUrl>(), Err(error), "{text}");
        }
    }
}
