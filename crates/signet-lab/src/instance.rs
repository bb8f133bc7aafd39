//! One instance: a `signet serve` of its own, with its own data directory.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::balancer::is_ready;
use crate::error::LabError;
use crate::ports;
use crate::warden::Warden;

/// Time for an instance to become ready; a first start on a slow, busy machine takes seconds.
const START: Duration = Duration::from_secs(30);

/// Time for an instance to end by itself after SIGTERM.
const STOP: Duration = Duration::from_secs(15);

/// What an instance is on the farm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Owns users and keys.
    Author,
    /// Serves visitors, behind the balancer.
    Publish,
}

impl Role {
    /// The word for it in `signet.toml` and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Publish => "publish",
        }
    }
}

/// Who an instance is and where it is.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Member {
    /// Its name: `author`, `publish-1`, …
    pub(crate) name: String,
    /// Its role.
    pub(crate) role: Role,
    /// Its public listener.
    pub(crate) address: SocketAddr,
    /// Its admin listener.
    pub(crate) admin: SocketAddr,
    /// Its data directory.
    pub(crate) data: PathBuf,
    /// The `host:port` under which it is asked: the balancer's for a publish instance.
    pub(crate) host: String,
}

impl Member {
    /// The file its output goes to.
    #[must_use]
    pub(crate) fn log(&self) -> PathBuf {
        self.data.join("instance.log")
    }
}

/// A member and its process, which ends with this value at the latest.
#[derive(Debug)]
pub(crate) struct Instance {
    member: Member,
    program: PathBuf,
    warden: Arc<Warden>,
    running: Option<Child>,
}

impl Instance {
    /// An instance that does not run yet; `program` is the `signet` binary.
    pub(crate) fn new(member: Member, program: PathBuf, warden: Arc<Warden>) -> Self {
        Self {
            member,
            program,
            warden,
            running: None,
        }
    }

    /// Who it is.
    #[must_use]
    pub(crate) fn member(&self) -> &Member {
        &self.member
    }

    /// The process, while it runs.
    #[must_use]
    pub(crate) fn pid(&self) -> Option<u32> {
        self.running.as_ref().and_then(Child::id)
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// [`LabError::PortInUse`], [`LabError::Ended`] or [`LabError::NotReady`]; after any of them
    /// it does not run.
    pub(crate) async fn start(&mut self) -> Result<(), LabError> {
        self.spawn()?;
        let ready = self.wait_ready().await;
        if ready.is_err() {
            self.kill().await?;
        }
        ready
    }

    /// `kill -9`, as when a machine loses power; does nothing where it does not run.
    ///
    /// # Errors
    /// [`LabError::Process`].
    pub(crate) async fn kill(&mut self) -> Result<(), LabError> {
        let Some(mut child) = self.running.take() else {
            return Ok(());
        };
        let pid = child.id();
        let killed = child.kill().await;
        self.forget(pid);
        killed.map_err(|source| self.failed("kill", source))
    }

    /// Asks it to end (SIGTERM) and waits; one that does not is killed.
    ///
    /// # Errors
    /// [`LabError::Process`].
    pub(crate) async fn stop(&mut self) -> Result<(), LabError> {
        let Some(child) = self.running.as_mut() else {
            return Ok(());
        };
        let pid = child.id();
        if let Some(target) = pid
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw)
        {
            // It may have ended this very moment.
            let _ = kill_process(target, Signal::TERM);
        }
        match timeout(STOP, child.wait()).await {
            Ok(Ok(_)) => {
                self.running = None;
                self.forget(pid);
                Ok(())
            }
            Ok(Err(source)) => Err(self.failed("wait for", source)),
            Err(_) => {
                tracing::warn!(instance = %self.member.name, "did not end, killed");
                self.kill().await
            }
        }
    }

    /// How it ended, if it has done so by itself or by somebody else's hand since it was started.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        let child = self.running.as_mut()?;
        let pid = child.id();
        let status = child.try_wait().ok().flatten()?;
        self.running = None;
        self.forget(pid);
        Some(status)
    }

    /// The error of an instance that was not ready for so long.
    pub(crate) fn not_ready(&self, time: Duration) -> LabError {
        LabError::NotReady {
            who: self.member.name.clone(),
            seconds: time.as_secs(),
            said: last_lines(&self.member.log()),
            log: self.member.log(),
        }
    }

    /// The error of an instance that ended unasked.
    pub(crate) fn died(&self, status: ExitStatus) -> LabError {
        LabError::Died {
            who: self.member.name.clone(),
            status,
            said: last_lines(&self.member.log()),
            log: self.member.log(),
        }
    }

    fn spawn(&mut self) -> Result<(), LabError> {
        let Member {
            name,
            role,
            address,
            admin,
            data,
            ..
        } = &self.member;
        ports::check_free(name, *address)?;
        ports::check_free(name, *admin)?;
        let file = |source| LabError::File {
            action: "open",
            path: self.member.log(),
            source,
        };
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.member.log())
            .map_err(file)?;
        let child = Command::new(&self.program)
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--role", role.as_str()])
            .args(["--listen", &address.to_string()])
            .args(["--admin-listen", &admin.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(file)?)
            .stderr(log)
            // Ctrl-C in the terminal reaches the lab alone, which ends its instances in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| self.failed("start", source))?;
        if let Some(pid) = child.id() {
            self.warden.guard(pid);
        }
        self.running = Some(child);
        Ok(())
    }

    async fn wait_ready(&mut self) -> Result<(), LabError> {
        let deadline = Instant::now() + START;
        loop {
            if let Some(child) = self.running.as_mut()
                && let Ok(Some(status)) = child.try_wait()
            {
                return Err(LabError::Ended {
                    who: self.member.name.clone(),
                    status,
                    said: last_lines(&self.member.log()),
                    log: self.member.log(),
                });
            }
            if is_ready(self.member.address, &self.member.host).await {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.not_ready(START));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn forget(&self, pid: Option<u32>) {
        if let Some(pid) = pid {
            self.warden.release(pid);
        }
    }

    fn failed(&self, action: &'static str, source: std::io::Error) -> LabError {
        LabError::Process {
            action,
            who: self.member.name.clone(),
            source,
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(child) = self.running.as_mut() {
            let pid = child.id();
            // Sent here and not left to the runtime, which may itself be on its way out.
            let _ = child.start_kill();
            // Its directory may go next, and it must not write there any more. SIGKILL takes
            // moments; what the kernel holds longer is not waited for.
            for _ in 0..500 {
                if !matches!(child.try_wait(), Ok(None)) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            self.forget(pid);
        }
    }
}

/// The end of a log, each line after a line break; empty where there is none.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    indented_tail(&String::from_utf8_lossy(&text))
}

/// The last lines of a text, indented below an error.
pub(crate) fn indented_tail(text: &str) -> String {
    const LINES: usize = 8;
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let from = lines.len().saturating_sub(LINES);
    lines[from..]
        .iter()
        .map(|line| format!("\n    {line}"))
        .collect()
}

#[cfg(test)]
mod tests;
