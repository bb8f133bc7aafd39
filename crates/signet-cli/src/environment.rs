//! The environment variables that count. Nothing else of the program reads any.

use std::ffi::OsString;
use std::path::PathBuf;

/// `SIGNET_DATA`: the data directory.
pub(crate) fn data() -> Option<PathBuf> {
    variable("SIGNET_DATA").map(PathBuf::from)
}

/// `SIGNET_LOG`: what is logged, in the place of `log.level`.
pub(crate) fn log_filter() -> Option<String> {
    variable("SIGNET_LOG").map(|value| value.to_string_lossy().into_owned())
}

/// Whether the user wants no colours (<https://no-color.org>), or has a terminal without them.
pub(crate) fn is_colourless() -> bool {
    variable("NO_COLOR").is_some() || variable("TERM").is_some_and(|terminal| terminal == "dumb")
}

/// An empty variable counts as none.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
