#![doc = include_str!("../README.md")]

mod backup;
mod collect;
mod error;
mod manifest;
mod name;
mod opened;
mod parties;
mod restore;
mod seal;
#[cfg(test)]
mod testing;

pub use backup::{Backup, BackupOptions, back_up};
pub use collect::LeftOut;
pub use error::{BackupError, FileError, RestoreError};
pub use manifest::{Entry, Manifest};
pub use name::{EntryName, EntryNameError};
pub use opened::OpenedBackup;
pub use parties::{PartyError, Receiver, read_identities};
pub use restore::{
    Existing, Identity, Installation, Kept, Present, RestoreAide, RestoreOptions, Restored,
    Sessions, Unready, restore,
};
pub use seal::{Seal, SealKind, Unseal};
