//! What the tests with real programs share: they start them with the files of `examples/`, and end what they started.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file compiles all of this and uses its part"
)]

pub mod browser;
pub mod echo;
pub mod example;
pub mod gatekeeper;
pub mod http;
pub mod lab;
pub mod load;
pub mod ports;
pub mod program;
pub mod signet;
pub mod visitor;
pub mod wait;

/// The password of every user in these tests.
pub const PASSWORD: &str = "a long enough password";
