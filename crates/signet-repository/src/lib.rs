#![doc = include_str!("../README.md")]

mod account;
mod changes;
mod clients;
mod column;
mod copy;
mod error;
mod file;
mod groups;
mod import;
mod keys;
mod local;
mod marks;
mod migration;
mod oak;
mod options;
mod password;
mod repository;
mod resealed;
#[cfg(test)]
mod scratch;
mod secrets;
mod seq;
mod settings;
mod sqlite;
mod token;
mod tokens;
mod users;
mod write;

pub use account::{Account, NewUser, UserProfile};
pub use changes::Changes;
pub use clients::{ClientRow, ClientToken};
pub use error::{RepositoryError, UserError};
pub use groups::Group;
pub use import::{Existing, Imported};
pub use keys::{KeyRow, KeyRows};
pub use marks::{MARKS_PER_USER, MarkReason, Marked};
pub use options::{IfMissing, RepositoryOptions, RepositoryUrl, RepositoryUrlError};
pub use password::{Password, PasswordHash, PasswordHashError, PasswordKind};
pub use repository::Repository;
pub use resealed::ResealedRow;
pub use seq::Seq;
pub use settings::{Setting, SettingName, SettingNameError};
pub use token::{NewToken, RepositoryToken, TokenId, TokenIdError, TokenRow};
pub use users::{Tombstones, UserPage};
