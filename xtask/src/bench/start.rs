//! From the start of the process to the first 200 of `/readyz`.

use std::time::Instant;

use anyhow::Result;

use super::amount::Unit;
use super::data::{self, Program, Size};
use super::figure::Figure;
use super::instance::Place;
use super::measure::{Measure, Target};
use super::{Lane, Progress};

const TIMES: usize = 9;

pub(super) fn measure(lane: &Lane<'_>) -> Result<Measure> {
    let signet = Program::build(lane.tree)?;
    let scratch = data::scratch()?;
    let instance = data::instance(lane, &signet, Size::SMALL, scratch.path())?;
    let progress = Progress::new("start to ready", TIMES as u64 + 1);
    // The first start after a copy finds nothing in the system's memory, and does not count.
    instance.start(Place::Anywhere, scratch.path())?.stop()?;
    progress.step();
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begun = Instant::now();
        let process = instance.start(Place::Anywhere, scratch.path())?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        process.stop()?;
        progress.step();
    }
    let slowest = times.iter().copied().fold(0.0, f64::max);
    let fastest = times.iter().copied().fold(slowest, f64::min);
    Ok(Measure::new(
        "start to ready, 10 k users, existing data",
        Figure::of(times),
        Unit::Milliseconds,
    )
    .target(Target::below(150.0))
    .beside("fastest", fastest, Unit::Milliseconds)
    .beside("slowest", slowest, Unit::Milliseconds))
}
