//! Whether AEM runs on an installation, told without touching it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{major, minor};
use rustix::process::{Flock, FlockType, fcntl_getlk};
use serde::Serialize;

use crate::file;

/// Whether AEM runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Running {
    /// Nothing shows that it does.
    No,
    /// A process holds the lock of the framework, or is noted and alive.
    Yes {
        /// Its number; 0 if it is in a container, where it cannot be seen from here.
        process: u32,
    },
}

impl Running {
    /// The framework holds a lock on `cache.lock` while it runs; the start script notes its process in `conf/cq.pid`.
    pub(crate) fn look(cache: &Path) -> Self {
        let lock = cache.join("cache.lock");
        let holder = locked_by(&lock)
            .or_else(|| in_the_way(&lock))
            .or_else(|| noted(cache));
        holder.map_or(Self::No, |process| Self::Yes { process })
    }
}

/// When a process started, in hundredths of a second since the start of the machine (proc(5), `/proc/pid/stat`, field 22).
pub(crate) fn started(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let ticks = start_ticks(&stat)?;
    Some(ticks * 100 / rustix::param::clock_ticks_per_second())
}

/// The name of the program, which may hold spaces and parentheses, is the second field.
fn start_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

/// The process that holds a lock on the file, as the kernel lists it: trying to lock it could disturb a start.
fn locked_by(path: &Path) -> Option<u32> {
    let metadata = fs::metadata(path).ok()?;
    let device = metadata.dev();
    let inode = format!(
        "{:02x}:{:02x}:{}",
        major(device),
        minor(device),
        metadata.ino()
    );
    holder(&fs::read_to_string("/proc/locks").ok()?, &inode)
}

/// Lines such as `1: POSIX  ADVISORY  WRITE 1234 fd:00:1048 0 EOF` (proc(5), `/proc/locks`).
fn holder(locks: &str, inode: &str) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1).peekable();
        // Who waits for a lock is listed with an arrow and holds nothing.
        if words.peek() == Some(&"->") {
            return None;
        }
        let process = words.nth(3)?;
        (words.next()? == inode)
            .then(|| process.parse().ok())
            .flatten()
    })
}

/// The process whose lock would be in the way of one on the file (fcntl(2), `F_GETLK`): nothing is locked.
///
/// The list of the kernel names another device than the file has where one file system has several (btrfs), and leaves out what
/// runs in another container.
fn in_the_way(path: &Path) -> Option<u32> {
    let (file, _) = file::open(path).ok()??;
    let lock = fcntl_getlk(&file, &Flock::from(FlockType::WriteLock)).ok()??;
    let process = lock.pid.map_or(0, |process| process.as_raw_nonzero().get());
    Some(u32::try_from(process).unwrap_or_default())
}

/// The most bytes that the number of a process and an end of line have.
const LONGEST_NUMBER: u64 = 64;

/// The process in `cq.pid`, if it is alive and a Java program: numbers are used again.
fn noted(cache: &Path) -> Option<u32> {
    cache.ancestors().take(4).find_map(|folder| {
        // Whoever may write there could have put a pipe or an endless file in its place.
        let bytes = file::read(&folder.join("conf/cq.pid"), LONGEST_NUMBER).ok()??;
        let process: u32 = std::str::from_utf8(&bytes).ok()?.trim().parse().ok()?;
        let command = fs::read(format!("/proc/{process}/cmdline")).ok()?;
        let program = command.split(|byte| *byte == 0).next()?;
        program.ends_with(b"java").then_some(process)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_lists_who_holds_a_lock() {
        let locks = "1: POSIX  ADVISORY  WRITE 77 fd:00:12 0 EOF\n\
                     1: -> POSIX  ADVISORY  WRITE 78 fd:00:13 0 EOF\n\
                     2: OFDLCK ADVISORY  READ  -1 fd:00:14 0 EOF\n";
        assert_eq!(holder(locks, "fd:00:12"), Some(77));
        assert_eq!(holder(locks, "fd:00:13"), None);
        assert_eq!(holder(locks, "fd:00:14"), None);
    }

    #[test]
    fn the_start_of_a_process_is_known() {
        let fields = (3..=25).map(|field| field.to_string());
        let rest = fields.collect::<Vec<_>>().join(" ");
        assert_eq!(start_ticks(&format!("1 (a) b) {rest}")), Some(22));
        assert_eq!(start_ticks("1 (a"), None);
        assert!(started(std::process::id()).unwrap() > 0);
        assert_eq!(started(u32::MAX), None);
    }

    #[test]
    fn a_lock_that_is_held_is_seen() {
        let scratch = tempfile::tempdir().unwrap();
        assert_eq!(Running::look(scratch.path()), Running::No);
        let file = fs::File::create(scratch.path().join("cache.lock")).unwrap();
        assert_eq!(Running::look(scratch.path()), Running::No);
        rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .unwrap();
        let process = std::process::id();
        assert_eq!(Running::look(scratch.path()), Running::Yes { process });
    }

    #[test]
    fn a_lock_is_seen_where_the_kernel_lists_it_under_another_device() {
        use std::io::Read as _;
        use std::process::{Command, Stdio};

        // A process is never in its own way, so another one holds the lock, until its input ends.
        const HOLD: &str = "import fcntl, sys\nfile = open('lock', 'r+')\nfcntl.lockf(file, fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.read()";
        let scratch = tempfile::tempdir().unwrap();
        let lock = scratch.path().join("lock");
        assert_eq!(in_the_way(&lock), None);
        fs::write(&lock, "").unwrap();
        assert_eq!(in_the_way(&lock), None);
        let mut holder = Command::new("python3")
            .args(["-c", HOLD])
            .current_dir(scratch.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is there; if not: cargo xtask needs");
        let mut held = [0; 4];
        holder.stdout.take().unwrap().read_exact(&mut held).unwrap();
        assert_eq!(in_the_way(&lock), Some(holder.id()));
        drop(holder.stdin.take());
        holder.wait().unwrap();
        assert_eq!(in_the_way(&lock), None);
    }

    #[test]
    fn a_pipe_in_its_place_keeps_nobody_waiting() {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("conf")).unwrap();
        let path = scratch.path().join("conf/cq.pid");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        assert_eq!(Running::look(scratch.path()), Running::No);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert_eq!(Running::look(scratch.path()), Running::No);
    }

    #[test]
    fn a_number_that_belongs_to_another_program_is_nobody() {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("conf")).unwrap();
        fs::write(
            scratch.path().join("conf/cq.pid"),
            format!("{}\n", std::process::id()),
        )
        .unwrap();
        assert_eq!(Running::look(scratch.path()), Running::No);
    }
}
