#![doc = include_str!("../README.md")]

pub mod balancer;
pub mod browser;
mod error;
mod ports;

pub use error::LabError;
