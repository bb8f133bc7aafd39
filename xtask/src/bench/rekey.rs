//! Sealing content of AEM anew: little slower than `grep -r` for the same pattern, and with the same memory whatever its size.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::amount::Unit;
use super::content::{Content, ensure_room};
use super::cores::pinned;
use super::data::{self, Program};
use super::figure::Figure;
use super::measure::{Measure, Target};
use super::reseal::{Run, watch};
use super::{Lane, Progress};
use crate::needs;

/// What `grep` looks for: the pattern of a protected string, with and without the backslashes of `.content.xml` and `.config`.
const PATTERN: &str = r"\{[0-9a-f]{64,}\\?\}";

/// How many different values the content repeats.
const DIFFERENT: usize = 64;

/// Of this much the memory is compared with a tenth of it.
const PARTS: u64 = 10;

const MIB: u64 = 1024 * 1024;

pub(super) fn measure(lane: &Lane<'_>, mebibytes: Option<u64>) -> Result<Vec<Measure>> {
    let signet = Program::build(lane.tree)?;
    let bytes = MIB * mebibytes.unwrap_or(lane.care.pick(5 * 1024, 512));
    let rounds: u64 = lane.care.pick(5, 3);
    let folder = lane.tree.path("target/bench");
    fs::create_dir_all(&folder)?;
    ensure_room(&folder, bytes + bytes / PARTS)?;
    // Beside the content of others who measure at the same time, and removed whatever happens.
    let folder = tempfile::Builder::new()
        .prefix("content-")
        .tempdir_in(folder)?;
    let scratch = data::scratch()?;
    let making = Progress::new(&format!("making {} MiB of content", bytes / MIB), 1);
    let desk = Desk::new(lane, &signet, scratch.path(), folder.path())?;
    let much = Content::make(folder.path().join("much"), bytes, &desk.sealed)?;
    let little = Content::make(folder.path().join("little"), bytes / PARTS, &desk.sealed)?;
    // What the disk still has to write of it is no burden of those who are measured.
    rustix::fs::sync();
    drop(making);

    let progress = Progress::new("rekey", rounds + 1);
    let mut turns = Turns::default();
    // The first round finds files that are not in memory yet, and does not count.
    for round in 0..=rounds {
        let turn = [
            desk.search(&progress, &much)?,
            desk.look(&progress, &much, round)?,
            desk.search(&progress, &much)?,
            desk.rekey(&progress, &much, round)?,
            desk.rekey(&progress, &little, round)?,
        ];
        if round > 0 {
            turns.add(turn);
        }
        progress.step();
    }
    Ok(turns.measures(&much, &little).into())
}

/// What each side took, turn by turn.
#[derive(Default)]
struct Turns {
    searching: Vec<f64>,
    looking: Vec<f64>,
    searching_again: Vec<f64>,
    sealing: Vec<f64>,
    looking_peak: Vec<f64>,
    peak: Vec<f64>,
    little_peak: Vec<f64>,
}

impl Turns {
    fn add(&mut self, [searched, looked, searched_again, sealed, little]: [Run; 5]) {
        self.searching.push(searched.milliseconds);
        self.looking.push(looked.milliseconds);
        self.looking_peak.push(looked.peak);
        self.searching_again.push(searched_again.milliseconds);
        self.sealing.push(sealed.milliseconds);
        self.peak.push(sealed.peak);
        self.little_peak.push(little.peak);
    }

    fn measures(&self, much: &Content, little: &Content) -> [Measure; 3] {
        let median = |numbers: &[f64]| Figure::of(numbers.iter().copied()).median;
        let size = |content: &Content| format!("{} MiB", content.bytes / MIB);
        let against = |what: &str, ours: &[f64], theirs: &[f64]| {
            Measure::new(
                format!(
                    "{what} of {} against grep -r, on one core: time",
                    size(much)
                ),
                Figure::of_ratios(ours, theirs),
                Unit::Times,
            )
            .target(Target::at_most(1.5))
            .beside("signet", median(ours), Unit::Milliseconds)
            .beside("grep", median(theirs), Unit::Milliseconds)
        };
        [
            against("aem rekey --dry-run", &self.looking, &self.searching)
                .beside("files", much.files as f64, Unit::Count)
                .beside("values", much.values as f64, Unit::Count),
            against("aem rekey", &self.sealing, &self.searching_again).beside(
                "files changed",
                much.sealed_files as f64,
                Unit::Count,
            ),
            Measure::new(
                format!(
                    "aem rekey of {} against {}: peak memory",
                    size(much),
                    size(little)
                ),
                Figure::of_ratios(&self.peak, &self.little_peak),
                Unit::Times,
            )
            .target(Target::at_most(1.25))
            .beside(size(much), median(&self.peak), Unit::Mebibytes)
            .beside(size(little), median(&self.little_peak), Unit::Mebibytes)
            .beside("--dry-run", median(&self.looking_peak), Unit::Mebibytes),
        ]
    }
}

/// What both sides are run with.
struct Desk<'a> {
    core: u32,
    signet: &'a Program,
    grep: PathBuf,
    /// The two keys between which values go to and fro.
    keys: [PathBuf; 2],
    sealed: Vec<String>,
    /// On the disk of the content, as for users.
    backup: PathBuf,
}

impl<'a> Desk<'a> {
    fn new(lane: &Lane<'_>, signet: &'a Program, scratch: &Path, beside: &Path) -> Result<Self> {
        let keys = [("old", 0x3e), ("new", 0xa5)].map(|(name, byte)| (scratch.join(name), byte));
        for (path, byte) in &keys {
            let bits: [u8; 16] = core::array::from_fn(|place| byte ^ (place as u8 * 7));
            fs::write(path, bits)?;
        }
        let keys = keys.map(|(path, _)| path);
        let sealed = (0..DIFFERENT).map(|number| seal(signet, &keys[0], number));
        Ok(Self {
            core: lane.cores.server,
            signet,
            grep: needs::find("grep").context("grep is not installed")?,
            sealed: sealed.collect::<Result<_>>()?,
            keys,
            backup: beside.join("backup"),
        })
    }

    /// `grep -r`, which must find what there is to find.
    fn search(&self, progress: &Progress, content: &Content) -> Result<Run> {
        progress.turn("grep");
        let mut command = pinned(self.core, &self.grep);
        command
            .args(["-rhoE", PATTERN])
            .arg(content.path())
            .env("LC_ALL", "C");
        let (run, found) = ended(&mut command, "grep")?;
        let found = found.iter().filter(|byte| **byte == b'\n').count() as u64;
        ensure!(
            found == content.values,
            "grep found {found} of {} values",
            content.values
        );
        Ok(run)
    }

    /// Only reads.
    fn look(&self, progress: &Progress, content: &Content, round: u64) -> Result<Run> {
        progress.turn("signet aem rekey --dry-run");
        let mut command = self.signet(round, content);
        let (run, said) = ended(command.arg("--dry-run"), "signet aem rekey --dry-run")?;
        let said: Value = serde_json::from_slice(&said)?;
        ensure!(
            said["old"].as_u64() == Some(content.values),
            "signet found {} of {} values",
            said["old"],
            content.values
        );
        Ok(run)
    }

    /// All of it. The next round goes back from the new key to the old one.
    fn rekey(&self, progress: &Progress, content: &Content, round: u64) -> Result<Run> {
        progress.turn("signet aem rekey");
        let mut command = self.signet(round, content);
        let (run, said) = ended(
            command.arg("--backup").arg(&self.backup),
            "signet aem rekey",
        )?;
        let said: Value = serde_json::from_slice(&said)?;
        ensure!(
            said["values"].as_u64() == Some(content.values),
            "signet sealed {} of {} values anew",
            said["values"],
            content.values
        );
        fs::remove_dir_all(&self.backup)?;
        rustix::fs::sync();
        Ok(run)
    }

    fn signet(&self, round: u64, content: &Content) -> Command {
        let [old, new] = &self.keys;
        let (old, new) = if round.is_multiple_of(2) {
            (old, new)
        } else {
            (new, old)
        };
        let mut command = pinned(self.core, self.signet.path());
        command
            .args(["aem", "rekey", "--json", "--old"].map(OsStr::new))
            .arg(old)
            .arg("--new")
            .arg(new)
            .arg(content.path());
        command
    }
}

/// A value of Granite, with its braces.
fn seal(signet: &Program, master: &Path, number: usize) -> Result<String> {
    let mut child = Command::new(signet.path())
        .args(["aem", "protect", "--master"])
        .arg(master)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run signet aem protect")?;
    let secret = format!("secret {number} {}", "x".repeat(number));
    child
        .stdin
        .take()
        .context("signet aem protect takes no input")?
        .write_all(secret.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "`signet aem protect` ended with {}",
        output.status
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Runs to the end: what it took, and what it printed.
fn ended(command: &mut Command, name: &str) -> Result<(Run, Vec<u8>)> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {name}"))?;
    let mut output = child.stdout.take().context("no output")?;
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut output, &mut bytes).map(|_| bytes)
    });
    let (peak, milliseconds) = watch(&mut child, begun)?;
    let status = child.wait()?;
    ensure!(status.success(), "`{name}` ended with {status}");
    let bytes = reading.join().ok().context("reading ended badly")??;
    Ok((Run { milliseconds, peak }, bytes))
}
