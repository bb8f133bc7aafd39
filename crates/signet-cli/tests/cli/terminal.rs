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

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
