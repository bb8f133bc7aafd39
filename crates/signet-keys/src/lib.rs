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
pub mod granite;
mod jwk;
mod loaded;
mod lock;
mod merge;
pub mod private;
mod problem;
mod provider;
mod relocation;
mod revocations;
mod store;
#[cfg(test)]
mod testing;
mod unite;
mod watch;

pub use census::PlaceCensus;
pub use change::{Insertion, Retired, Retirement, RotateMode, is_due};
pub use custody::{Custody, git_work_tree};
pub use entry::KeyEntry;
pub use error::KeyError;
pub use fault::KeyFault;
pub use file::FileProvider;
pub use jwk::{KeyFileError, MAX_KEY_FILE_BYTES, encode_key_file, parse_key_file};
pub use loaded::{LoadedKeys, removable_at};
pub use lock::Lock;
pub use problem::{Effect, KeyProblem};
pub use provider::{Found, KeyProvider, ProviderName, ProviderNameError};
pub use relocation::{
    Aftermath, BackupSealer, CheckFailure, Deed, Destination, Intent, Relocated, Relocation,
    RelocationAide, RelocationError, RelocationFailure, RelocationOrder, RelocationStep,
    StepReport, relocation_backups, unfinished_relocation,
};
pub use revocations::Revocations;
pub use store::{KeyStore, KeyStoreOptions};
pub use watch::KeyWatch;
