//! Sealing for instances: age files (age-encryption.org/v1), binary, one recipient for each instance.

use std::io::{ErrorKind, Read, Write};

use age::x25519;
use age::{DecryptError, Decryptor, EncryptError, Encryptor, Identity, Recipient};
use zeroize::Zeroizing;

/// Why something could not be sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// There is nobody to seal it for.
    #[error("there is nobody to seal it for")]
    Nobody,
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
    Decryptor::new_buffered(sealed).map_err(|error| unseal_error(&error))
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
