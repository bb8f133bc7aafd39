//! Which core serves and which one makes the load.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// One core for what is measured, another for what measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cores {
    pub(super) server: u32,
    pub(super) load: u32,
}

impl Cores {
    /// The first two cores that this process may run on.
    pub(super) fn of_this_process() -> Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status")
            .context("cannot read which cores there are")?;
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .context("the kernel does not say which cores there are")?;
        match first_two(list.trim())[..] {
            [server, load] => Ok(Self { server, load }),
            _ => bail!("one core serves and another makes the load: two are needed"),
        }
    }
}

/// A command that runs `program` on one core, and before everything else there if that is allowed: the machine may have
/// other things to do, and whatever is measured here should notice as little of them as possible.
///
/// The process id stays that of the command, and the program ends when this one does.
pub(super) fn pinned(core: u32, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setsid");
    command
        .args(["setpriv", "--pdeathsig", "KILL"])
        .args(["taskset", "-c", &core.to_string()])
        .args(["sh", "-c", FIRST])
        .arg(program);
    command
}

/// Linux shares a core among sessions before it looks at the priorities within them, so both are raised.
/// A user who may not do that measures all the same; disturbed turns are noticed.
const FIRST: &str = r#"
(echo -20 > /proc/self/autogroup) 2> /dev/null
renice -n -20 -p $$ > /dev/null 2>&1
exec "$0" "$@"
"#;

/// The first two numbers of a list such as `0-3,7`.
fn first_two(list: &str) -> Vec<u32> {
    list.split(',')
        .filter_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some(first.parse().ok()?..=last.parse().ok()?)
        })
        .flatten()
        .take(2)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::first_two;

    #[test]
    fn lists_of_the_kernel_are_read() {
        assert_eq!(first_two("0-3,7"), [0, 1]);
        assert_eq!(first_two("2,5-6"), [2, 5]);
        assert_eq!(first_two("4"), [4]);
        assert!(first_two("").is_empty());
    }
}
