//! A certificate and its key, and what TLS is made of with them.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use zeroize::Zeroizing;

use super::certificate::Certificate;
use super::error::{Fault, TlsError, TlsFile};
use super::file::Source;
use crate::config::{Custody, TlsFiles};

/// No way to an authority is longer. Who puts all the authorities of a system behind the certificate has more, and clients
/// that give up at them.
const MOST_CERTIFICATES: usize = 16;

/// A certificate and its key, which fit together.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) certificate: Certificate,
    pub(super) config: Arc<ServerConfig>,
    /// Of both files.
    pub(super) digest: [u8; 32],
}

impl Pair {
    pub(super) fn load(files: &TlsFiles, custody: Custody) -> Result<Self, TlsError> {
        Self::of(&Source::read(files, custody)?, files)
    }

    pub(super) fn of(source: &Source, files: &TlsFiles) -> Result<Self, TlsError> {
        let chain = chain(&source.certificate, &files.certificate)?;
        let read = read(&chain, &files.certificate)?;
        let key = key(&source.key, &files.key)?;
        let config = match server_config(&chain, &key) {
            Ok(config) => config,
            Err(rustls::Error::InconsistentKeys(_)) => {
                return Err(mismatch(&chain, &key, files));
            }
            Err(error) => return Err(TlsError::Refused(error)),
        };
        Ok(Self {
            certificate: read,
            config: Arc::new(config),
            digest: source.digest(),
        })
    }
}

/// TLS 1.2 and 1.3 with what rustls thinks safe, and HTTP/1.1 in it. Sessions are resumed from a small memory of their own, so
/// no ticket key is shared with anybody, and none outlives the certificate.
fn server_config(
    chain: &[CertificateDer<'static>],
    key: &Arc<dyn SigningKey>,
) -> Result<ServerConfig, rustls::Error> {
    let certified = CertifiedKey::new(chain.to_vec(), Arc::clone(key));
    certified.keys_match()?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn chain(text: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |fault| TlsError::Content {
        file: TlsFile::Certificate,
        path: path.to_owned(),
        fault,
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(whole(text)).collect();
    let chain = chain.map_err(|error| wrong(fault(&error)))?;
    match chain.len() {
        0 if is_der(text) => Err(wrong(Fault::NotPem)),
        0 => Err(wrong(Fault::NoCertificate)),
        1..=MOST_CERTIFICATES => Ok(chain),
        _ => Err(wrong(Fault::TooManyCertificates)),
    }
}

/// Reads every certificate, and returns what the first says: a damaged one further on fails at some clients only.
fn read(chain: &[CertificateDer<'_>], path: &Path) -> Result<Certificate, TlsError> {
    let mut first = None;
    for (index, der) in chain.iter().enumerate() {
        let read = Certificate::parse(der).map_err(|reason| TlsError::Certificate {
            path: path.to_owned(),
            number: index + 1,
            reason,
        })?;
        first.get_or_insert(read);
    }
    first.ok_or_else(|| TlsError::Content {
        file: TlsFile::Certificate,
        path: path.to_owned(),
        fault: Fault::NoCertificate,
    })
}

fn key(text: &[u8], path: &Path) -> Result<Arc<dyn SigningKey>, TlsError> {
    let wrong = |fault| TlsError::Content {
        file: TlsFile::Key,
        path: path.to_owned(),
        fault,
    };
    // The old form says so in a header of the section, the newer one in its name.
    let holds = |words: &[u8]| text.windows(words.len()).any(|window| window == words);
    if holds(b"Proc-Type: 4,ENCRYPTED") || holds(b"BEGIN ENCRYPTED PRIVATE KEY") {
        return Err(wrong(Fault::Encrypted));
    }
    let mut keys = Vec::new();
    for key in PrivateKeyDer::pem_slice_iter(whole(text)) {
        keys.push(Zeroizing::new(key.map_err(|error| wrong(fault(&error)))?));
    }
    match keys.as_slice() {
        [key] => aws_lc_rs::sign::any_supported_type(key).map_err(|_| wrong(Fault::Unusable)),
        [] if is_der(text) => Err(wrong(Fault::NotPem)),
        [] if holds(b"BEGIN CERTIFICATE") => Err(wrong(Fault::OnlyCertificate)),
        [] => Err(wrong(Fault::NoKey)),
        _ => Err(wrong(Fault::SeveralKeys)),
    }
}

fn mismatch(
    chain: &[CertificateDer<'static>],
    key: &Arc<dyn SigningKey>,
    files: &TlsFiles,
) -> TlsError {
    let (certificate, key_file) = (files.certificate.clone(), files.key.clone());
    let fits = |der: &CertificateDer<'static>| {
        let certified = CertifiedKey::new(vec![der.clone()], Arc::clone(key));
        certified.keys_match().is_ok()
    };
    match chain.iter().position(fits) {
        Some(index) => TlsError::Order {
            certificate,
            key: key_file,
            number: index + 1,
        },
        None => TlsError::Mismatch {
            certificate,
            key: key_file,
        },
    }
}

/// Without the mark that some editors put before a text.
fn whole(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Both DER and PKCS #12 begin with a sequence.
fn is_der(text: &[u8]) -> bool {
    text.first() == Some(&0x30)
}

fn fault(error: &pem::Error) -> Fault {
    match error {
        pem::Error::MissingSectionEnd { .. } => Fault::CutOff,
        _ => Fault::Damaged,
    }
}
