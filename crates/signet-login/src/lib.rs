#![doc = include_str!("../README.md")]

mod basic;
pub mod cookie;
mod credentials;
mod endpoint;
pub mod exchange;
mod follow;
pub mod form_token;
pub mod origin;
pub mod page;
pub mod password;
mod record;
pub mod redirect;
mod seen;
mod settings;
mod site;
mod snapshots;
mod tally;
#[cfg(test)]
mod testing;
mod throttle;
mod tokens;

pub use basic::BasicHandler;
pub use credentials::{CredentialError, Credentials};
pub use endpoint::{Answer, Endpoint, Route, routes};
pub use follow::Follower;
pub use seen::Seen;
pub use settings::{BasicMode, Settings, ThrottleSettings, TokenMode};
pub use site::Site;
pub use snapshots::Snapshots;
pub use tally::{Event, Tally};
pub use throttle::Throttle;
pub use tokens::{BeginError, EndError, EndedSession, Login, Recognised, Renewal, TokenHandler};
