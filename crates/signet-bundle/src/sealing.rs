//! Sealing for instances: age files (age-encryption.org/v1), binary, one recipient for each instance.

use std::io::{ErrorKind, Read, Write};

use age::x25519;
use age::{DecryptError, Decryptor, EncryptError, Encryptor, Identity, Recipient};
use zeroize::Zeroizing;

/// The most instances that something may be sealed for. Looking for one's own stanza costs a key agreement for each.
pub const MAX_RECIPIENTS: usize = 1_000;

/// The stanzas that so many need: one that holds the key of the file and one that names the instance, and the one that
/// the age library adds at random to every file.
const MAX_STANZAS: usize = 2 * MAX_RECIPIENTS + 1;

/// Why something could not be sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// There is nobody to seal it for.
    #[error("there is nobody to seal it for")]
    Nobody,
    /// More than [`MAX_RECIPIENTS`].
    #[error("it cannot be sealed for {0} instances at once: {MAX_RECIPIENTS} are the most")]
    TooMany(usize),
    /// The age library refuses it.
    #[error("it could not be sealed")]
    Age(#[source] EncryptError),
}

/// Why something sealed does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// Not an age file in the binary form.
    #[error("it is not sealed by age")]
    Foreign,
    /// A version of age that this program does not know.
    #[error("it is sealed by a version of age that this program does not know")]
    Version,
    /// It ends in the middle.
    #[error("it is cut off: it ends in the middle")]
    Truncated,
    /// It has more stanzas than [`MAX_RECIPIENTS`] need.
    #[error("it has more than {MAX_STANZAS} stanzas, as many as {MAX_RECIPIENTS} instances need")]
    TooMany,
    /// It is not sealed for this instance.
    #[error("it is not sealed for this instance")]
    NotForUs,
    /// It is sealed for this instance, but not as it was made.
    #[error("it was altered or damaged on its way")]
    Altered,
}

/// Seals `bytes` for each of `recipients`.
pub(crate) fn seal(recipients: &[&dyn Recipient], bytes: &[u8]) -> Result<Vec<u8>, SealError> {
    if recipients.is_empty() {
        return Err(SealError::Nobody);
    }
    if recipients.len() > MAX_RECIPIENTS {
        return Err(SealError::TooMany(recipients.len()));
    }
    let failed = |error: std::io::Error| SealError::Age(error.into());
    let encryptor =
        Encryptor::with_recipients(recipients.iter().copied()).map_err(SealError::Age)?;
    let mut sealed = Vec::with_capacity(bytes.len());
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(failed)?;
    writer.write_all(bytes).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(sealed)
}

/// Opens what was sealed for `identity`.
pub(crate) fn open(
    identity: &x25519::Identity,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    let reader = decryptor(sealed)?
        .decrypt(core::iter::once(identity as &dyn Identity))
        .map_err(|error| unseal_error(&error))?;
    // What is inside is shorter than what is around it. A buffer that grows would leave copies behind.
    let mut opened = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader
        .take(sealed.len() as u64)
        .read_to_end(&mut opened)
        .map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => UnsealError::Truncated,
            _ => UnsealError::Altered,
        })?;
    Ok(opened)
}

pub(crate) fn decryptor(sealed: &[u8]) -> Result<Decryptor<&[u8]>, UnsealError> {
    const MAGIC: &[u8] = b"age-encryption.org/v";
    if !sealed.starts_with(MAGIC) {
        return Err(UnsealError::Foreign);
    }
    if has_too_many_stanzas(sealed) {
        return Err(UnsealError::TooMany);
    }
    Decryptor::new_buffered(sealed).map_err(|error| unseal_error(&error))
}

/// Counts the stanzas of a header, without looking into one: a line of base64 cannot begin as a stanza does.
fn has_too_many_stanzas(sealed: &[u8]) -> bool {
    sealed
        .split(|byte| *byte == b'\n')
        .take_while(|line| !line.starts_with(b"---"))
        .filter(|line| line.starts_with(b"-> "))
        .nth(MAX_STANZAS)
        .is_some()
}

fn unseal_error(error: &DecryptError) -> UnsealError {
    match error {
        DecryptError::NoMatchingKeys => UnsealError::NotForUs,
        DecryptError::UnknownFormat => UnsealError::Version,
        DecryptError::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
            UnsealError::Truncated
        }
        _ => UnsealError::Altered,
    }
}
