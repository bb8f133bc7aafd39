#![doc = include_str!("../README.md")]

pub mod config;
mod data;
mod poke;

pub use config::{Config, ConfigError};
pub use data::{DataDirectory, DataError};
pub use poke::Poked;
