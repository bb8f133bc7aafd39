//! One run of one target, and what its output says.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::scratch;
use crate::tree::Tree;

/// The longest input; headers and tokens are refused well below it.
const MAX_LENGTH: u32 = 8_192;

/// How long one input may take, and how much memory the target may use.
const TIMEOUT_SECONDS: u32 = 10;
const MEMORY_MEBIBYTES: u32 = 1_024;

/// How much of the log is shown when a run fails.
const LOG_LINES: usize = 40;

/// A target, built, and how long it runs.
pub(super) struct Run<'a> {
    pub(super) tree: &'a Tree,
    pub(super) name: &'a str,
    pub(super) program: &'a OsStr,
    pub(super) seconds: u32,
}

impl Run<'_> {
    /// Runs the committed seeds, then new inputs; returns a line about it.
    pub(super) fn execute(&self) -> Result<String> {
        let found = scratch(self.tree, "found", self.name)?;
        let crashes = scratch(self.tree, "crashes", self.name)?;
        let log = scratch(self.tree, "logs", "")?.join(format!("{}.log", self.name));
        let before = files(&crashes);
        let status = self.command(&found, &crashes, &log)?.status()?;
        let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
        if status.success() {
            return summary(&text);
        }
        let tail = tail(&text).join("\n    | ");
        let inputs: Vec<_> = files(&crashes)
            .into_iter()
            .filter(|f| !before.contains(f))
            .collect();
        bail!(
            "failed with {status}\n    | {tail}\n    log: {}\n    input: {}\n    \
             again: cargo xtask fuzz {} --input FILE",
            log.display(),
            if inputs.is_empty() {
                "none was written".to_owned()
            } else {
                inputs.join(", ")
            },
            self.name
        )
    }

    fn command(&self, found: &Path, crashes: &Path, log: &Path) -> Result<Command> {
        let log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(self.program);
        command
            .arg(format!("-max_total_time={}", self.seconds))
            .arg(format!("-max_len={MAX_LENGTH}"))
            .arg(format!("-timeout={TIMEOUT_SECONDS}"))
            .arg(format!("-rss_limit_mb={MEMORY_MEBIBYTES}"))
            .arg(format!("-artifact_prefix={}/", crashes.display()))
            .arg("-print_final_stats=1")
            // The first folder receives what is found; the second is only read.
            .arg(found)
            .arg(self.tree.path(&format!("fuzz/corpus/{}", self.name)))
            // A backtrace would push the message out of the part of the log that is shown.
            .env("RUST_BACKTRACE", "0")
            .current_dir(self.tree.root())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }
}

/// What a run that found nothing wrong says about itself.
fn summary(log: &str) -> Result<String> {
    // Without counters libFuzzer only guesses, and a quiet run would mean nothing.
    let Some(counters) = counters(log) else {
        bail!("ran without coverage: the instrumentation did not reach the code");
    };
    let runs = statistic(log, "stat::number_of_executed_units:").unwrap_or_default();
    let speed = statistic(log, "stat::average_exec_per_sec:").unwrap_or_default();
    let covered = log
        .lines()
        .filter_map(|line| {
            line.split("cov: ")
                .nth(1)?
                .split(' ')
                .next()?
                .parse::<u64>()
                .ok()
        })
        .max()
        .unwrap_or_default();
    if runs == 0 || covered == 0 {
        bail!("ran {runs} inputs and covered {covered} of {counters} places");
    }
    Ok(format!(
        "ok, {runs} inputs, {speed} a second, {covered} of {counters} places covered"
    ))
}

/// The end of the log without libFuzzer's lines about its progress.
fn tail(log: &str) -> Vec<&str> {
    let progress = |line: &str| line.starts_with('#') || line.contains("NEW_FUNC");
    let lines: Vec<_> = log.lines().filter(|line| !progress(line)).collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].to_vec()
}

fn counters(log: &str) -> Option<u64> {
    let line = log
        .lines()
        .find(|line| line.contains("inline 8-bit counters"))?;
    line.split('(').nth(1)?.split(' ').next()?.parse().ok()
}

fn statistic(log: &str, name: &str) -> Option<u64> {
    log.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path().display().to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
INFO: Loaded 1 modules   (2047 inline 8-bit counters): 2047 [0x5, 0x6),
#12\tINITED cov: 301 ft: 302 corp: 4/31b exec/s: 0 rss: 38Mb
#99\tDONE   cov: 411 ft: 600 corp: 9/88b lim: 4 exec/s: 0 rss: 38Mb
stat::number_of_executed_units: 99
stat::average_exec_per_sec:     33
";

    #[test]
    fn a_run_is_summed_up() {
        assert_eq!(
            summary(LOG).unwrap(),
            "ok, 99 inputs, 33 a second, 411 of 2047 places covered"
        );
    }

    #[test]
    fn the_tail_shows_what_matters() {
        let log = format!("{LOG}\tNEW_FUNC[1/3]: 0x1\nthread panicked\n");
        assert_eq!(tail(&log).len(), 4);
        assert_eq!(tail(&log).last(), Some(&"thread panicked"));
    }

    #[test]
    fn a_run_without_coverage_fails() {
        assert!(summary(&LOG.replace("inline 8-bit", "no")).is_err());
        assert!(summary("INFO: Loaded 1 modules (5 inline 8-bit counters)").is_err());
    }
}
