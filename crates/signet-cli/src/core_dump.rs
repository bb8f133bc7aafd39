//! No dump of the memory, which holds keys and passwords, is left on a disk by a crash (SECURITY.md K9).

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids dumps for this process, as well as the system lets it.
///
/// Where dumps go to a program instead of a file the limit alone may not count, so on Linux the process is also marked
/// as one that is not dumped; others of the same user then cannot look into its memory either.
pub(crate) fn forbid() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // Both only ever forbid more, and fail on systems without them.
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
