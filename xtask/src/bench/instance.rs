//! A Signet instance of its own: data directory, keys, tokens.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::cores::pinned;
use super::http::Request;
use super::process::{Process, free_port};

/// How long an instance may take until it is ready; a million users need a while.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// The data directory of an instance that was started once, and the ports written down in it.
pub(super) struct Instance {
    program: PathBuf,
    data: PathBuf,
    public: u16,
}

/// Where an instance runs.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// On this core alone.
    Core(u32),
    /// Wherever the system puts it.
    Anywhere,
}

impl Instance {
    /// Lets an instance make its data directory, configuration and keys by starting it for the first time.
    pub(super) fn make(program: &Path, data: &Path) -> Result<Self> {
        let instance = Self {
            program: program.to_owned(),
            data: data.to_owned(),
            public: free_port()?,
        };
        let scratch = data.parent().context("a data directory without a parent")?;
        let mut command = Command::new(program);
        instance.serve(&mut command);
        command.args(["--listen", &format!("127.0.0.1:{}", instance.public)]);
        command.args(["--admin-listen", &format!("127.0.0.1:{}", free_port()?)]);
        let mut process = Process::start("signet-first-start", &mut command, scratch)?;
        instance.wait(&mut process)?;
        process.stop()?;
        Ok(instance)
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// The port of the public listener.
    pub(super) fn port(&self) -> u16 {
        self.public
    }

    /// Starts the instance and waits until it is ready.
    pub(super) fn start(&self, place: Place, scratch: &Path) -> Result<Process> {
        let mut command = match place {
            Place::Core(core) => pinned(core, &self.program),
            Place::Anywhere => Command::new(&self.program),
        };
        self.serve(&mut command);
        let mut process = Process::start("signet", &mut command, scratch)?;
        self.wait(&mut process)?;
        Ok(process)
    }

    /// A sealed token of one of the users.
    pub(super) fn token(&self, user: &str) -> Result<String> {
        #[derive(Deserialize)]
        struct Minted {
            token: String,
        }
        let output = Command::new(&self.program)
            .args(["token", "mint", user, "--format", "sealed", "--life", "12h"])
            .arg("--json")
            .arg("--data")
            .arg(&self.data)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run signet token mint")?;
        ensure!(
            output.status.success(),
            "`signet token mint {user}` ended with {}",
            output.status
        );
        let minted: Minted = serde_json::from_slice(&output.stdout)
            .context("`signet token mint --json` printed no token")?;
        Ok(minted.token)
    }

    fn serve(&self, command: &mut Command) {
        command.arg("serve").arg("--data").arg(&self.data);
    }

    fn wait(&self, process: &mut Process) -> Result<()> {
        let ready = Request::get(self.public, "/readyz");
        process.wait_until(PATIENCE, LOOK_EVERY, || {
            ready.status().is_ok_and(|status| status == 200)
        })
    }
}
