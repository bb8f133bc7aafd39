#![doc = include_str!("../README.md")]

mod admin;
mod chain;
pub mod config;
mod connection;
mod data;
pub mod doctor;
mod file;
pub mod health;
mod hosts;
mod instance;
mod metrics;
mod moment;
mod owner;
mod poke;
mod public;
mod reference;
mod relocation;
mod repository_keys;
pub mod secrets;
mod serve;
mod shell;
mod sighting;
mod tls;

pub use chain::chain;
pub use config::{Config, ConfigError};
pub use data::{AdminAddress, DataDirectory, DataError, KEPT_ASIDE};
pub use instance::{Instance, OpenError, Overrides, Readiness};
pub use moment::utc;
pub use poke::Poked;
pub use reference::{reference_http, reference_metrics};
pub use relocation::{Rehearsal, RehearsalError, SealedValues};
pub use serve::{Announcement, ServeError, ServeOptions, serve, system_clock};
pub use shell::quoted;
pub use sighting::{Sighting, last_seen};
pub use tls::{Certificate, Fault, Fingerprint, TlsError, TlsFile};
