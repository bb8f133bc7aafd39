//! The program at a terminal, with somebody who reads and types.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Far longer than anything takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: Vec<u8>,
}

impl Terminal {
    /// Starts `command` with a terminal for its input and all that it says.
    pub(crate) fn start(mut command: Command) -> Self {
        command = interruptible(&command);
        let keyboard =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let path = Path::new(OsStr::from_bytes(name.to_bytes()));
        let end = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .unwrap();
        let child = command
            .env("TERM", "xterm")
            .stdin(end.try_clone().unwrap())
            .stdout(end.try_clone().unwrap())
            .stderr(end)
            .spawn()
            .unwrap();
        // The command has the other end, too, and nothing is at an end as long as somebody has it.
        drop(command);
        let keyboard = File::from(keyboard);
        let mut reader = keyboard.try_clone().unwrap();
        let (sender, screen) = channel();
        thread::spawn(move || {
            let mut part = [0; 4_096];
            // When the other end is closed, reading fails.
            while let Ok(count @ 1..) = reader.read(&mut part) {
                let _ = sender.send(part[..count].to_vec());
            }
        });
        Self {
            child,
            keyboard,
            screen,
            shown: Vec::new(),
        }
    }

    /// Waits for these words, and returns all that was shown so far.
    #[track_caller]
    pub(crate) fn until(&mut self, words: &str) -> String {
        loop {
            let shown = String::from_utf8_lossy(&self.shown).into_owned();
            if shown.contains(words) {
                return shown;
            }
            match self.screen.recv_timeout(PATIENCE) {
                Ok(part) => self.shown.extend(part),
                Err(_) => panic!("{words}: {shown}"),
            }
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// What Ctrl-C does at a terminal of one's own.
    pub(crate) fn interrupt(&self) {
        signal(&self.child, Signal::INT);
    }

    /// What happens when the window of a terminal is closed; waits until the program is gone.
    pub(crate) fn hang_up(mut self) {
        signal(&self.child, Signal::HUP);
        self.child.wait().unwrap();
    }

    /// The status it ends with, and all that was shown.
    #[track_caller]
    pub(crate) fn end(mut self) -> (i32, String) {
        let shown = loop {
            match self.screen.recv_timeout(PATIENCE) {
                Ok(part) => self.shown.extend(part),
                Err(RecvTimeoutError::Disconnected) => {
                    break String::from_utf8_lossy(&self.shown).into_owned();
                }
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {:?}", self.shown),
            }
        };
        let status = self.child.wait().unwrap();
        (status.code().unwrap_or(-1), shown)
    }
}

/// The same command, which Ctrl-C reaches also where the tests run in the background: there a shell lets everybody ignore it.
pub(crate) fn interruptible(command: &Command) -> Command {
    let mut same = Command::new("env");
    same.arg("--default-signal=HUP,INT,TERM")
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => same.env(name, value),
            None => same.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        same.current_dir(directory);
    }
    same
}

/// Sends a signal to a process.
pub(crate) fn signal(child: &Child, signal: Signal) {
    rustix::process::kill_process(Pid::from_child(child), signal).unwrap();
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
