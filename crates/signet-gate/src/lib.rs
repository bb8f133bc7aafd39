#![doc = include_str!("../README.md")]

pub mod forwarded;
pub mod identity;
mod path;
mod proxies;
mod rule;

pub use path::{AmbiguousPath, CanonicalPath, PathPattern};
pub use proxies::{NetworkError, ProxyNetwork, TrustedProxies};
pub use rule::{AccessRule, AccessRules, Forbidden};
