//! A program of the system, ended with the test that started it.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{panicking, sleep};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A running program. Dropping it ends it, and shows what it wrote if the test failed.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `command`, which writes into `log`.
    pub(crate) fn start(name: &str, mut command: Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        }
    }

    /// Nothing, while it runs.
    ///
    /// # Panics
    /// When it has ended by itself.
    pub(crate) fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("{} has ended: {status}", self.name);
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// SIGTERM.
    pub(crate) fn ask_to_end(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let (Ok(None), Some(pid)) = (self.child.try_wait(), pid) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// SIGTERM, and SIGKILL if that is not enough.
    pub(crate) fn end(&mut self) {
        self.ask_to_end();
        for _ in 0..500 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
        if panicking() {
            let said = fs::read(&self.log).unwrap_or_default();
            eprintln!(
                "---- {} ----\n{}",
                self.name,
                String::from_utf8_lossy(&said)
            );
        }
    }
}

/// A command for the program `name`.
///
/// # Panics
/// When it is not installed; the message says what to type.
#[allow(
    clippy::disallowed_methods,
    reason = "a test looks for programs where the system has them"
)]
pub(crate) fn command(name: &str, package: &str) -> Command {
    // Debian keeps servers out of an ordinary user's search path.
    let path = env::var_os("PATH").unwrap_or_default();
    let places =
        env::split_paths(&path).chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from));
    let found = places
        .map(|place| place.join(name))
        .find(|path| path.is_file());
    match found {
        Some(path) => Command::new(path),
        None => panic!("{name} is not installed: `apt-get install {package}`"),
    }
}
