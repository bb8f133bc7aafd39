//! The environment variables that count. Nothing else of the program reads any.

use std::ffi::OsString;
use std::path::PathBuf;

use zeroize::Zeroizing;

/// `SIGNET_DATA`: the data directory.
pub(crate) fn data() -> Option<PathBuf> {
    variable("SIGNET_DATA").map(PathBuf::from)
}

/// `SIGNET_LOG`: what is logged, in the place of `log.level`.
pub(crate) fn log_filter() -> Option<String> {
    variable("SIGNET_LOG").map(|value| value.to_string_lossy().into_owned())
}

/// `SIGNET_AEM_CREDENTIALS`: `user:password` of an administrator of AEM.
pub(crate) fn aem_credentials() -> Option<Zeroizing<String>> {
    let value = variable("SIGNET_AEM_CREDENTIALS")?.into_string().ok()?;
    Some(Zeroizing::new(value))
}

/// `HOME`: the directory of whoever runs the program.
pub(crate) fn home() -> Option<PathBuf> {
    variable("HOME").map(PathBuf::from)
}

/// What the machine is called, where the system says so.
pub(crate) fn host() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Whether the user wants no colours (<https://no-color.org>), or has a terminal without them.
pub(crate) fn is_colourless() -> bool {
    variable("NO_COLOR").is_some() || variable("TERM").is_some_and(|terminal| terminal == "dumb")
}

/// Who runs the program, as the system has it, and as `sudo` says who became that user.
pub(crate) fn operator() -> Operator {
    let uid = rustix::process::getuid().as_raw();
    Operator {
        user: user_name(
            uid,
            &std::fs::read_to_string("/etc/passwd").unwrap_or_default(),
        ),
        uid,
        sudo_user: variable("SUDO_USER").map(|name| name.to_string_lossy().into_owned()),
    }
}

/// A user of the operating system.
#[derive(Debug)]
pub(crate) struct Operator {
    /// Without one where users are not in `/etc/passwd`.
    pub(crate) user: Option<String>,
    pub(crate) uid: u32,
    pub(crate) sudo_user: Option<String>,
}

/// The name that a table as in passwd(5) has for a user.
fn user_name(uid: u32, table: &str) -> Option<String> {
    let uid = uid.to_string();
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

/// An empty variable counts as none.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let table = "root:x:0:0:root:/root:/bin/sh\n# note\n\nwww:x:33:33::/:/bin/false\n";
        assert_eq!(user_name(33, table).as_deref(), Some("www"));
        assert_eq!(user_name(0, table).as_deref(), Some("root"));
        assert_eq!(user_name(3, table), None);
    }
}
