//! The real program, in data directories of its own outside any work tree.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod aem;
mod aem_console;
mod aem_relocate;
mod aem_replicate;
mod audit;
mod backup;
mod bundles;
mod clients;
mod config;
mod doctor;
mod health;
mod import;
mod interrupt;
mod keys;
mod misuse;
mod proofs;
mod reference;
mod relocate;
mod scratch;
mod secrets;
mod secrets_sealed;
mod serving;
mod terminal;
mod tls;
mod tokens;
mod unprivileged;
mod users;
