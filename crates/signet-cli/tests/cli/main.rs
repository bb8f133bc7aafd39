//! The real program, in data directories of its own outside any work tree.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod aem;
mod config;
mod import;
mod keys;
mod misuse;
mod reference;
mod scratch;
mod secrets;
mod serving;
mod tokens;
mod users;
