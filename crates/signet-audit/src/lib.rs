#![doc = include_str!("../README.md")]

mod digest;
mod entries;
mod error;
mod event;
mod head;
mod line;
mod lines;
mod log;
mod pending;
mod tail;
mod verify;

pub use digest::{Digest, DigestError};
pub use entries::Entries;
pub use error::AuditError;
pub use event::{Action, ActionError, Actor, Event, Origin};
pub use head::{Head, HeadError};
pub use line::Entry;
pub use log::{Archived, AuditLog};
pub use pending::{Pending, Undertaking};
pub use verify::{Note, Problem, Reason, Verification};
