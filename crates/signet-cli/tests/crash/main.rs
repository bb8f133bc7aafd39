//! Commands that are killed at every step by which they change files, and what is left then.
//!
//! `shim.c` counts and lists the steps, and kills the real program at one of them; every command is killed at each of its
//! steps before which the files are as they were before no other (`state.rs`), in each way that makes a difference there
//! (`step.rs`), on a fresh copy of an installation. Only of the pages of the database that it writes not each is torn.
//! What is left must hold every key and every secret and be usable, and the same command must finish the work.
//! The list of steps of each command is in `target/tmp/crash/`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod aem;
mod audit;
mod backup;
mod harness;
mod holdings;
mod import;
mod installation;
mod keys;
mod left;
mod relocate;
mod reseal;
mod restore;
mod secret;
mod shim;
mod state;
mod step;
mod trial;
