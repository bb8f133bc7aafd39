//! Why a secret was not sealed, or a sealed value does not open.

use signet_core::KeyId;

use crate::{MAX_SECRET_BYTES, Place, PlaceError, SealedValueError};

/// Why a secret was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The `master` ring has no key that seals.
    #[error("the master ring has no active key to seal with")]
    NoActiveKey,
    /// Larger than what is sealed.
    #[error("the secret has {bytes} bytes, but at most {MAX_SECRET_BYTES} are sealed")]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// The system gave no randomness, or the cipher refused.
    #[error("the secret could not be sealed: the system gives no randomness")]
    Cipher,
}

impl SealError {
    /// A stable code for logs and documents.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoActiveKey => "SECRET_NO_ACTIVE_KEY",
            Self::TooLarge { .. } => "SECRET_TOO_LARGE",
            Self::Cipher => "SECRET_CIPHER",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoActiveKey => {
                "signet doctor looks for keys that were there; otherwise copy keys/master/*.jwk from the author, or where nothing was sealed yet: signet keys rotate --ring master"
            }
            Self::TooLarge { .. } => "keep what is larger in a file of its own",
            Self::Cipher => "repeat it; if it persists, check that /dev/urandom is there",
        }
    }
}

/// Why a sealed value does not open. Neither the value nor what it holds is ever part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The key that it was sealed with is not here.
    #[error(
        "it was sealed with the key {key}, which is not here: {}",
        listed(here)
    )]
    KeyMissing {
        /// The key that it was sealed with.
        key: KeyId,
        /// The keys of the `master` ring that are here.
        here: Vec<KeyId>,
    },
    /// The key that it was sealed with is revoked: somebody else may know it.
    #[error("it was sealed with the key {key}, which is revoked")]
    KeyRevoked {
        /// The key.
        key: KeyId,
    },
    /// The key is here, but the value was sealed for another place, or altered: no cipher can tell the two apart.
    #[error("it was not sealed for the place {place}, or it was altered; its key {key} is here")]
    NotForThisPlace {
        /// The key that it names.
        key: KeyId,
        /// The place where it was to be opened.
        place: Place,
    },
    /// It is no sealed value.
    #[error("it is no sealed value")]
    Format(#[source] SealedValueError),
    /// It stands at something that is no place.
    #[error("it stands at something that is no place")]
    NoPlace(#[source] PlaceError),
    /// It is larger than anything that is sealed.
    #[error("it is larger than any sealed value, which holds at most {MAX_SECRET_BYTES} bytes")]
    TooLarge,
}

impl OpenError {
    /// A stable code for logs and documents.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::KeyMissing { .. } => "SECRET_KEY_MISSING",
            Self::KeyRevoked { .. } => "SECRET_KEY_REVOKED",
            Self::NotForThisPlace { .. } => "SECRET_NOT_FOR_THIS_PLACE",
            Self::Format(_) => "SECRET_FORMAT",
            Self::NoPlace(_) => "SECRET_PLACE",
            Self::TooLarge => "SECRET_TOO_LARGE",
        }
    }

    /// The key that the value was sealed with, where that is known.
    #[must_use]
    pub const fn key(&self) -> Option<KeyId> {
        match self {
            Self::KeyMissing { key, .. }
            | Self::KeyRevoked { key }
            | Self::NotForThisPlace { key, .. } => Some(*key),
            Self::Format(_) | Self::NoPlace(_) | Self::TooLarge => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NotForThisPlace { place, .. } => self.hint_at(place.as_str()),
            _ => self.hint_at("PLACE"),
        }
    }

    /// What to do about it where the place of the value is known.
    #[must_use]
    pub fn hint_at(&self, place: &str) -> String {
        match self {
            Self::KeyMissing { key, .. } => format!(
                "bring the file keys/master/{key}.jwk from an instance or a backup that has it; if it is lost, seal the secret anew: signet secret protect {place}"
            ),
            Self::KeyRevoked { .. } => format!(
                "change the secret where it was issued, since whoever has the key can read it, then: signet secret protect {place}; to go on using it meanwhile: signet secret reseal"
            ),
            Self::NotForThisPlace { .. } => format!(
                "write it back to the place that it was sealed for, or seal the secret anew: signet secret protect {place}"
            ),
            Self::Format(error) => error.hint().into(),
            Self::NoPlace(_) => {
                "no version of signet writes that: remove it from where it stands".into()
            }
            Self::TooLarge => SealedValueError::TooLarge.hint().into(),
        }
    }
}

impl From<SealedValueError> for OpenError {
    fn from(error: SealedValueError) -> Self {
        match error {
            SealedValueError::TooLarge => Self::TooLarge,
            error => Self::Format(error),
        }
    }
}

fn listed(here: &[KeyId]) -> String {
    match here {
        [] => "there are no keys in the master ring".to_owned(),
        [only] => format!("here is {only}"),
        several => {
            let ids: Vec<_> = several.iter().map(ToString::to_string).collect();
            format!("here are {}", ids.join(", "))
        }
    }
}
