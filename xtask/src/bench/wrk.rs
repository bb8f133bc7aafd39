//! The load for requests per second: `wrk`, one thread, as many connections as a busy proxy keeps open.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::cores::pinned;
use super::programs;
use super::quiet::{self, Turn};
use super::side::Side;

pub(super) const CONNECTIONS: u32 = 64;

/// What a server answered in one turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Answered {
    pub(super) per_second: f64,
    /// What the server's threads worked for each request, in nanoseconds: whoever else wants the core does not change it
    /// much.
    pub(super) work: f64,
}

/// Lets `wrk` ask a server for so many seconds.
///
/// # Errors
///
/// When one answer is not a 200 or 204, or a connection breaks.
pub(super) fn rate(side: &Side, core: u32, seconds: u32, scratch: &Path) -> Result<Turn<Answered>> {
    // In a file and not in an argument, because a header holds a token. Without a function in it, wrk runs no script
    // while it measures.
    let script = scratch.join(format!("{}.lua", side.name));
    let headers = side.request.headers.iter();
    let headers: String = headers
        .map(|(name, value)| format!("wrk.headers[\"{name}\"] = \"{value}\"\n"))
        .collect();
    fs::write(&script, headers)?;
    let worked_before = quiet::worked(side.process());
    let child = pinned(core, programs::system("wrk")?)
        .args(["--threads", "1"])
        .args(["--connections", &CONNECTIONS.to_string()])
        .args(["--duration", &format!("{seconds}s")])
        .arg("--script")
        .arg(&script)
        .arg(format!(
            "http://{}{}",
            side.request.address(),
            side.request.path
        ))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run wrk")?;
    // What it waited is forgotten when it ends, so it is asked shortly before.
    thread::sleep(Duration::from_secs(seconds.into()).mul_f64(0.95));
    let load_waited = quiet::waited(child.id());
    let output = child.wait_with_output().context("cannot wait for wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk ended with {}", output.status);
    let (per_second, requests) =
        read(&text).with_context(|| format!("wrk against {} says:\n{text}", side.name))?;
    let worked = quiet::worked(side.process()).saturating_sub(worked_before);
    let found = Answered {
        per_second,
        work: worked.as_nanos() as f64 / requests,
    };
    Ok(Turn { found, load_waited })
}

/// The rate, and how many requests there were in all.
fn read(text: &str) -> Result<(f64, f64)> {
    for failure in ["Non-2xx", "Socket errors"] {
        ensure!(!text.contains(failure), "not every answer was right");
    }
    let number =
        |find: &dyn Fn(&str) -> Option<&str>| text.lines().find_map(find)?.trim().parse().ok();
    let rate = number(&|line| line.trim().strip_prefix("Requests/sec:"));
    let requests = number(&|line| Some(line.trim().split_once(" requests in ")?.0));
    rate.zip(requests).context("no rate")
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_rate_counts_only_if_every_answer_was_right() {
        let good =
            "  100 requests in 2.00s, 1MB read\nRequests/sec:  88123.45\nTransfer/sec:  1MB\n";
        assert_eq!(read(good).unwrap(), (88_123.45, 100.0));
        assert!(read(&format!("{good}  Non-2xx or 3xx responses: 1\n")).is_err());
        assert!(read(&format!("{good}  Socket errors: connect 0, read 1\n")).is_err());
        assert!(read("").is_err());
    }
}
