#![doc = include_str!("../README.md")]

pub mod cookie;
pub mod form_token;
pub mod origin;
pub mod page;
pub mod password;
pub mod redirect;
mod settings;
mod snapshots;
#[cfg(test)]
mod testing;
mod throttle;

pub use settings::{BasicMode, Settings, ThrottleSettings, TokenMode};
pub use snapshots::Snapshots;
pub use throttle::Throttle;
