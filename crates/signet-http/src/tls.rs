//! The one place that builds a TLS configuration, and what its refusals mean.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use sha2::{Digest as _, Sha256};
use signet_core::{Seconds, UnixSeconds};

use crate::file;

/// No file of certificates is larger, in bytes.
const LARGEST_CA_FILE: u64 = 4 * 1_024 * 1_024;

/// Why no connection could be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file with further certificates could not be read.
    #[error("the certificates of {} could not be read", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file with further certificates holds none.
    #[error("{} holds no certificate in PEM form", path.display())]
    CaFileEmpty {
        /// The file.
        path: PathBuf,
    },
    /// This machine trusts nobody.
    #[error("this machine has no root certificates, so no server can be trusted")]
    NoRoots,
    /// The certificate was issued by nobody who is trusted here.
    #[error("the certificate of {host} is not issued by anybody this machine trusts")]
    UnknownIssuer {
        /// The server.
        host: String,
    },
    /// The certificate is not valid any more.
    #[error("the certificate of {host} has expired{}", ago(*since))]
    Expired {
        /// The server.
        host: String,
        /// How long ago, by the clock of this machine.
        since: Option<Seconds>,
    },
    /// The certificate is not valid yet, or the clock of this machine is behind.
    #[error("the certificate of {host} is not valid yet{}", ahead(*until))]
    NotYetValid {
        /// The server.
        host: String,
        /// How long until it is, by the clock of this machine.
        until: Option<Seconds>,
    },
    /// The certificate is for another name.
    #[error("the certificate of the server is not for {host}{}", instead(names))]
    WrongName {
        /// The name that was asked for.
        host: String,
        /// The names that it is for.
        names: Vec<String>,
    },
    /// The server shows another certificate than the one that it is known by.
    #[error("{host} shows another certificate than the one that it is known by")]
    NotPinned {
        /// The server.
        host: String,
    },
    /// Server and client found no common ground.
    #[error("no TLS connection to {host}: {reason}")]
    Refused {
        /// The server.
        host: String,
        /// What rustls says.
        reason: String,
    },
}

impl TlsError {
    /// A stable name of the kind of failure.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CaFile { .. } | Self::CaFileEmpty { .. } => "CLIENT_CA_FILE",
            Self::NoRoots => "CLIENT_TLS_NO_ROOTS",
            Self::UnknownIssuer { .. } => "CLIENT_TLS_UNKNOWN_ISSUER",
            Self::Expired { .. } => "CLIENT_TLS_EXPIRED",
            Self::NotYetValid { .. } => "CLIENT_TLS_NOT_YET_VALID",
            Self::WrongName { .. } => "CLIENT_TLS_WRONG_NAME",
            Self::NotPinned { .. } => "CLIENT_TLS_NOT_PINNED",
            Self::Refused { .. } => "CLIENT_TLS_REFUSED",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::CaFile { .. } => {
                "make the file readable for this program's user, or name another file of certificates"
            }
            Self::CaFileEmpty { .. } => {
                "it must hold certificates between BEGIN CERTIFICATE and END CERTIFICATE"
            }
            Self::NoRoots => {
                "install the package ca-certificates, or name a file of certificates (ca_file, --ca-file)"
            }
            Self::UnknownIssuer { .. } => {
                "if the server, or an inspecting proxy before it, has a certificate of a private authority, name that authority's certificate (ca_file, --ca-file); otherwise somebody may be listening in"
            }
            Self::Expired { .. } => {
                "compare the clock of this machine with another; if it is right, the operator of the server must renew the certificate"
            }
            Self::NotYetValid { .. } => {
                "the clock of this machine is probably behind: compare it with another, and let it be set by a time service"
            }
            Self::WrongName { .. } => {
                "correct the host in the URL; if it is right, something else answers in its place"
            }
            Self::NotPinned { .. } => {
                "if the server has not just got another certificate, something else answers in its place"
            }
            Self::Refused { .. } => {
                "check that the port of the URL speaks TLS 1.2 or 1.3, and what stands between this machine and it"
            }
        }
    }
}

/// How connections are secured: TLS 1.2 and 1.3, the roots of the system and those of `ca_file`,
/// certificates judged as of `now`.
///
/// # Errors
/// If a file cannot be read, or nobody is trusted.
pub(crate) fn client_config(
    ca_file: Option<&Path>,
    now: UnixSeconds,
) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    // What of the system's is damaged is left out, as every other program does.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        let (added, _) = roots.add_parsable_certificates(certificates(path)?);
        if added == 0 {
            return Err(TlsError::CaFileEmpty {
                path: path.to_owned(),
            });
        }
    }
    if roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let internal = |error: &dyn std::fmt::Display| TlsError::Refused {
        host: "any server".to_owned(),
        reason: error.to_string(),
    };
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| internal(&error))?;
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(Present(now)))
        .with_safe_default_protocol_versions()
        .map_err(|error| internal(&error))?
        .with_webpki_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The same versions and algorithms, for a server that is known by its certificate.
///
/// # Errors
/// If rustls has none of them.
pub(crate) fn pinned_config(pinned: Pin) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Pinned {
        pinned,
        algorithms: provider.signature_verification_algorithms,
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Refused {
            host: "any server".to_owned(),
            reason: error.to_string(),
        })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The SHA-256 of the one certificate that a server may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin(pub [u8; 32]);

/// Accepts that certificate, from whoever shows that the key is there as well.
#[derive(Debug)]
struct Pinned {
    pinned: Pin,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match Sha256::digest(certificate)[..] == self.pinned.0 {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What the failure of a handshake with `host` means; nothing if it was not TLS that failed.
pub(crate) fn explain(error: &io::Error, host: &str) -> Option<TlsError> {
    let host = host.to_owned();
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return Some(TlsError::Refused {
            host,
            reason: reason(error),
        });
    };
    Some(match certificate {
        CertificateError::ApplicationVerificationFailure => TlsError::NotPinned { host },
        CertificateError::UnknownIssuer => TlsError::UnknownIssuer { host },
        CertificateError::Expired => TlsError::Expired { host, since: None },
        CertificateError::ExpiredContext { time, not_after } => TlsError::Expired {
            host,
            since: Some(Seconds(time.as_secs().saturating_sub(not_after.as_secs()))),
        },
        CertificateError::NotValidYet => TlsError::NotYetValid { host, until: None },
        CertificateError::NotValidYetContext { time, not_before } => TlsError::NotYetValid {
            host,
            until: Some(Seconds(not_before.as_secs().saturating_sub(time.as_secs()))),
        },
        CertificateError::NotValidForName => TlsError::WrongName {
            host,
            names: Vec::new(),
        },
        CertificateError::NotValidForNameContext { presented, .. } => TlsError::WrongName {
            host,
            names: presented.iter().map(|name| named(name)).take(5).collect(),
        },
        other => TlsError::Refused {
            host,
            reason: other.to_string(),
        },
    })
}

fn reason(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(_) => {
            "what answers there does not speak TLS; it may speak plain http".to_owned()
        }
        other => other.to_string(),
    }
}

/// rustls writes `DnsName("example.com")`.
fn named(name: &str) -> String {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"').to_owned()
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |source| TlsError::CaFile {
        path: path.to_owned(),
        source,
    };
    let mut text = Vec::new();
    file::open(path)
        .and_then(|file| file.take(LARGEST_CA_FILE + 1).read_to_end(&mut text))
        .map_err(unreadable)?;
    if text.len() as u64 > LARGEST_CA_FILE {
        let message = "it is too large to be a file of certificates";
        let error = io::Error::new(io::ErrorKind::InvalidData, message);
        return Err(unreadable(error));
    }
    let parsed: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    parsed.map_err(|_| TlsError::CaFileEmpty {
        path: path.to_owned(),
    })
}

/// Time is a parameter here as well.
#[derive(Debug)]
struct Present(UnixSeconds);

impl TimeProvider for Present {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0.0)))
    }
}

fn ago(since: Option<Seconds>) -> String {
    since.map_or_else(String::new, |span| {
        format!(", {} ago by the clock of this machine", roughly(span))
    })
}

fn ahead(until: Option<Seconds>) -> String {
    until.map_or_else(String::new, |span| {
        format!(
            ", for another {} by the clock of this machine",
            roughly(span)
        )
    })
}

fn instead(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!(", but for {}", names.join(", ")),
    }
}

/// A span of time in its largest unit, such as "3 days".
#[must_use]
pub fn roughly(span: Seconds) -> String {
    let units = [
        (86_400, "days", "day"),
        (3_600, "hours", "hour"),
        (60, "minutes", "minute"),
    ];
    for (seconds, many, one) in units {
        match span.0 / seconds {
            0 => {}
            1 => return format!("1 {one}"),
            count => return format!("{count} {many}"),
        }
    }
    match span.0 {
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_without_their_kind() {
        assert_eq!(named("DnsName(\"example.com\")"), "example.com");
        assert_eq!(named("example.com"), "example.com");
    }

    #[test]
    fn spans_are_told_in_one_unit() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "1 minute"),
            (7_200, "2 hours"),
            (86_400 * 3, "3 days"),
        ] {
            assert_eq!(roughly(Seconds(seconds)), words);
        }
    }

    #[test]
    fn a_file_without_certificates_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        let code = |path: &Path| {
            let error = client_config(Some(path), UnixSeconds(1_800_000_000)).unwrap_err();
            assert!(error.to_string().contains("ca.pem"), "{error}");
            error.code()
        };
        assert_eq!(code(&file), "CLIENT_CA_FILE");
        std::fs::write(&file, "<html>not found</html>").unwrap();
        assert_eq!(code(&file), "CLIENT_CA_FILE");
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(&file, broken).unwrap();
        assert_eq!(code(&file), "CLIENT_CA_FILE");
        std::fs::remove_file(&file).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &file, mode).unwrap();
        assert_eq!(code(&file), "CLIENT_CA_FILE");
    }
}
