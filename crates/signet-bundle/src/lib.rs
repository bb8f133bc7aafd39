#![doc = include_str!("../README.md")]

mod aem;
mod bundle;
mod card;
mod envelope;
mod framing;
mod identity;
mod import;
mod proof;
mod sealing;
mod sender;

pub use aem::{AemKeys, MAX_AEM_KEY_BYTES, ReceivedAemKeys};
pub use bundle::{BundleError, KeyBundle, MAX_BUNDLE_BYTES, ReceivedBundle, addressees};
pub use card::{CardError, MAX_CARD_BYTES, NodeCard, NodeId, NodeName, NodeNameError, Signature};
pub use identity::{NodeError, NodeIdentity};
pub use import::{EmptiedRing, ForeignFarm, ImportError, ImportReport, Imported, Loss};
pub use proof::{
    Answer, Challenge, ComparedKey, Comparison, MAX_PROOF_BYTES, PROOF_LIFE, ProofError, Verdict,
};
pub use sealing::{MAX_RECIPIENTS, SealError, UnsealError};
pub use sender::Senders;
