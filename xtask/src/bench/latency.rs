//! How long an answer takes at half of the peak rate.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::amount::Unit;
use super::cores::pinned;
use super::figure::Figure;
use super::measure::{Measure, Target};
use super::pace::Latencies;
use super::quiet::{Quiet, Turn};
use super::requests::Peaks;
use super::side::{Side, Sides};
use super::{Lane, Progress, data, wrk};

/// A turn in which server or load waited longer for a core than this part of the time is played again: what waits a
/// hundredth of the time shows in one request of a hundred.
const QUIET: f64 = 0.002;

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
    let mut quiet = Quiet::new(QUIET, lane.care.pick(9, 4));
    let mut found = [Vec::new(), Vec::new()];
    for round in 0..rounds as usize {
        for turn in 0..2 {
            let which = (round + turn) % 2;
            let (side, rate) = turns[which];
            progress.turn(side.name);
            found[which].push(quiet.turn(side.process(), || {
                pace(lane, side, rate, seconds, scratch.path())
            })?);
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
        .beside("HAProxy", of(haproxy, pick).median, Unit::Milliseconds)
    };
    Ok(vec![
        row("p50", |round| round.p50)
            .beside("at", turns[0].1, Unit::PerSecond)
            .beside("HAProxy at", turns[1].1, Unit::PerSecond),
        row("p99", |round| round.p99)
            .target(Target::below(1.0))
            .beside("turns of both", (rounds * 2) as f64, Unit::Count)
            .beside("of which disturbed", quiet.disturbed().into(), Unit::Count),
        row("p99.9", |round| round.p999),
    ])
}

fn pace(
    lane: &Lane<'_>,
    side: &Side,
    rate: f64,
    seconds: f64,
    scratch: &Path,
) -> Result<Turn<Latencies>> {
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
    let found: Latencies =
        serde_json::from_slice(&output.stdout).context("the load printed no latencies")?;
    Ok(Turn {
        found,
        load_waited: Duration::from_secs_f64(found.waited / 1e3),
    })
}
