//! The certificate of the listeners.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{Config, ConfigError};

/// The certificate of the listeners; without one they speak plain HTTP.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate, and behind it those that lead to its authority, as PEM, relative to the data directory. With it the listeners speak TLS from the next start on; from then on other files, and other content, count within 2 seconds.
    #[schemars(with = "Option<String>", extend("x-type" = "path"))]
    pub certificate: Option<Spanned<PathBuf>>,

    /// The private key of the certificate as PEM, not encrypted, relative to the data directory. Nobody but this user may be able to read it, or where it is root's, a group of this user.
    #[schemars(with = "Option<String>", extend("x-type" = "path"))]
    pub key_file: Option<Spanned<PathBuf>>,

    /// Whether the public listener speaks TLS when there is a certificate.
    #[schemars(extend("x-restart" = true))]
    pub public: bool,

    /// Whether the admin listener speaks TLS when there is a certificate.
    #[schemars(extend("x-restart" = true))]
    pub admin: bool,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            certificate: None,
            key_file: None,
            public: true,
            admin: true,
        }
    }
}

/// The two files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl TlsConfig {
    /// The files, if there is a certificate; `directory` is what relative paths start from.
    pub(crate) fn files(&self, directory: &Path) -> Option<TlsFiles> {
        let file = |path: &Option<Spanned<PathBuf>>| {
            let path = path.as_ref()?;
            Some(directory.join(path.get_ref()))
        };
        Some(TlsFiles {
            certificate: file(&self.certificate)?,
            key: file(&self.key_file)?,
        })
    }

    /// Where in the text the key of the configuration has its value, which is `certificate` or `key_file`.
    fn offset(&self, key: &str) -> Option<usize> {
        let value = match key {
            "key_file" => &self.key_file,
            _ => &self.certificate,
        };
        value.as_ref().map(|value| value.span().start)
    }
}

impl Config {
    /// Whether browsers and proxies are to speak TLS with this instance.
    pub(crate) fn is_public_tls(&self) -> bool {
        self.tls.public && self.tls.certificate.is_some()
    }

    pub(super) fn check_tls(&self, text: &str, path: &Path) -> Result<(), ConfigError> {
        let wrong = |key: &str, message: &str| {
            let name = format!("tls.{key}");
            Err(match self.tls.offset(key) {
                Some(offset) => ConfigError::at(&name, offset, text, path, message),
                None => ConfigError::value(&name, text, path, message),
            })
        };
        match (&self.tls.certificate, &self.tls.key_file) {
            (Some(_), None) => return wrong("certificate", "expected tls.key_file beside it"),
            (None, Some(_)) => return wrong("key_file", "expected tls.certificate beside it"),
            _ => {}
        }
        if self.is_public_tls() && self.public_url.0.scheme() != "https" {
            let message = "the public listener speaks TLS (tls.certificate): expected https, or tls.public = false";
            return Err(ConfigError::value("public_url", text, path, message));
        }
        Ok(())
    }

    /// What is wrong with a file that the configuration names, with the place of its name in the text.
    pub(crate) fn tls_fault(
        &self,
        key: &str,
        message: &str,
        text: &str,
        path: &Path,
    ) -> ConfigError {
        let name = format!("tls.{key}");
        let offset = self.tls.offset(key).unwrap_or_default();
        ConfigError::at(&name, offset, text, path, message)
    }
}
