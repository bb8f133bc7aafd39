//! The last guard against orphans.
//!
//! Instances are ended when their handle is dropped, which an error or a panic also does.
//! Nothing runs in a lab that is itself killed, so a small shell waits beside it: it holds the
//! list of running instances and reads from a pipe that closes with the lab, however that ends.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::error::LabError;

/// Reads `+ PID` and `- PID`; at the end of its input it ends what is left.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
set --
while read -r sign pid; do
  if [ "$sign" = + ]; then
    set -- "$@" "$pid"
  else
    for other; do
      shift
      [ "$other" = "$pid" ] || set -- "$@" "$other"
    done
  fi
done
[ $# -eq 0 ] || kill -9 "$@" 2>/dev/null
exit 0
"#;

/// The shell that ends instances when the lab cannot.
#[derive(Debug)]
pub(crate) struct Warden {
    shell: Child,
    list: Mutex<Option<ChildStdin>>,
}

impl Warden {
    /// Starts the shell, in a process group of its own so that Ctrl-C does not reach it.
    pub(crate) fn start() -> Result<Self, LabError> {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|source| LabError::Process {
                action: "start",
                who: "`sh`, which guards the instances".to_owned(),
                source,
            })?;
        let list = Mutex::new(shell.stdin.take());
        Ok(Self { shell, list })
    }

    /// Puts a process on the list.
    pub(crate) fn guard(&self, pid: u32) {
        self.tell('+', pid);
    }

    /// Takes a process that has ended off the list, before its number can be used again.
    pub(crate) fn release(&self, pid: u32) {
        self.tell('-', pid);
    }

    fn tell(&self, sign: char, pid: u32) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        // A shell that is gone guards nothing; the instances still end with their handles.
        if let Some(list) = list.as_mut()
            && let Err(error) = writeln!(list, "{sign} {pid}")
        {
            tracing::debug!(%error, "the guard does not listen");
        }
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        self.list
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("600").spawn().unwrap()
    }

    #[test]
    fn what_is_on_the_list_at_the_end_is_ended_and_nothing_else() {
        let (mut kept, mut ended, mut also) = (sleeper(), sleeper(), sleeper());
        let warden = Warden::start().unwrap();
        for child in [&ended, &kept, &also] {
            warden.guard(child.id());
        }
        warden.release(kept.id());
        drop(warden);
        assert_eq!(ended.wait().unwrap().signal(), Some(9));
        assert_eq!(also.wait().unwrap().signal(), Some(9));
        assert!(kept.try_wait().unwrap().is_none());
        kept.kill().unwrap();
        kept.wait().unwrap();
    }
}
