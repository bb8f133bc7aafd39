//! A server that was started here and ends here.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a server may take to end when asked to.
const PATIENCE: Duration = Duration::from_secs(15);

/// A running child, ended when it goes out of scope.
pub(super) struct Process {
    child: Child,
    log: PathBuf,
    name: String,
}

impl Process {
    /// Starts `command` with its output in a file of `scratch`.
    pub(super) fn start(name: &str, command: &mut Command, scratch: &Path) -> Result<Self> {
        let log = scratch.join(format!("{name}.log"));
        let output =
            File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            child,
            log,
            name: name.to_owned(),
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `is_ready` says so, looking every `pause`.
    ///
    /// # Errors
    ///
    /// When the process ends before, or the time is over; with the last lines it wrote.
    pub(super) fn wait_until(
        &mut self,
        within: Duration,
        pause: Duration,
        mut is_ready: impl FnMut() -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + within;
        while !is_ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}{}", self.name, self.last_lines());
            }
            if Instant::now() > deadline {
                bail!(
                    "{} was not ready after {} s{}",
                    self.name,
                    within.as_secs(),
                    self.last_lines()
                );
            }
            thread::sleep(pause);
        }
        Ok(())
    }

    /// Asks the process to end, and waits until it has.
    ///
    /// # Errors
    ///
    /// When it has not ended in time; then it is ended the hard way.
    pub(super) fn stop(mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                bail!("{} did not end{}", self.name, self.last_lines());
            }
            // Again and again: to a server that lets requests under way end, the second one means "now".
            kill_process(Pid::from_child(&self.child), Signal::TERM).context("cannot end it")?;
            thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }

    fn last_lines(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(8)..];
        last.iter().map(|line| format!("\n    {line}")).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be ended again, and that is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of this machine that nobody uses at the moment.
pub(super) fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?.port())
}
