#![doc = include_str!("../README.md")]

mod compare;
pub mod console;
mod content;
mod error;
mod felix;
mod file;
mod finding;
pub mod format;
mod inspection;
mod key_bytes;
mod key_file;
mod locate;
mod properties;
pub mod rekey;
mod running;
mod scan;
mod storage;

pub use compare::{Comparison, Fact, Verdict};
pub use error::AemError;
pub use finding::{Finding, Severity};
pub use inspection::{BundlePlace, Inspection, KeyPlace, inspect};
pub use key_bytes::{Digests, KeyBytes, KeyReadError, NoKey};
pub use key_file::{FoundKey, KeyFile, KeyKind, KeyName};
pub use running::Running;
pub use storage::Storage;
