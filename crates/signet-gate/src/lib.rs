#![doc = include_str!("../README.md")]

pub mod forwarded;
mod gate;
pub mod identity;
mod path;
mod proxies;
mod rule;

pub use gate::{FORWARD_PATH, Gate, GateLayer, GateService, GateSettings, REQUEST_PATH, Verdict};
pub use path::{AmbiguousPath, CanonicalPath, PathPattern};
pub use proxies::{NetworkError, ProxyNetwork, TrustedProxies};
pub use rule::{AccessRule, AccessRules, Forbidden};
