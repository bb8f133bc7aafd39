//! Sealing every secret anew: ten times as many take ten times as long, and no more memory.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::amount::Unit;
use super::data::{self, Program};
use super::figure::Figure;
use super::measure::{Measure, Target};
use super::memory::field;
use super::{Lane, Progress};

const FEW: u32 = 10_000;
const MANY: u32 = 100_000;

/// How often the memory of the program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What one run took.
pub(super) struct Run {
    pub(super) milliseconds: f64,
    /// In MiB.
    pub(super) peak: f64,
}

pub(super) fn measure(lane: &Lane<'_>) -> Result<Vec<Measure>> {
    let signet = Program::build(lane.tree)?;
    data::release(
        lane.tree,
        &["--package", "signet-server", "--example", "seal"],
    )?;
    let rounds = lane.care.pick(5, 2);
    let progress = Progress::new("reseal", 2 * (rounds + 1));
    let scratch = data::scratch()?;
    let few = Installation::make(lane, &signet, FEW, scratch.path().join("few"))?;
    let many = Installation::make(lane, &signet, MANY, scratch.path().join("many"))?;
    let (mut one, mut ten) = (Vec::new(), Vec::new());
    // The first round finds a cold file, and does not count.
    for round in 0..=rounds {
        for (installation, runs) in [(&few, &mut one), (&many, &mut ten)] {
            progress.turn(&format!("{} values", installation.count));
            let run = installation.reseal()?;
            if round > 0 {
                runs.push(run);
            }
            progress.step();
        }
    }
    let times = |runs: &[Run]| runs.iter().map(|run| run.milliseconds).collect::<Vec<_>>();
    let peaks = |runs: &[Run]| runs.iter().map(|run| run.peak).collect::<Vec<_>>();
    let tenfold: Vec<_> = times(&one).iter().map(|time| time * 10.0).collect();
    let median = |numbers: Vec<f64>| Figure::of(numbers).median;
    Ok(vec![
        Measure::new(
            "reseal 100,000 values against ten times 10,000: time",
            Figure::of_ratios(&times(&ten), &tenfold),
            Unit::Times,
        )
        .target(Target::at_most(1.25))
        .beside("100,000", median(times(&ten)), Unit::Milliseconds)
        .beside("10,000", median(times(&one)), Unit::Milliseconds),
        Measure::new(
            "reseal 100,000 values against 10,000: peak memory",
            Figure::of_ratios(&peaks(&ten), &peaks(&one)),
            Unit::Times,
        )
        .target(Target::at_most(1.25))
        .beside("100,000", median(peaks(&ten)), Unit::Mebibytes)
        .beside("10,000", median(peaks(&one)), Unit::Mebibytes),
    ])
}

/// A data directory with so many sealed values.
struct Installation<'a> {
    signet: &'a Program,
    data: PathBuf,
    count: u32,
}

impl<'a> Installation<'a> {
    fn make(lane: &Lane<'_>, signet: &'a Program, count: u32, data: PathBuf) -> Result<Self> {
        let status = Command::new(lane.tree.path("target/release/examples/seal"))
            .arg(&data)
            .arg(count.to_string())
            .stdin(Stdio::null())
            .stdout(std::io::stderr())
            .status()
            .context("cannot run the example seal")?;
        ensure!(status.success(), "the example seal ended with {status}");
        Ok(Self {
            signet,
            data,
            count,
        })
    }

    /// Makes a new key, and seals everything with it.
    fn reseal(&self) -> Result<Run> {
        let rotated = self
            .command(&["keys", "rotate", "--ring", "master"])
            .stdout(Stdio::null())
            .status()?;
        ensure!(
            rotated.success(),
            "`signet keys rotate` ended with {rotated}"
        );
        let begun = Instant::now();
        let mut child = self
            .command(&["secret", "reseal", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run signet secret reseal")?;
        let (peak, milliseconds) = watch(&mut child, begun)?;
        let output = child.wait_with_output()?;
        ensure!(
            output.status.success(),
            "`signet secret reseal` ended with {}",
            output.status
        );
        let said: Value = serde_json::from_slice(&output.stdout)?;
        let resealed = said.pointer("/resealed/repository").and_then(Value::as_u64);
        ensure!(
            resealed == Some(self.count.into()),
            "`signet secret reseal` sealed {resealed:?} values instead of {}",
            self.count
        );
        Ok(Run { milliseconds, peak })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.signet.path());
        command
            .args(words)
            .arg("--data")
            .arg(&self.data)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        command
    }
}

/// The peak of the child's memory in MiB, and the milliseconds from `begun` until it ended.
///
/// The kernel keeps the peak, so it is enough to have looked shortly before the end.
pub(super) fn watch(child: &mut Child, begun: Instant) -> Result<(f64, f64)> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    while child.try_wait()?.is_none() {
        let now = std::fs::read_to_string(&status).unwrap_or_default();
        peak = field(&now, "VmHWM").unwrap_or_default().max(peak);
        thread::sleep(LOOK_EVERY);
    }
    Ok((peak, begun.elapsed().as_secs_f64() * 1e3))
}
