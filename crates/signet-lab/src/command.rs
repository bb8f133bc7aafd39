//! The `signet` commands that a scene plays, as an administrator would type them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::error::LabError;
use crate::instance::indented_tail;

/// The `signet` binary.
#[derive(Debug, Clone)]
pub(crate) struct Signet {
    program: PathBuf,
}

impl Signet {
    pub(crate) fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// Runs `signet WORDS… --data DATA` to its end.
    ///
    /// # Errors
    /// [`LabError::Command`] with what it said where it does not succeed.
    pub(crate) async fn run(&self, words: &[&str], data: &Path) -> Result<(), LabError> {
        let process = |source| LabError::Process {
            action: "run",
            who: format!("`signet {}`", words.join(" ")),
            source,
        };
        let output = Command::new(&self.program)
            .args(words.iter().map(OsStr::new))
            .arg("--data")
            .arg(data)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(process)?;
        if output.status.success() {
            return Ok(());
        }
        Err(LabError::Command {
            command: words.join(" "),
            status: output.status,
            said: indented_tail(&String::from_utf8_lossy(&output.stderr)),
        })
    }
}
