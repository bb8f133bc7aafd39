//! The data directory of an instance: what is in it, and who may read it.
//!
//! ```text
//! format           the version of this layout: "1"
//! signet.toml      the configuration
//! initialised      keys and repository were made: what is missing from now on is lost, not new
//! keys/            the keys (signet-keys)
//! node/            the identity of this instance towards the others (signet-bundle)
//! audit.log        who changed what (signet-audit), with audit.head and audit.lock beside it
//! repository.db    users, groups, marks, settings (signet-repository)
//! run/lock         held by the one instance that runs on this directory
//! run/signet.sock  where a command pokes the running instance
//! run/admin        where its admin listener listens, and the certificate that it shows
//! ```

mod admin;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use signet_audit::AuditLog;
use signet_keys::{KeyError, KeyStore, KeyStoreOptions, atomic};
use signet_repository::{IfMissing, Repository, RepositoryError, RepositoryOptions, RepositoryUrl};

pub use admin::AdminAddress;

use crate::config::{Config, ConfigError};
use crate::file;
use crate::owner;
use crate::poke::{self, Poked};
use crate::repository_keys::RepositoryKeys;
use crate::shell::quoted;
use crate::tls::Fingerprint;

/// The version of the layout that this program writes and reads.
const FORMAT: &str = "1";
const FORMAT_FILE: &str = "format";
/// What has more bytes than this names no version, and no address.
const WORD_MOST: usize = 4 * 1024;
/// What has more bytes than this is no configuration.
const CONFIG_MOST: usize = 4 * 1024 * 1024;
pub(crate) const CONFIG_FILE: &str = "signet.toml";
const AUDIT_FILE: &str = "audit.log";
/// How long, and how often, somebody may look at the lock while an instance starts.
const GLANCE: Duration = Duration::from_millis(20);
const GLANCES: u32 = 10;
const INITIALISED_FILE: &str = "initialised";

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// There is none.
    #[error("there is no data directory at {0}")]
    Missing(PathBuf),
    /// Something is there that no instance made.
    #[error("{0} is not a data directory of Signet: it is not empty and has no file \"format\"")]
    Foreign(PathBuf),
    /// Written by a version that this one does not know.
    #[error("{path} has the layout version {found:?}, this program knows {FORMAT:?}")]
    Version {
        /// The directory.
        path: PathBuf,
        /// What its file `format` says.
        found: String,
    },
    /// Others may read it.
    #[error("{path} has the mode {mode:04o}: other users of this machine can read it")]
    TooOpen {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to another user, who could change everything in it.
    #[error("{path} belongs to the user {owner}, this process runs as {user}")]
    NotOurs {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// As whom this runs.
        user: u32,
    },
    /// A file could not be read.
    #[error("{path} could not be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("{path} could not be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl DataError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Missing(path) => format!(
                "`signet serve --data {}` makes it, or name another with --data or $SIGNET_DATA",
                quoted(path)
            ),
            Self::Foreign(_) => "name an empty or new directory with --data".to_owned(),
            Self::Version { .. } => {
                "use the version of signet that wrote it, or a newer one".to_owned()
            }
            Self::TooOpen { path, .. } => format!("`chmod 700 {}`", quoted(path)),
            Self::NotOurs { path, owner, .. } => owner::remedy(path, *owner, "…"),
            Self::Read { path, source } => match source.kind() {
                io::ErrorKind::PermissionDenied => format!(
                    "run it as the user that the instance runs as; `ls -ld {}` says who that is",
                    quoted(path.parent().unwrap_or(path))
                ),
                _ => format!("`ls -l {}` says what it is", quoted(path)),
            },
            Self::Write { path, .. } => format!(
                "is {} writable for this user, and is there room on its disk?",
                path.parent().unwrap_or(path).display()
            ),
            Self::Config(_) => {
                "correct the file; `signet config check` reads it without using it".to_owned()
            }
        }
    }
}

/// A data directory that exists and is of a version this program knows.
#[derive(Clone, Debug)]
pub struct DataDirectory {
    path: PathBuf,
}

/// How the name begins of what was in a data directory before a restore: within it, or behind a dot and its name beside it.
pub const KEPT_ASIDE: &str = "before-restore-";

impl DataDirectory {
    /// The directory at `path`, which must exist.
    ///
    /// # Errors
    /// There is none, or it is not one of this version.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let directory = Self {
            path: absolute(path)?,
        };
        let format = directory.path.join(FORMAT_FILE);
        match file::text(&format, WORD_MOST) {
            Ok(found) if found.trim() == FORMAT => directory.check_mode(),
            Ok(found) => Err(DataError::Version {
                path: directory.path,
                found: found.trim().chars().take(20).collect(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if directory.is_empty_or_missing()? {
                    Err(DataError::Missing(directory.path))
                } else {
                    Err(DataError::Foreign(directory.path))
                }
            }
            Err(source) => Err(DataError::Read {
                path: format,
                source,
            }),
        }
    }

    /// The directory at `path`; made with `config` as its configuration if it is empty or missing.
    ///
    /// # Errors
    /// It holds something else, is of another version, or cannot be written.
    pub fn open_or_create(path: &Path, config: &str) -> Result<Self, DataError> {
        match Self::open(path) {
            Err(DataError::Missing(path)) => Self::create(path, config),
            opened => opened,
        }
    }

    fn create(path: PathBuf, config: &str) -> Result<Self, DataError> {
        let write = |path: &Path, source| DataError::Write {
            path: path.to_owned(),
            source,
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|source| write(&path, source))?;
        let config_file = path.join(CONFIG_FILE);
        if !config_file.exists() {
            atomic::write(&config_file, config.as_bytes())
                .map_err(|error| write(&config_file, error.source))?;
        }
        // Last, so that a start that was cut short begins anew.
        let format = path.join(FORMAT_FILE);
        atomic::write(&format, format!("{FORMAT}\n").as_bytes())
            .map_err(|error| write(&format, error.source))?;
        Self { path }.check_mode()
    }

    /// The directory at `path`, whatever is there: to look what is wrong with it.
    pub(crate) fn unchecked(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its configuration is.
    #[must_use]
    pub fn config_path(&self) -> PathBuf {
        self.path.join(CONFIG_FILE)
    }

    /// Where the identity of this instance is, once it was needed.
    #[must_use]
    pub fn node_directory(&self) -> PathBuf {
        self.path.join("node")
    }

    /// Its configuration.
    ///
    /// # Errors
    /// The file cannot be read, or is wrong somewhere.
    pub fn config(&self) -> Result<Config, DataError> {
        Ok(Config::parse(&self.config_text()?, &self.config_path())?)
    }

    /// The text of its configuration.
    ///
    /// # Errors
    /// The file cannot be read, is no regular file, or is too large to be a configuration.
    pub fn config_text(&self) -> Result<String, DataError> {
        let path = self.config_path();
        file::text(&path, CONFIG_MOST).map_err(|source| DataError::Read { path, source })
    }

    /// Its keys.
    ///
    /// # Errors
    /// The directory of the keys is not as its custody demands.
    pub fn key_store(&self, config: &Config) -> Result<KeyStore, KeyError> {
        KeyStore::open(&self.keys_directory(), self.key_options(config))
    }

    pub(crate) fn keys_directory(&self) -> PathBuf {
        self.path.join("keys")
    }

    /// How its keys are kept, and the other place where they may be.
    pub(crate) fn key_options(&self, config: &Config) -> KeyStoreOptions {
        KeyStoreOptions {
            custody: config.keys.custody.into(),
            repository: Some(Arc::new(RepositoryKeys::new(self.repository_url(config)))),
        }
    }

    fn repository_url(&self, config: &Config) -> RepositoryUrl {
        RepositoryUrl::sqlite(&config.repository.url.path).under(&self.path)
    }

    /// Its repository.
    ///
    /// # Errors
    /// The repository cannot be opened.
    pub async fn repository(
        &self,
        config: &Config,
        if_missing: IfMissing,
    ) -> Result<Repository, RepositoryError> {
        let url = self.repository_url(config);
        Repository::open(RepositoryOptions::new(url, if_missing)).await
    }

    /// Its log of changes.
    #[must_use]
    pub fn audit_log(&self) -> AuditLog {
        AuditLog::at(&self.path.join(AUDIT_FILE))
    }

    /// Makes a running instance look at everything now, and waits until it has.
    ///
    /// Without one nothing happens: the next start reads everything anyway.
    pub async fn poke(&self) -> Poked {
        poke::poke(&self.socket()).await
    }

    /// Whether an instance has started here before: then keys and repository must be there, and are never made anew.
    pub(crate) fn is_initialised(&self) -> bool {
        self.path.join(INITIALISED_FILE).exists()
    }

    /// Remembers that keys, repository and administrator are there.
    pub(crate) fn initialised(&self) -> Result<(), DataError> {
        let path = self.path.join(INITIALISED_FILE);
        if path.exists() {
            return Ok(());
        }
        let note = "Keys and repository were made. If one is missing later, it is lost, and is not made anew.\n";
        atomic::write(&path, note.as_bytes()).map_err(|error| DataError::Write {
            path,
            source: error.source,
        })
    }

    /// Claims the directory for one running instance, for as long as the result lives; `None` if another has it.
    pub(crate) fn claim(&self) -> Result<Option<fs::File>, DataError> {
        let path = self.path.join("run").join("lock");
        let claimed = (|| {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(self.path.join("run"))?;
            let file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)?;
            // Whoever only looks whether it is held has it for a moment, too.
            for _ in 0..GLANCES {
                match file.try_lock() {
                    Ok(()) => return Ok(Some(file)),
                    Err(fs::TryLockError::WouldBlock) => std::thread::sleep(GLANCE),
                    Err(fs::TryLockError::Error(error)) => return Err(error),
                }
            }
            Ok(None)
        })();
        claimed.map_err(|source| DataError::Write { path, source })
    }

    /// Whether an instance runs on this directory: it holds a lock for as long as it lives.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        self.claimed().is_ok_and(|claimed| claimed)
    }

    /// The same, or why this user cannot know.
    pub(crate) fn claimed(&self) -> io::Result<bool> {
        let lock = match file::open(&self.path.join("run").join("lock")) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        // One that is free is not kept for longer than this takes.
        let locked = lock.try_lock_shared();
        Ok(matches!(locked, Err(fs::TryLockError::WouldBlock)))
    }

    /// Where the admin listener of the instance that runs here listens, as that instance wrote it down; `None` if none runs.
    #[must_use]
    pub fn admin(&self) -> Option<AdminAddress> {
        if !self.is_claimed() {
            return None;
        }
        AdminAddress::parse(&file::text(&self.admin_file(), WORD_MOST).ok()?)
    }

    /// Writes down where the admin listener listens, for the commands, and the certificate that it shows if it speaks TLS.
    pub(crate) fn tell_admin(
        &self,
        socket: SocketAddr,
        certificate: Option<Fingerprint>,
    ) -> Result<(), DataError> {
        let path = self.admin_file();
        let line = AdminAddress {
            socket,
            certificate,
        }
        .line();
        atomic::write(&path, line.as_bytes()).map_err(|error| DataError::Write {
            path,
            source: error.source,
        })
    }

    /// Nobody is to be asked where an earlier instance listened.
    pub(crate) fn forget_admin(&self) {
        let _ = fs::remove_file(self.admin_file());
    }

    fn admin_file(&self) -> PathBuf {
        self.path.join("run").join("admin")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join("run").join("signet.sock")
    }

    fn is_empty_or_missing(&self) -> Result<bool, DataError> {
        match fs::read_dir(&self.path) {
            Ok(mut entries) => Ok(entries.all(|entry| {
                // A start that was cut short may have left the configuration, and an administrator may have put it there,
                // or the keys of another instance, or a certificate.
                entry.is_ok_and(|entry| {
                    let name = entry.file_name();
                    name == CONFIG_FILE
                        || name == "keys"
                        || name == "tls"
                        || name.to_string_lossy().starts_with(".tmp")
                })
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(source) => Err(DataError::Read {
                path: self.path.clone(),
                source,
            }),
        }
    }

    fn check_mode(self) -> Result<Self, DataError> {
        let metadata = fs::metadata(&self.path).map_err(|source| DataError::Read {
            path: self.path.clone(),
            source,
        })?;
        let mode = metadata.permissions().mode() & 0o7777;
        let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
        if owner != user {
            return Err(DataError::NotOurs {
                path: self.path,
                owner,
                user,
            });
        }
        if mode & 0o077 != 0 {
            return Err(DataError::TooOpen {
                path: self.path,
                mode,
            });
        }
        Ok(self)
    }
}

fn absolute(path: &Path) -> Result<PathBuf, DataError> {
    std::path::absolute(path).map_err(|source| DataError::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn it_is_made_once_and_found_again() {
        let scratch = scratch();
        let path = scratch.path().join("data");
        assert!(matches!(
            DataDirectory::open(&path),
            Err(DataError::Missing(_))
        ));
        DataDirectory::open_or_create(&path, "role = \"author\"\n").unwrap();
        let again = DataDirectory::open_or_create(&path, "role = \"publish\"\n").unwrap();
        assert_eq!(again.config().unwrap().role, crate::config::Role::Author);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }

    #[test]
    fn what_it_does_not_know_it_leaves_alone() {
        let scratch = scratch();
        let path = scratch.path().join("data");
        DataDirectory::open_or_create(&path, "").unwrap();
        fs::write(path.join("format"), "2\n").unwrap();
        assert!(matches!(
            DataDirectory::open_or_create(&path, ""),
            Err(DataError::Version { .. })
        ));
        fs::remove_file(path.join("format")).unwrap();
        fs::write(path.join("letters.txt"), "dear").unwrap();
        assert!(matches!(
            DataDirectory::open_or_create(&path, ""),
            Err(DataError::Foreign(_))
        ));
    }

    #[test]
    fn what_was_prepared_for_the_first_start_is_taken() {
        let scratch = scratch();
        let path = scratch.path().join("data");
        fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        for name in ["keys", "tls"] {
            fs::create_dir(path.join(name)).unwrap();
        }
        fs::write(path.join("signet.toml"), "role = \"author\"\n").unwrap();
        let directory = DataDirectory::open_or_create(&path, "").unwrap();
        assert_eq!(
            directory.config().unwrap().role,
            crate::config::Role::Author
        );
    }

    // K2
    #[test]
    fn it_is_for_one_user_alone() {
        let scratch = scratch();
        let path = scratch.path().join("data");
        DataDirectory::open_or_create(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(
            DataDirectory::open(&path),
            Err(DataError::TooOpen { mode: 0o755, .. })
        ));
    }

    #[test]
    fn what_is_no_regular_file_is_not_waited_for() {
        use std::error::Error as _;

        let scratch = scratch();
        let path = scratch.path().join("data");
        let directory = DataDirectory::open_or_create(&path, "").unwrap();
        let config = directory.config_path();
        let pipe = |path: &Path| {
            fs::remove_file(path).unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, path, 0o600.into()).unwrap();
        };
        let why = |error: DataError| error.source().unwrap().to_string();

        // As large as the disk, and as a file of nothing.
        let file = fs::File::create(&config).unwrap();
        file.set_len(3 << 30).unwrap();
        assert_eq!(
            why(directory.config().unwrap_err()),
            "it has more than 4194304 bytes"
        );
        pipe(&config);
        let error = directory.config().unwrap_err();
        assert!(error.hint().starts_with("`ls -l '"), "{}", error.hint());
        assert_eq!(why(error), "it is not a regular file");
        pipe(&path.join("format"));
        let error = DataDirectory::open(&path).unwrap_err();
        assert_eq!(why(error), "it is not a regular file");
    }
}
