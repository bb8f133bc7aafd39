//! Certificates that are made while a test runs, and the files that hold them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::Tls;
use crate::config::Config;

/// A certificate that signs itself, and its key, both as PEM.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Made {
    pub(crate) fn new(names: &[&str]) -> Self {
        Self::between(names, 2020, 2090)
    }

    /// Valid from the first of January to the first of January.
    pub(crate) fn between(names: &[&str], from: i32, to: i32) -> Self {
        Self::with(names, from, to, &KeyPair::generate().unwrap())
    }

    pub(crate) fn with(names: &[&str], from: i32, to: i32, key: &KeyPair) -> Self {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        Self {
            certificate: params.self_signed(key).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A data directory with a certificate and a key in it.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new(made: &Made) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.put(made);
        files
    }

    pub(crate) fn put(&self, made: &Made) {
        self.put_certificate(made.certificate.as_bytes());
        self.put_key(made.key.as_bytes());
    }

    pub(crate) fn put_certificate(&self, bytes: &[u8]) {
        fs::write(self.certificate(), bytes).unwrap();
    }

    pub(crate) fn put_key(&self, bytes: &[u8]) {
        fs::write(self.key(), bytes).unwrap();
        self.key_mode(0o600);
    }

    pub(crate) fn key_mode(&self, mode: u32) {
        fs::set_permissions(self.key(), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.path().join("cert.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.path().join("key.pem")
    }

    /// A configuration that names them.
    pub(crate) fn config(more: &str) -> Config {
        let text = format!(
            "public_url = \"https://localhost\"\n{more}\n[tls]\ncertificate = \"cert.pem\"\nkey_file = \"key.pem\"\n"
        );
        Config::parse(&text, Path::new("signet.toml")).unwrap()
    }

    pub(crate) fn open(&self) -> Tls {
        Tls::open(&Self::config(""), self.path()).unwrap().unwrap()
    }
}
