//! What the tests share.

pub(crate) mod browser;
pub(crate) mod crowd;
pub(crate) mod echo;
pub(crate) mod example;
pub(crate) mod gatekeeper;
pub(crate) mod http;
pub(crate) mod lab;
pub(crate) mod load;
pub(crate) mod oidc;
pub(crate) mod ports;
pub(crate) mod program;
pub(crate) mod said;
pub(crate) mod signet;
pub(crate) mod sling;
pub(crate) mod visitor;
pub(crate) mod wait;

/// The password of every user in these tests.
pub(crate) const PASSWORD: &str = "a long enough password";
