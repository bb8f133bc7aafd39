//! Requests per second on one core.

use anyhow::Result;

use super::amount::Unit;
use super::figure::Figure;
use super::measure::{Measure, Target};
use super::side::{Side, Sides};
use super::{Lane, Progress, data, wrk};

const TARGET: Target = Target::at_least(1.0).with_stretch(1.15);

/// The rates of the sides, round by round, in the order of [`Sides::all`].
pub(super) struct Rates([Vec<f64>; 4]);

/// The peak rates of the two sides whose latency is compared.
pub(super) struct Peaks {
    pub(super) signet: f64,
    pub(super) haproxy: f64,
}

/// Lets all sides take turns.
pub(super) fn measure(lane: &Lane<'_>, sides: &Sides) -> Result<Rates> {
    let rounds = lane.care.pick(10, 4);
    let seconds = lane.care.pick(3, 1);
    let mut rates = Rates(Default::default());
    turns(
        lane,
        "requests per second",
        sides.all(),
        rounds,
        seconds,
        |side, rate| {
            rates.0[side].push(rate);
        },
    )?;
    Ok(rates)
}

/// Only what the row about latency needs to know.
pub(super) fn peaks(lane: &Lane<'_>, sides: &Sides) -> Result<Peaks> {
    let mut rates = [Vec::new(), Vec::new()];
    let both = [&sides.signet, &sides.haproxy];
    turns(
        lane,
        "peak rates",
        both,
        lane.care.pick(4, 2),
        1,
        |side, rate| {
            rates[side].push(rate);
        },
    )?;
    let [signet, haproxy] = rates.map(|rates| Figure::of(rates).median);
    Ok(Peaks { signet, haproxy })
}

fn turns<const N: usize>(
    lane: &Lane<'_>,
    what: &str,
    sides: [&Side; N],
    rounds: usize,
    seconds: u32,
    mut take: impl FnMut(usize, f64),
) -> Result<()> {
    let scratch = data::scratch()?;
    let progress = Progress::new(what, (rounds * N) as u64);
    for side in sides {
        progress.turn("warming up");
        wrk::rate(side, lane.cores.load, 1, scratch.path())?;
    }
    for round in 0..rounds {
        // Whoever comes first in one round comes last in the next.
        for turn in 0..N {
            let side = (round + turn) % N;
            progress.turn(sides[side].name);
            let rate = wrk::rate(sides[side], lane.cores.load, seconds, scratch.path())?;
            take(side, rate);
            progress.step();
        }
    }
    Ok(())
}

impl Rates {
    pub(super) fn peaks(&self) -> Peaks {
        let [signet, haproxy, ..] = self.medians();
        Peaks { signet, haproxy }
    }

    pub(super) fn measures(&self) -> Vec<Measure> {
        let [signet, haproxy, nginx, envoy] = self.medians();
        let against = |side: usize, peer: &str, name: &str, rate: f64| {
            let ratio = Figure::of_ratios(&self.0[0], &self.0[side]);
            Measure::new(
                format!("/auth/request, one core, against {peer}"),
                ratio,
                Unit::Times,
            )
            .beside("signet", signet, Unit::PerSecond)
            .beside(name, rate, Unit::PerSecond)
        };
        vec![
            against(1, "HAProxy jwt_verify", "HAProxy", haproxy).target(TARGET),
            against(2, "nginx answering 204", "nginx", nginx),
            against(3, "Envoy jwt_authn", "Envoy", envoy),
        ]
    }

    fn medians(&self) -> [f64; 4] {
        self.0
            .each_ref()
            .map(|rates| Figure::of(rates.iter().copied()).median)
    }
}
