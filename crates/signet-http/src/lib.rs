#![doc = include_str!("../README.md")]

mod connection;
mod error;
mod file;
mod server;
mod tls;

pub use connection::{Answer, ConnectionError, Limits, Stage, exchange, exchange_pinned};
pub use error::ExchangeError;
pub use server::{Plain, Server, authority, is_loopback};
pub use tls::{Pin, TlsError, roughly};
