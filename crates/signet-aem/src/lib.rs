#![doc = include_str!("../README.md")]

mod backup;
pub mod checkup;
mod compare;
pub mod console;
mod content;
mod disk;
mod dress;
pub mod encapsulation;
mod error;
mod felix;
mod file;
mod finding;
pub mod format;
mod inspection;
mod instance;
mod key_bytes;
mod key_file;
mod locate;
mod properties;
pub mod rekey;
pub mod relocation;
pub mod replication;
mod running;
mod scan;
mod shell;
mod spot;
mod storage;

pub use compare::{Comparison, Fact, Fault, Verdict, compare_instances};
pub use error::AemError;
pub use finding::{Finding, Severity};
pub use inspection::{BundlePlace, Inspection, KeyPlace, inspect};
pub use instance::MasterFit;
pub use key_bytes::{Digests, KeyBytes, KeyReadError, NoKey};
pub use key_file::{FoundKey, KeyFile, KeyKind, KeyName};
pub use running::Running;
pub use storage::Storage;
