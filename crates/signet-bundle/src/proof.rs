//! Proof that two instances hold equal keys, without either showing one: a challenge made here, an answer made there,
//! and a check here.
//!
//! An answer authenticates each key with a key derived from it for this purpose alone, over the challenge, both ids,
//! both nonces and what the key is. So it is of use to the one challenger, for this one challenge, and tells nobody
//! anything that the names of the keys do not tell.

mod answer;
mod challenge;
mod comparison;
mod error;
mod text;

use signet_core::Seconds;

pub use answer::Answer;
pub use challenge::Challenge;
pub use comparison::{ComparedKey, Comparison, Verdict};
pub use error::ProofError;

/// How long a challenge can be answered and its answer checked.
pub const PROOF_LIFE: Seconds = Seconds(24 * 60 * 60);

/// The most that a challenge or an answer may hold, in bytes.
pub const MAX_PROOF_BYTES: usize = 4 * 1024 * 1024;

/// By how much the clocks of two instances may differ.
const SKEW: Seconds = Seconds(5 * 60);

fn nonce() -> Result<[u8; 32], ProofError> {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(ProofError::Random)?;
    Ok(nonce)
}

#[cfg(test)]
mod tests;
