//! What a client says who it is with: where it is kept, and why it cannot be had.

use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use signet_core::KeyId;
use signet_secret::{MasterKeys, OpenError, Place, SealedValue, SealedValueError, Segment};
use zeroize::Zeroizing;

use crate::{ClientName, CredentialKind, file};

/// No secret and no private key is longer, in bytes.
const LONGEST: u64 = 16 * 1_024;

const CLIENT: Segment = Segment::literal("client");
const SECRET: Segment = Segment::literal(CredentialKind::Secret.as_str());
const PRIVATE_KEY: Segment = Segment::literal(CredentialKind::PrivateKey.as_str());
const TOKEN: Segment = Segment::literal("token");

/// Where a client's secret or private key is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialSource {
    /// Sealed, in `signet.toml` or in the repository.
    Sealed(SealedValue),
    /// What stands where a sealed value belongs, and is none.
    Damaged(SealedValueError),
    /// In a file of its own.
    File(PathBuf),
    /// Nowhere.
    Missing,
}

/// Why a client's secret or private key cannot be had. Nothing of it is ever part of this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The sealed value does not open.
    #[error("the {} at {place} does not open", kind.words())]
    DoesNotOpen {
        /// What it is.
        kind: CredentialKind,
        /// The place it belongs to.
        place: Place,
        /// Why not.
        #[source]
        source: OpenError,
    },
    /// There is none.
    #[error("there is no {} at {place}", kind.words())]
    Missing {
        /// What it would be.
        kind: CredentialKind,
        /// The place it belongs to.
        place: Place,
    },
    /// The file cannot be read.
    #[error("the {} could not be read from {}", kind.words(), path.display())]
    File {
        /// What it is.
        kind: CredentialKind,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// What is there cannot be a secret.
    #[error("the secret {0}")]
    Secret(&'static str),
    /// What is there cannot sign.
    #[error("the private key cannot be used: {0}")]
    PrivateKey(&'static str),
    /// The system gave no random bits, or the key did not sign.
    #[error("the statement of the client could not be signed")]
    Signing,
}

impl CredentialError {
    /// A stable name of the kind of failure.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DoesNotOpen { source, .. } => source.code(),
            Self::Missing { .. } => "CLIENT_SECRET_MISSING",
            Self::File { .. } => "CLIENT_SECRET_FILE",
            Self::Secret(_) => "CLIENT_SECRET_MALFORMED",
            Self::PrivateKey(_) => "CLIENT_PRIVATE_KEY",
            Self::Signing => "CLIENT_SIGNING",
        }
    }

    /// The key that is not here, where that is the reason.
    #[must_use]
    pub const fn missing_key(&self) -> Option<KeyId> {
        match self {
            Self::DoesNotOpen {
                source: OpenError::KeyMissing { key, .. },
                ..
            } => Some(*key),
            _ => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::DoesNotOpen { source, .. } => source.hint(),
            Self::Missing { place, .. } => format!("signet secret protect {place}"),
            Self::File { .. } => {
                "the file must exist, be readable for the instance's user, and hold nothing but this one secret".to_owned()
            }
            Self::Secret(_) => "take it again from where it was issued, as one line".to_owned(),
            Self::PrivateKey(_) => {
                "a private key is PEM, RSA of 2048 bits or more or EC on the curve P-256: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 makes one".to_owned()
            }
            Self::Signing => "repeat it; if it persists, check that /dev/urandom is there".to_owned(),
        }
    }
}

/// The place of a client's secret or private key, for example `client/ims/secret`.
#[must_use]
pub fn credential_place(name: &ClientName, kind: CredentialKind) -> Place {
    let what = match kind {
        CredentialKind::Secret => &SECRET,
        CredentialKind::PrivateKey => &PRIVATE_KEY,
    };
    Place::of([&CLIENT, name.segment(), what])
}

/// The place of the token that a client was given.
pub(crate) fn token_place(name: &ClientName) -> Place {
    Place::of([&CLIENT, name.segment(), &TOKEN])
}

impl CredentialSource {
    /// What a text in the repository says.
    #[must_use]
    pub fn stored(text: Option<&str>) -> Self {
        match text.map(str::parse) {
            None => Self::Missing,
            Some(Ok(sealed)) => Self::Sealed(sealed),
            Some(Err(error)) => Self::Damaged(error),
        }
    }

    /// Takes the secret or private key from where it is kept.
    ///
    /// # Errors
    /// If it does not open, is not there, cannot be read, or is none.
    pub fn take(
        &self,
        kind: CredentialKind,
        place: &Place,
        keys: &MasterKeys,
    ) -> Result<SecretString, CredentialError> {
        let does_not_open = |source: OpenError| CredentialError::DoesNotOpen {
            kind,
            place: place.clone(),
            source,
        };
        let bytes = match self {
            Self::Sealed(sealed) => keys.open(place, sealed).map_err(does_not_open)?,
            Self::Damaged(error) => return Err(does_not_open((*error).into())),
            Self::File(path) => read(path).map_err(|source| CredentialError::File {
                kind,
                path: path.clone(),
                source,
            })?,
            Self::Missing => {
                return Err(CredentialError::Missing {
                    kind,
                    place: place.clone(),
                });
            }
        };
        check(kind, &bytes)
    }

    /// The permission bits of a file that others than its owner and group can read.
    pub(crate) fn open_to_others(&self) -> Option<(&Path, u32)> {
        let Self::File(path) = self else {
            return None;
        };
        let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o7777;
        (mode & 0o007 != 0).then_some((path, mode))
    }
}

/// Whether bytes can be a secret or a private key of a client, and as what they are used: without the end of the line.
///
/// # Errors
/// What is wrong with them.
pub fn check(kind: CredentialKind, bytes: &[u8]) -> Result<SecretString, CredentialError> {
    let wrong = |reason| match kind {
        CredentialKind::Secret => CredentialError::Secret(reason),
        CredentialKind::PrivateKey => CredentialError::PrivateKey(reason),
    };
    if bytes.len() as u64 > LONGEST {
        return Err(wrong("is longer than 16 KiB"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))?;
    let text = match kind {
        CredentialKind::PrivateKey => {
            crate::private_key::PrivateKey::from_pem(text)?;
            text
        }
        CredentialKind::Secret => {
            let line = text.strip_suffix('\n').unwrap_or(text);
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                return Err(wrong("is empty"));
            }
            if line.chars().any(char::is_control) {
                return Err(wrong(
                    "has more than one line, or characters that no secret has",
                ));
            }
            line
        }
    };
    Ok(text.into())
}

/// The content of a file that is meant to hold one secret.
fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = file::open(path)?;
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 2));
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The private key that a checked credential is.
pub(crate) fn private_key(
    credential: &SecretString,
) -> Result<crate::private_key::PrivateKey, CredentialError> {
    crate::private_key::PrivateKey::from_pem(credential.expose_secret())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(source: &CredentialSource) -> Result<SecretString, CredentialError> {
        let name = "ims".parse().unwrap();
        let place = credential_place(&name, CredentialKind::Secret);
        source.take(CredentialKind::Secret, &place, &MasterKeys::default())
    }

    #[test]
    fn every_name_has_its_places() {
        for name in ["a", "0.-_", &"z".repeat(48)] {
            let name: ClientName = name.parse().unwrap();
            let place = credential_place(&name, CredentialKind::PrivateKey);
            assert_eq!(place.as_str(), format!("client/{name}/private-key"));
            assert_eq!(token_place(&name).as_str(), format!("client/{name}/token"));
        }
    }

    // K10
    #[test]
    fn a_secret_that_cannot_be_had_says_why() {
        let missing = take(&CredentialSource::stored(None)).unwrap_err();
        assert_eq!(missing.code(), "CLIENT_SECRET_MISSING");
        assert_eq!(missing.hint(), "signet secret protect client/ims/secret");

        let kid = "0123456789abcdef0123456789abcdef";
        let sealed = format!("sealed:v1:{kid}:{}", "A".repeat(48));
        let error = take(&CredentialSource::stored(Some(&sealed))).unwrap_err();
        assert_eq!(error.code(), "SECRET_KEY_MISSING");
        assert_eq!(error.missing_key().unwrap().to_string(), kid);

        let plain = take(&CredentialSource::stored(Some("hunter2-hunter2"))).unwrap_err();
        assert_eq!(plain.code(), "SECRET_FORMAT");
        assert!(!format!("{plain:?}{plain}").contains("hunter2"));
    }

    #[test]
    fn a_file_holds_one_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let source = CredentialSource::File(path.clone());
        assert_eq!(take(&source).unwrap_err().code(), "CLIENT_SECRET_FILE");
        for (bytes, secret) in [
            (&b"abc"[..], Some("abc")),
            (b"abc\n", Some("abc")),
            (b"abc\r\n", Some("abc")),
            (b" a b ", Some(" a b ")),
            (b"", None),
            (b"\n", None),
            (b"abc\ndef\n", None),
            (b"\xff", None),
            (&[b'a'; 20_000], None),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let taken = take(&source);
            match secret {
                Some(secret) => assert_eq!(taken.unwrap().expose_secret(), secret),
                None => assert_eq!(taken.unwrap_err().code(), "CLIENT_SECRET_MALFORMED"),
            }
        }
        let pipe = directory.path().join("pipe");
        crate::testing::pipe(&pipe);
        for odd in [directory.path().to_owned(), pipe] {
            let error = take(&CredentialSource::File(odd)).unwrap_err();
            assert_eq!(error.code(), "CLIENT_SECRET_FILE");
            let source = std::error::Error::source(&error).unwrap();
            assert_eq!(source.to_string(), "it is not a regular file");
        }
    }

    #[test]
    fn a_file_for_everybody_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        std::fs::write(&path, "abc").unwrap();
        let source = CredentialSource::File(path.clone());
        for (mode, noticed) in [(0o600, false), (0o640, false), (0o644, true), (0o602, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(source.open_to_others().is_some(), noticed, "{mode:o}");
        }
    }
}
