//! Whether the instance is well: checks, each of which says what is wrong, what it causes, and the command that mends it.
//!
//! The shape of the answer, the statuses and the parameters are those of Apache Felix Health Checks, so that whoever
//! watches AEM instances can watch these with the same means. A new check is a file in `check/` that implements
//! [`HealthCheck`], and a line in [`CHECKS`].

pub(crate) mod access;
mod answer;
mod check;
mod client_memory;
mod finding;
mod ground;
mod key_places;
mod offline;
mod query;
mod report;
mod round;
mod status;
mod verbose;

pub(crate) use crate::chain;
pub(crate) use crate::file::read_at_most;
pub(crate) use answer::{PATH, answer};
pub use check::{CHECKS, CheckError, Checked, HealthCheck};
pub(crate) use check::{certificate_age, unwritable};
pub use finding::Finding;
pub use ground::Ground;
pub(crate) use key_places::{KeyPlace, KeyPlaces, RevokedFault, Storage};
pub use offline::{offline, running_at};
pub use query::{Format, Query, QueryError, Selection, StatusMapping};
pub use report::{CheckReport, HealthReport, Message};
pub use round::{Examined, Freshness, Rounds};
pub use status::Status;
