//! Why a proof was not made or is not one.

use signet_core::UnixSeconds;

use crate::{CardError, NodeId, NodeName};

/// Why a challenge or an answer was not made or not accepted. That keys differ is no error but the result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The system gave no randomness.
    #[error("the system gives no randomness")]
    Random(#[source] getrandom::Error),
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// A web page.
    #[error("the file is a web page (a saved login page?)")]
    Html,
    /// More than [`MAX_PROOF_BYTES`](super::MAX_PROOF_BYTES).
    #[error("the file is larger than {} bytes", super::MAX_PROOF_BYTES)]
    TooLarge,
    /// Something else.
    #[error("the file does not begin with {mark}")]
    Foreign {
        /// What it would have to begin with.
        mark: &'static str,
    },
    /// A version that this program does not know.
    #[error("the file is of a version that this program does not know")]
    Version,
    /// A challenge where an answer is needed.
    #[error("the file is a challenge, not an answer")]
    IsChallenge,
    /// An answer where a challenge is needed.
    #[error("the file is an answer, not a challenge")]
    IsAnswer,
    /// It is not put together as it should be.
    #[error("the file is damaged or cut off: its {0:?} cannot be read")]
    Malformed(&'static str),
    /// A card in it is none.
    #[error("the file is damaged: the card in it cannot be read")]
    Card(#[from] CardError),
    /// Not as it was signed.
    #[error("the file was altered: its signature does not fit")]
    Altered,
    /// This instance is asked to answer itself.
    #[error("the challenge was made by this instance itself")]
    OwnChallenge,
    /// The answer is to a challenge of somebody else.
    #[error("the answer is to a challenge of {name} ({id}), not of this instance")]
    ForeignChallenge {
        /// What that instance calls itself.
        name: NodeName,
        /// Its id.
        id: NodeId,
    },
    /// This instance answered itself.
    #[error("the answer was made by this instance itself")]
    OwnAnswer,
    /// The answer was made by somebody else than expected.
    #[error("the answer was made by {name} ({id}), not by the instance whose card was given")]
    OtherAnswerer {
        /// What that instance calls itself.
        name: NodeName,
        /// Its id.
        id: NodeId,
    },
    /// Too late.
    #[error("the challenge expired at {at}, in seconds since 1970")]
    Expired {
        /// When.
        at: UnixSeconds,
    },
    /// Made later than now.
    #[error("the challenge was made at {at}, in seconds since 1970, which is in the future here")]
    FromTheFuture {
        /// When.
        at: UnixSeconds,
    },
}

impl ProofError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Random(_) => "repeat it; if it persists, check that /dev/urandom is there",
            Self::IsChallenge => {
                "take it to the other instance: signet keys prove answer FILE; check what it answers"
            }
            Self::IsAnswer => {
                "check it on the instance that made the challenge: signet keys prove check FILE"
            }
            Self::OwnChallenge => {
                "take it to the other instance, and run signet keys prove answer there"
            }
            Self::OwnAnswer => {
                "a proof against oneself proves nothing: let the other instance answer"
            }
            Self::ForeignChallenge { .. } => {
                "check it on that instance, or make a challenge here: signet keys prove challenge"
            }
            Self::OtherAnswerer { .. } => "let the instance answer that is to be compared",
            Self::Expired { .. } => {
                "make a new one: signet keys prove challenge; it can be used for 24 hours"
            }
            Self::FromTheFuture { .. } => "compare the clocks of the two instances",
            Self::Version => "use the same version of signet on both instances",
            Self::Empty
            | Self::Html
            | Self::TooLarge
            | Self::Foreign { .. }
            | Self::Malformed(_)
            | Self::Card(_)
            | Self::Altered => "bring the file here again as it was written, or make a new one",
        }
    }
}
