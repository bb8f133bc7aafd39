#![doc = include_str!("../README.md")]

mod admin;
pub mod config;
mod connection;
mod data;
pub mod doctor;
pub mod health;
mod hosts;
mod instance;
mod metrics;
mod poke;
mod public;
mod reference;
mod relocation;
mod repository_keys;
pub mod secrets;
mod serve;
mod sighting;

pub use config::{Config, ConfigError};
pub use data::{DataDirectory, DataError};
pub use instance::{Instance, OpenError, Overrides, Readiness};
pub use poke::Poked;
pub use reference::{reference_http, reference_metrics};
pub use relocation::{Rehearsal, RehearsalError, SealedValues};
pub use serve::{Announcement, ServeError, ServeOptions, serve, system_clock};
pub use sighting::{Sighting, last_seen};
