#![doc = include_str!("../README.md")]

pub mod balancer;
mod bar;
pub mod browser;
mod command;
mod error;
mod farm;
mod instance;
mod keyfiles;
mod lab;
pub mod load;
mod options;
mod password;
mod ports;
mod prove;
mod provision;
pub mod report;
mod scene;
#[cfg(test)]
mod stand_in;
mod warden;

pub use balancer::BalancePolicy;
pub use bar::Bar;
pub use error::LabError;
pub use instance::Role;
pub use lab::{Described, Event, Overview, run};
pub use options::{LabOptions, Ports, TokenMode, UnknownTokenMode};
pub use password::Password;
pub use prove::{Progress, Proof, ProofOptions, prove};
pub use scene::{Expectation, Scene, Seen};
