//! What can be wrong with the content of a key file.

use std::path::Path;

use signet_core::RingName;

use super::MAX_KEY_FILE_BYTES;

/// Why the content of a file is not a key. None of it is repeated here: it may be a key all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Nothing but white space or zero bytes.
    #[error("it is empty")]
    Empty,
    /// Markup: usually what a browser or `curl` saved instead of the key.
    #[error("it is a web page, not a key (a saved login page?)")]
    Html,
    /// More than [`MAX_KEY_FILE_BYTES`].
    #[error("it is larger than {MAX_KEY_FILE_BYTES} bytes")]
    TooLarge,
    /// The JSON ends before it is complete.
    #[error("it is cut off: it ends in the middle")]
    Truncated,
    /// Not JSON (RFC 8259).
    #[error("it is not JSON: line {line}, column {column}")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, from 1; 0 at the end of the line before.
        column: usize,
    },
    /// JSON, but not an object.
    #[error("it is JSON, but not an object")]
    NotAnObject,
    /// A member that a key file does not have.
    #[error("it has a member that key files do not have: line {line}, column {column}")]
    UnknownMember {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A member stands there twice.
    #[error("its member \"{0}\" is there twice")]
    Duplicate(&'static str),
    /// A member is not there.
    #[error("its member \"{0}\" is missing")]
    Missing(&'static str),
    /// A member that is not a text, or one written with escapes.
    #[error("its member \"{0}\" is not a plain text")]
    NotText(&'static str),
    /// A member that is not a number of whole seconds.
    #[error("its member \"{0}\" is not a number of whole seconds since 1970")]
    NotSeconds(&'static str),
    /// A key of another type (RFC 7517, section 4.1).
    #[error("its \"kty\" is not \"oct\"")]
    KeyType,
    /// A key for another use (RFC 7517, section 4.2).
    #[error("its \"use\" is not \"{0}\", as it is in this ring")]
    Use(&'static str),
    /// A key for another algorithm (RFC 7517, section 4.4).
    #[error("its \"alg\" is not \"{0}\", as it is in this ring")]
    Algorithm(&'static str),
    /// Not the id of a farm.
    #[error("its \"iss\" is not the id of a farm")]
    Farm,
    /// A state that does not exist.
    #[error("its \"state\" is not \"pending\", \"active\", \"verify-only\" or \"revoked\"")]
    State,
    /// The key is not base64url without padding (RFC 7515, section 2).
    #[error("its \"k\" is not base64url without padding")]
    Base64Url,
    /// The key has the wrong length.
    #[error("its \"k\" has {bits} bits, not 256")]
    Length {
        /// Its length in bits.
        bits: usize,
    },
    /// The Granite key has the wrong length.
    #[error("its \"k\" has {bits} bits, not 128, as a Granite key has")]
    GraniteLength {
        /// Its length in bits.
        bits: usize,
    },
    /// `kid` is not 32 hexadecimal digits.
    #[error("its \"kid\" is not 32 lower-case hexadecimal digits")]
    KeyId,
    /// `kid` is that of other bits.
    #[error("it is damaged: its \"kid\" does not belong to its \"k\"")]
    Damaged,
    /// `kid` says that the key belongs to the other ring.
    #[error("it is misplaced: its \"kid\" says that the key belongs to the {0} ring")]
    Misplaced(RingName),
    /// The file is named after another key.
    #[error("it is misnamed: the file is not named after its \"kid\"")]
    Misnamed,
}

impl KeyFileError {
    /// What to do about it, where `path` is the file.
    #[must_use]
    pub fn hint(&self, path: &Path) -> String {
        let file = path.display();
        match self {
            Self::Misplaced(ring) => format!("move {file} to the directory {ring} beside this one"),
            Self::Misnamed => format!("name {file} after its kid: 32 hexadecimal digits and .jwk"),
            Self::Html | Self::TooLarge => format!(
                "this is not a key: remove {file} and copy the key's own file from another instance"
            ),
            _ => format!("copy {file} again from another instance or a backup"),
        }
    }
}
