//! TLS on the listeners: the certificate that is shown, and another one as soon as it is there.
//!
//! Files are taken both together or not at all. What is shown goes on being shown while they are wrong, so that a renewal
//! that was cut short harms nobody before the old certificate ends.

mod certificate;
mod error;
mod file;
mod pair;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::ServerConfig;

pub(crate) use certificate::{Age, moment};
pub use certificate::{Certificate, Fingerprint};
pub use error::{Fault, TlsError, TlsFile};
use file::Source;
use pair::Pair;

use crate::chain;
use crate::config::{Config, ConfigError, Custody, TlsFiles};

/// The certificate of the listeners of a running instance.
#[derive(Debug)]
pub(crate) struct Tls {
    /// From which relative paths start.
    directory: PathBuf,
    /// Whether the public listener shows it.
    public: bool,
    /// Whether the admin listener shows it.
    admin: bool,
    in_force: ArcSwap<Pair>,
    watched: Mutex<Watched>,
    failures: AtomicU64,
}

#[derive(Debug)]
struct Watched {
    files: TlsFiles,
    custody: Custody,
    fault: Option<Refused>,
}

/// What was found wrong with the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// What it is, with its causes.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: String,
    /// Whether the log has it. Two files are not exchanged at once, so what is seen for the first time may be mended already.
    is_told: bool,
}

impl Refused {
    fn of(error: &TlsError) -> Self {
        Self {
            message: chain(error),
            hint: error.hint(),
            is_told: false,
        }
    }
}

impl Tls {
    /// Reads the files that the configuration names; `None` if no listener is to speak TLS.
    pub(crate) fn open(config: &Config, directory: &Path) -> Result<Option<Self>, TlsError> {
        let (public, admin) = (config.tls.public, config.tls.admin);
        let Some(files) = config.tls.files(directory).filter(|_| public || admin) else {
            return Ok(None);
        };
        let pair = Pair::load(&files, config.keys.custody)?;
        Ok(Some(Self {
            directory: directory.to_owned(),
            public,
            admin,
            in_force: ArcSwap::from_pointee(pair),
            watched: Mutex::new(Watched {
                files,
                custody: config.keys.custody,
                fault: None,
            }),
            failures: AtomicU64::new(0),
        }))
    }

    /// Goes on with the files that another configuration names. One that names none counts from the next start.
    pub(crate) fn configure(&self, config: &Config) {
        let mut watched = self.watched();
        if let Some(files) = config.tls.files(&self.directory) {
            watched.files = files;
        }
        watched.custody = config.keys.custody;
    }

    /// Reads the files again, and takes them if they are good; returns what is new.
    pub(crate) fn look(&self) -> Result<Option<Certificate>, Refused> {
        let mut watched = self.watched();
        match self.next(&watched) {
            Ok(next) => {
                watched.fault = None;
                Ok(next.map(|pair| {
                    let certificate = pair.certificate.clone();
                    self.in_force.store(Arc::new(pair));
                    certificate
                }))
            }
            Err(error) => {
                let mut fault = Refused::of(&error);
                if let Some(before) = &watched.fault
                    && before.message == fault.message
                {
                    if !before.is_told {
                        tracing::error!(
                            code = "TLS_REFUSED",
                            error = fault.message,
                            hint = fault.hint,
                            "the certificate cannot be used, the former one stays in force"
                        );
                    }
                    fault.is_told = true;
                }
                watched.fault = Some(fault.clone());
                Err(fault)
            }
        }
    }

    fn next(&self, watched: &Watched) -> Result<Option<Pair>, TlsError> {
        let source = Source::read(&watched.files, watched.custody)?;
        if source.digest() == self.in_force.load().digest {
            return Ok(None);
        }
        match Pair::of(&source, &watched.files) {
            // One of both may have been exchanged between the two readings.
            Err(TlsError::Mismatch { .. } | TlsError::Order { .. }) => {
                let source = Source::read(&watched.files, watched.custody)?;
                Pair::of(&source, &watched.files).map(Some)
            }
            other => other.map(Some),
        }
    }

    /// The certificate that is shown.
    pub(crate) fn certificate(&self) -> Certificate {
        self.in_force.load().certificate.clone()
    }

    /// What a new connection is secured with.
    pub(crate) fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.in_force.load().config)
    }

    /// What is wrong with the files, if anything.
    pub(crate) fn fault(&self) -> Option<Refused> {
        self.watched().fault.clone()
    }

    pub(crate) const fn is_public(&self) -> bool {
        self.public
    }

    pub(crate) const fn is_admin(&self) -> bool {
        self.admin
    }

    /// A connection was given up before TLS was agreed on.
    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// How many connections were.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    fn watched(&self) -> std::sync::MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Config {
    /// The certificate in the files that this configuration names, if it names any; `directory` is the data directory.
    ///
    /// # Errors
    /// They cannot be used.
    pub fn certificate(&self, directory: &Path) -> Result<Option<Certificate>, TlsError> {
        let files = self.tls.files(directory);
        files
            .map(|files| Pair::load(&files, self.keys.custody).map(|pair| pair.certificate))
            .transpose()
    }

    /// The same error, with the place in the text of the configuration where the file is named.
    #[must_use]
    pub fn place_of(&self, error: &TlsError, text: &str, path: &Path) -> ConfigError {
        self.tls_fault(error.key(), &chain(error), text, path)
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
