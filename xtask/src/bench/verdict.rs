//! What a verdict costs: the benchmark of `signet-core`, pinned to one core.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::amount::Unit;
use super::cores::pinned;
use super::figure::Figure;
use super::measure::{Measure, Target};
use super::{Care, Lane, Progress};

/// What the benchmark prints of one format.
#[derive(Deserialize)]
struct Report {
    format: String,
    token_bytes: f64,
    mac_bytes: f64,
    raw: String,
    warm: Costs,
    cold: Costs,
}

/// What each side took, with the caches filled by verdicts or by something else.
#[derive(Deserialize)]
struct Costs {
    verify_ns: f64,
    raw_ns: f64,
    jsonwebtoken_ns: f64,
    against_raw: Figure,
    against_jsonwebtoken: Figure,
}

pub(super) fn measure(lane: &Lane<'_>) -> Result<Vec<Measure>> {
    // Cargo builds on all cores, the benchmark runs on one.
    let bench = [
        "bench",
        "--quiet",
        "--package",
        "signet-core",
        "--bench",
        "verdict",
    ];
    let built = crate::cargo::command(lane.tree)
        .args(bench)
        .arg("--no-run")
        .stdout(std::io::stderr())
        .status()
        .context("cannot run cargo")?;
    ensure!(built.success(), "`cargo bench --no-run` ended with {built}");
    let _progress = Progress::new("verdicts, with a million users", 1);
    let mut command = pinned(lane.cores.server, "cargo");
    command.current_dir(lane.tree.root()).args(bench);
    command.args(["--", "--json"]);
    if lane.care == Care::Quick {
        command.arg("--quick");
    }
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "`cargo bench` ended with {}",
        output.status
    );
    let reports: Vec<Report> =
        serde_json::from_slice(&output.stdout).context("the benchmark printed no report")?;
    Ok(reports.iter().flat_map(Report::measures).collect())
}

impl Report {
    fn measures(&self) -> [Measure; 3] {
        // DESIGN.md, section 11.
        let target = match self.format.as_str() {
            "signed" => Target::at_most(2.0),
            _ => Target::at_most(3.0),
        };
        let what = format!("verify {}", self.format);
        let against_raw = |what: String, costs: &Costs| {
            Measure::new(what, costs.against_raw, Unit::Times)
                .target(target)
                .beside("verify", costs.verify_ns, Unit::Nanoseconds)
                .beside(&self.raw, costs.raw_ns, Unit::Nanoseconds)
        };
        let farm = "1 M users, 10 k marks";
        [
            against_raw(
                format!("{what}, {farm}, against one HMAC-SHA256"),
                &self.warm,
            )
            .beside("token", self.token_bytes, Unit::Bytes)
            .beside("of which MACed", self.mac_bytes, Unit::Bytes),
            against_raw(format!("{what}, the same with cold caches"), &self.cold),
            Measure::new(
                format!("{what}, against jsonwebtoken"),
                self.warm.against_jsonwebtoken,
                Unit::Times,
            )
            .beside("jsonwebtoken", self.warm.jsonwebtoken_ns, Unit::Nanoseconds),
        ]
    }
}
