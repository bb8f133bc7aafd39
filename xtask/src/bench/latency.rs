//! How long an answer takes at half of the peak rate.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};

use super::amount::Unit;
use super::cores::pinned;
use super::figure::Figure;
use super::measure::{Measure, Target};
use super::pace::Latencies;
use super::requests::Peaks;
use super::side::{Side, Sides};
use super::{Lane, Progress, data, wrk};

/// Lets Signet and HAProxy take turns, each at half of its own peak rate.
pub(super) fn measure(lane: &Lane<'_>, sides: &Sides, peaks: &Peaks) -> Result<Vec<Measure>> {
    // A program of its own, because this one was built for development, and on a core of its own.
    data::release(lane.tree, &["--package", "xtask"])?;
    let rounds = lane.care.pick(9, 4);
    let seconds = lane.care.pick(3.0, 2.0);
    let scratch = data::scratch()?;
    let turns = [
        (&sides.signet, peaks.signet / 2.0),
        (&sides.haproxy, peaks.haproxy / 2.0),
    ];
    let progress = Progress::new("latency at half of the peak rate", rounds * 2);
    let mut found = [Vec::new(), Vec::new()];
    for round in 0..rounds as usize {
        for turn in 0..2 {
            let which = (round + turn) % 2;
            let (side, rate) = turns[which];
            progress.turn(side.name);
            found[which].push(pace(lane, side, rate, seconds, scratch.path())?);
            progress.step();
        }
    }
    let [signet, haproxy] = &found;
    let of =
        |rounds: &[Latencies], pick: fn(&Latencies) -> f64| Figure::of(rounds.iter().map(pick));
    let row = |name: &str, pick: fn(&Latencies) -> f64| {
        Measure::new(
            format!("{name} of /auth/request at half of its peak"),
            of(signet, pick),
            Unit::Milliseconds,
        )
        .beside(
            "HAProxy at half of its",
            of(haproxy, pick).median,
            Unit::Milliseconds,
        )
    };
    let stall = of(signet, |round| round.own_stall).median;
    Ok(vec![
        row("p50", |round| round.p50).beside("at", turns[0].1, Unit::PerSecond),
        row("p99", |round| round.p99)
            .target(Target::below(1.0))
            .beside(
                "longest pause of the load itself",
                stall,
                Unit::Milliseconds,
            ),
        row("p99.9", |round| round.p999),
    ])
}

fn pace(
    lane: &Lane<'_>,
    side: &Side,
    rate: f64,
    seconds: f64,
    scratch: &Path,
) -> Result<Latencies> {
    let request = scratch.join("request");
    fs::write(&request, side.request.to_bytes())?;
    let output = pinned(lane.cores.load, lane.tree.path("target/release/xtask"))
        .arg("pace")
        .args(["--address", &side.request.address().to_string()])
        .args(["--rate", &format!("{rate:.0}")])
        .args(["--seconds", &seconds.to_string()])
        .args(["--connections", &wrk::CONNECTIONS.to_string()])
        .arg("--request")
        .arg(&request)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run the load")?;
    ensure!(
        output.status.success(),
        "the load against {} ended with {}",
        side.name,
        output.status
    );
    serde_json::from_slice(&output.stdout).context("the load printed no latencies")
}
