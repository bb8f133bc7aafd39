//! Why there is no certificate to show, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::owner;
use crate::shell::quoted;

/// Why a certificate and its key cannot be used. What a file holds is never repeated: it may be the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file could not be read.
    #[error("{path} could not be read")]
    Unreadable {
        /// Which of both.
        file: TlsFile,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file cannot be what it should be.
    #[error("{path} {}", fault.words())]
    Content {
        /// Which of both.
        file: TlsFile,
        /// The file.
        path: PathBuf,
        /// What it is instead.
        fault: Fault,
    },
    /// One of the certificates is none.
    #[error("certificate {number} in {path} is no certificate that can be used: {reason}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Which of those in it, counted from one.
        number: usize,
        /// Why not.
        reason: String,
    },
    /// Others can read the key.
    #[error("{path} has the mode {mode:04o}: other users of this machine can {}", could(*.mode & !*.limit))]
    KeyTooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// Those that it may have.
        limit: u32,
    },
    /// The key belongs to somebody else, who could exchange it.
    #[error("{path} belongs to the user {}", owner::name(*.owner))]
    KeyOwner {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// The key lies inside a git work tree, where it is one `git add` away from being published.
    #[error("{path} is inside the git work tree {tree}: keys do not belong there")]
    KeyInGitWorkTree {
        /// The file.
        path: PathBuf,
        /// The directory that holds `.git`.
        tree: PathBuf,
    },
    /// The key is not that of the certificate.
    #[error("the private key in {key} is not that of the certificate in {certificate}")]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The key is that of another certificate in the file.
    #[error(
        "the private key in {key} is that of certificate {number} in {certificate}, and not of the first"
    )]
    Order {
        /// The file of the certificates.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Which certificate it is, counted from one.
        number: usize,
    },
    /// TLS cannot be made of them.
    #[error("TLS cannot be set up")]
    Refused(#[source] rustls::Error),
}

/// Which of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFile {
    /// `tls.certificate`
    Certificate,
    /// `tls.key_file`
    Key,
}

/// What a file is instead of what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It has no bytes.
    Empty,
    /// It has more bytes than such a file has.
    TooLarge,
    /// It is DER or PKCS #12.
    NotPem,
    /// It begins something that it does not end.
    CutOff,
    /// What stands between BEGIN and END is not whole.
    Damaged,
    /// No certificate is in it.
    NoCertificate,
    /// More certificates are in it than lead to an authority.
    TooManyCertificates,
    /// No private key is in it.
    NoKey,
    /// No private key is in it, but a certificate.
    OnlyCertificate,
    /// More than one private key is in it.
    SeveralKeys,
    /// A password is needed to read the key.
    Encrypted,
    /// Nothing here can use a key of that kind.
    Unusable,
}

impl Fault {
    const fn words(self) -> &'static str {
        match self {
            Self::Empty => "is empty",
            Self::TooLarge => "is too large to be what it should be",
            Self::NotPem => "is not PEM; it looks like DER or PKCS #12",
            Self::CutOff => "is cut off: something begins in it and does not end",
            Self::Damaged => "is damaged: what stands between BEGIN and END is not whole",
            Self::NoCertificate => "holds no certificate",
            Self::TooManyCertificates => {
                "holds more certificates than lead from a server to its authority, and clients give up at so many"
            }
            Self::NoKey => "holds no private key",
            Self::OnlyCertificate => "holds a certificate and no private key",
            Self::SeveralKeys => "holds more than one private key",
            Self::Encrypted => {
                "holds a private key that is encrypted with a password, which nobody is there to type in"
            }
            Self::Unusable => {
                "holds a private key that cannot be used here: RSA from 2048 bits, ECDSA with P-256, P-384 or P-521, and Ed25519 can"
            }
        }
    }
}

impl TlsError {
    /// The key of the configuration that names the file, below `tls`.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Unreadable { file, .. } | Self::Content { file, .. } => match file {
                TlsFile::Certificate => "certificate",
                TlsFile::Key => "key_file",
            },
            Self::KeyTooOpen { .. }
            | Self::KeyOwner { .. }
            | Self::KeyInGitWorkTree { .. }
            | Self::Mismatch { .. } => "key_file",
            _ => "certificate",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { file, path, source } => match (source.kind(), file) {
                (io::ErrorKind::NotFound, _) => format!(
                    "put it there, or name another in tls.{}; relative paths start from the data directory",
                    self.key()
                ),
                (io::ErrorKind::PermissionDenied, TlsFile::Key) => format!(
                    "let the user that the instance runs as read it, and nobody else: a copy that is that user's with the mode 0600, or root's with a group of that user and the mode 0640; `namei -l {}` shows where the way ends",
                    quoted(path)
                ),
                (io::ErrorKind::PermissionDenied, TlsFile::Certificate) => format!(
                    "let the user that the instance runs as read it; `namei -l {}` shows where the way ends",
                    quoted(path)
                ),
                _ => format!("`ls -lL {}` says what it is", quoted(path)),
            },
            Self::Content { file, path, fault } => content(*file, path, *fault),
            Self::Certificate { path, .. } => format!(
                "`openssl x509 -in {} -noout -text` shows what it is; get it anew from whoever issued it",
                quoted(path)
            ),
            Self::KeyTooOpen { path, limit, .. } => {
                format!(
                    "`chmod {limit:03o} {}`; if they could read it, have a new key and certificate made (on a volume of Kubernetes, set defaultMode: 0{limit:03o})",
                    quoted(path)
                )
            }
            Self::KeyOwner { path, .. } => format!(
                "`chown {} {}`, or make it root's with a group of that user and the mode 0640",
                owner::name(owner::myself()),
                quoted(path)
            ),
            Self::KeyInGitWorkTree { .. } => "copy it out of the work tree, for example into the directory tls of the data directory, and name the copy; if it was ever committed, it is known: have a new key and certificate made".to_owned(),
            Self::Mismatch { .. } => {
                "put both in their places together; `openssl x509 -in CERTIFICATE -noout -pubkey` and `openssl pkey -in KEY -pubout` print the same where they fit".to_owned()
            }
            Self::Order { certificate, .. } => format!(
                "write the certificates of {} in the other order: the server's own first, then those that lead to its authority",
                certificate.display()
            ),
            Self::Refused(_) => "have another certificate made, with an RSA, ECDSA or Ed25519 key".to_owned(),
        }
    }
}

const fn could(more: u32) -> &'static str {
    match more & 0o022 {
        0 => "read it",
        _ => "change it",
    }
}

fn content(file: TlsFile, path: &std::path::Path, fault: Fault) -> String {
    let path = quoted(path);
    match (fault, file) {
        (Fault::NotPem, TlsFile::Certificate) => format!(
            "`openssl x509 -inform der -in {path}` writes DER as PEM, `openssl pkcs12 -nokeys -in {path}` the certificates of a PKCS #12"
        ),
        (Fault::NotPem, TlsFile::Key) => format!(
            "`openssl pkey -inform der -in {path}` writes DER as PEM, `openssl pkcs12 -nocerts -nodes -in {path}` the key of a PKCS #12"
        ),
        (Fault::NoCertificate, _) => {
            "it must hold certificates between BEGIN CERTIFICATE and END CERTIFICATE".to_owned()
        }
        (Fault::TooManyCertificates, _) => {
            "leave the server's own and those that lead to its authority, not all that a system trusts".to_owned()
        }
        (Fault::OnlyCertificate, _) => "are tls.certificate and tls.key_file exchanged?".to_owned(),
        (Fault::NoKey, _) => {
            "it must hold a key between BEGIN PRIVATE KEY and END PRIVATE KEY".to_owned()
        }
        (Fault::SeveralKeys, _) => "leave only that of the certificate".to_owned(),
        (Fault::Encrypted, _) => format!(
            "`openssl pkey -in {path} -out NEW` asks for the password and writes it without; keep NEW for this user alone"
        ),
        (Fault::Unusable, _) => {
            "have a key of another kind made, and a certificate for it".to_owned()
        }
        (Fault::TooLarge, _) => format!("`ls -lL {path}` says what it is"),
        _ => "copy it anew, whole".to_owned(),
    }
}
