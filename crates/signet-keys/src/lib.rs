#![doc = include_str!("../README.md")]

pub mod atomic;
mod census;
mod change;
mod custody;
mod disk;
mod entry;
mod error;
mod fault;
mod file;
mod jwk;
mod loaded;
mod lock;
mod merge;
mod problem;
mod provider;
mod revocations;
mod store;
mod relocation;
#[cfg(test)]
mod testing;
mod watch;

pub use change::{Insertion, Retirement, RotateMode};
pub use custody::Custody;
pub use entry::KeyEntry;
pub use census::PlaceCensus;
pub use error::KeyError;
pub use fault::KeyFault;
pub use file::FileProvider;
pub use jwk::{KeyFileError, MAX_KEY_FILE_BYTES, encode_key_file, parse_key_file};
pub use loaded::{LoadedKeys, removable_at};
pub use lock::Lock;
pub use problem::{Effect, KeyProblem};
pub use provider::{Found, KeyProvider, ProviderName, ProviderNameError};
pub use revocations::Revocations;
pub use store::{KeyStore, KeyStoreOptions};
pub use watch::KeyWatch;
