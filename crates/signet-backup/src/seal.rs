//! For whom a backup is sealed, and with what it is opened.

use core::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, ErrorKind, Read as _, Seek as _, Write};
use std::path::Path;

use age::x25519;
use age::{DecryptError, Decryptor, Encryptor, Identity, Recipient, scrypt};
use secrecy::SecretString;

use crate::FileError;

/// For whom a backup is sealed: an age file (age-encryption.org/v1) in the binary form.
pub enum Seal {
    /// Whoever knows the passphrase.
    Passphrase(SecretString),
    /// Whoever has the key of one of these: instances, or people with age.
    Recipients(Vec<x25519::Recipient>),
}

/// With what a backup is opened.
pub enum Unseal {
    /// The passphrase.
    Passphrase(SecretString),
    /// The keys, of which one must fit.
    Identities(Vec<x25519::Identity>),
}

/// How a backup is sealed, as its first line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealKind {
    /// With a passphrase.
    Passphrase,
    /// For keys.
    Recipients,
}

impl SealKind {
    /// Looks at the file without opening it.
    ///
    /// # Errors
    /// It cannot be read, or is not sealed by age.
    pub fn of(path: &Path) -> Result<Self, FileError> {
        Ok(match decryptor(path)?.is_scrypt() {
            true => Self::Passphrase,
            false => Self::Recipients,
        })
    }
}

/// The work for one guess of a passphrase: about a second and 256 MiB, the same on every machine.
const WORK: u8 = 18;

/// The most work that is done for a file that says it needs it: 16 times as much.
const MOST_WORK: u8 = WORK + 4;

pub(crate) type Sealed<W> = age::stream::StreamWriter<W>;
pub(crate) type Opened = age::stream::StreamReader<BufReader<File>>;

/// Starts sealing what is written from now on.
pub(crate) fn seal(seal: &Seal, file: File) -> Result<Sealed<BufWriter<File>>, std::io::Error> {
    let output = BufWriter::with_capacity(256 * 1_024, file);
    let encryptor = match seal {
        Seal::Passphrase(passphrase) => {
            let mut recipient = scrypt::Recipient::new(passphrase.clone());
            recipient.set_work_factor(WORK);
            Encryptor::with_recipients(core::iter::once(&recipient as &dyn Recipient))
        }
        Seal::Recipients(recipients) => Encryptor::with_recipients(
            recipients
                .iter()
                .map(|recipient| recipient as &dyn Recipient),
        ),
    };
    encryptor
        .map_err(std::io::Error::other)?
        .wrap_output(output)
}

/// Ends the sealing, and has it on the disk.
pub(crate) fn finish(sealed: Sealed<BufWriter<File>>) -> std::io::Result<()> {
    let mut output = sealed.finish()?;
    output.flush()?;
    output.get_ref().sync_all()
}

/// How many sealed bytes stand for `length` bytes: 16 more for each piece of 64 KiB, the last of which may be shorter.
pub(crate) fn sealed_length(length: u64) -> u64 {
    let pieces = length.div_ceil(64 * 1_024).max(1);
    length.saturating_add(pieces.saturating_mul(16))
}

/// How many sealed bytes the file has behind its header and the random bytes that follow it.
pub(crate) fn payload_length(path: &Path) -> std::io::Result<u64> {
    const LONGEST_HEADER: u64 = 1_024 * 1_024;
    const NONCE: u64 = 16;
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut lines = BufReader::new(file.take(LONGEST_HEADER));
    let mut header = 0;
    let mut line = Vec::new();
    while let count @ 1.. = lines.read_until(b'\n', &mut line)? {
        header += count as u64;
        if line.starts_with(b"--- ") {
            break;
        }
        line.clear();
    }
    Ok(length.saturating_sub(header).saturating_sub(NONCE))
}

/// Opens the file as far as its key.
pub(crate) fn unseal(path: &Path, unseal: &Unseal) -> Result<Opened, FileError> {
    let decryptor = decryptor(path)?;
    match unseal {
        Unseal::Passphrase(_) if !decryptor.is_scrypt() => Err(FileError::NeedsIdentity),
        Unseal::Passphrase(passphrase) => {
            let mut identity = scrypt::Identity::new(passphrase.clone());
            identity.set_max_work_factor(MOST_WORK);
            decryptor
                .decrypt(core::iter::once(&identity as &dyn Identity))
                .map_err(|error| match error {
                    DecryptError::DecryptionFailed
                    | DecryptError::KeyDecryptionFailed
                    | DecryptError::NoMatchingKeys => FileError::WrongPassphrase,
                    other => opening(other),
                })
        }
        Unseal::Identities(_) if decryptor.is_scrypt() => Err(FileError::NeedsPassphrase),
        Unseal::Identities(identities) => decryptor
            .decrypt(identities.iter().map(|identity| identity as &dyn Identity))
            .map_err(opening),
    }
}

fn decryptor(path: &Path) -> Result<Decryptor<BufReader<File>>, FileError> {
    const MAGIC: &[u8] = b"age-encryption.org/v";
    let unread = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => FileError::Missing,
        _ => FileError::Read(source),
    };
    let mut file = File::open(path).map_err(unread)?;
    if !file.metadata().map_err(unread)?.is_file() {
        return Err(FileError::Foreign);
    }
    let mut start = Vec::with_capacity(MAGIC.len());
    (&file)
        .take(MAGIC.len() as u64)
        .read_to_end(&mut start)
        .map_err(unread)?;
    if start != MAGIC {
        return Err(match start.is_empty() {
            true => FileError::Truncated,
            false => FileError::Foreign,
        });
    }
    file.rewind().map_err(unread)?;
    Decryptor::new_buffered(BufReader::with_capacity(256 * 1_024, file)).map_err(opening)
}

fn opening(error: DecryptError) -> FileError {
    match error {
        DecryptError::NoMatchingKeys => FileError::NotForUs,
        DecryptError::UnknownFormat => FileError::SealVersion,
        DecryptError::ExcessiveWork { .. } => FileError::TooMuchWork,
        DecryptError::Io(error) => reading(error),
        _ => FileError::Altered,
    }
}

/// What an error while reading sealed bytes means.
pub(crate) fn reading(error: std::io::Error) -> FileError {
    match error.kind() {
        ErrorKind::UnexpectedEof => FileError::Truncated,
        ErrorKind::InvalidData => FileError::Altered,
        _ => FileError::Read(error),
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passphrase(_) => f.write_str("Passphrase(..)"),
            Self::Recipients(recipients) => write!(f, "Recipients({})", recipients.len()),
        }
    }
}

impl fmt::Debug for Unseal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passphrase(_) => f.write_str("Passphrase(..)"),
            Self::Identities(identities) => write!(f, "Identities({})", identities.len()),
        }
    }
}
