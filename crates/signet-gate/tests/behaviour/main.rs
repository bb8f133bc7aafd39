//! The gate as proxies and services meet it: every test goes through `Gate::verdict` or `GateLayer`.
//!
//! The letters in the comments are the lines of the security requirements that a test shows.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod basic;
mod invariants;
mod layer;
mod proxy;
mod question;
#[allow(dead_code, reason = "shared with the tests of the login")]
#[path = "../../../signet-login/tests/behaviour/support.rs"]
mod support;
mod verdict;
