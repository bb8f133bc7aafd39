//! What is in memory stays there, keys among it: nothing of it is written to swap (SECURITY.md K9).

/// Keeps the memory of this process out of swap, now and later, where the system sets no limit to that.
///
/// A limit counts reserved memory as if it were used: with one, memory that is needed later could be refused. Only pages that
/// are really used are kept, so memory does not grow.
pub(crate) fn hold() {
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{MlockAllFlags, mlockall};
        use rustix::process::{Resource, getrlimit};
        if getrlimit(Resource::Memlock).current.is_none() {
            // An old kernel, or a container that forbids it: then it is as before.
            let _ =
                mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT);
        }
    }
}
