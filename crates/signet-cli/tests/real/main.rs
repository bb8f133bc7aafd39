//! Signet among the programs it works with: proxies, a balancer, a browser, another JOSE implementation.
//!
//! They are started with the files of `examples/` as they are, and ended with the test that started them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and says why"
)]

mod caddy;
mod chromium;
mod haproxy;
mod jose;
mod nginx;
mod oauth;
mod rotation;
mod sling;
mod sling_farm;
mod sling_relocate;
mod sling_replicate;
mod stage;
mod story;
mod tls;
