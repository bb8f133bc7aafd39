#![doc = include_str!("../README.md")]

pub mod balancer;
pub mod browser;
mod error;
pub mod load;
mod password;
mod ports;

pub use error::LabError;
pub use password::Password;
