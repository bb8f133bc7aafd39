//! Requests per second on one core.

use anyhow::Result;

use super::amount::Unit;
use super::figure::Figure;
use super::measure::{Measure, Target};
use super::quiet::Quiet;
use super::side::{Side, Sides};
use super::{Lane, Progress, data, wrk};

const TARGET: Target = Target::at_least(1.0).with_stretch(1.15);

/// A turn in which server or load waited longer for a core than this part of the time is played again.
const QUIET: f64 = 0.02;

/// The rates of the sides, round by round, in the order of [`Sides::all`].
pub(super) struct Rates {
    rates: [Vec<f64>; 4],
    disturbed: u32,
}

/// The peak rates of the two sides whose latency is compared: the most that they ever answered.
pub(super) struct Peaks {
    pub(super) signet: f64,
    pub(super) haproxy: f64,
}

/// Lets all sides take turns.
pub(super) fn measure(lane: &Lane<'_>, sides: &Sides) -> Result<Rates> {
    let plan = Plan {
        what: "requests per second",
        rounds: lane.care.pick(10, 4),
        seconds: lane.care.pick(2, 1),
        spare: lane.care.pick(10, 4),
    };
    let (rates, disturbed) = plan.play(lane, sides.all())?;
    Ok(Rates { rates, disturbed })
}

/// Only what the row about latency needs to know.
pub(super) fn peaks(lane: &Lane<'_>, sides: &Sides) -> Result<Peaks> {
    let plan = Plan {
        what: "peak rates",
        rounds: lane.care.pick(4, 2),
        seconds: 1,
        spare: 4,
    };
    let (rates, _) = plan.play(lane, [&sides.signet, &sides.haproxy])?;
    Ok(Peaks::of(&rates[0], &rates[1]))
}

struct Plan {
    what: &'static str,
    rounds: usize,
    seconds: u32,
    spare: u32,
}

impl Plan {
    /// The rates of each side, and how many turns were disturbed.
    fn play<const N: usize>(
        &self,
        lane: &Lane<'_>,
        sides: [&Side; N],
    ) -> Result<([Vec<f64>; N], u32)> {
        let scratch = data::scratch()?;
        let progress = Progress::new(self.what, (self.rounds * N) as u64);
        for side in sides {
            progress.turn("warming up");
            wrk::rate(side, lane.cores.load, 1, scratch.path())?;
        }
        let mut quiet = Quiet::new(QUIET, self.spare);
        let mut rates = [const { Vec::new() }; N];
        for round in 0..self.rounds {
            // Whoever comes first in one round comes last in the next.
            for turn in 0..N {
                let which = (round + turn) % N;
                let side = sides[which];
                progress.turn(side.name);
                let rate = quiet.turn(side.process(), || {
                    wrk::rate(side, lane.cores.load, self.seconds, scratch.path())
                })?;
                rates[which].push(rate);
                progress.step();
            }
        }
        Ok((rates, quiet.disturbed()))
    }
}

impl Peaks {
    fn of(signet: &[f64], haproxy: &[f64]) -> Self {
        let most = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
        Self {
            signet: most(signet),
            haproxy: most(haproxy),
        }
    }
}

impl Rates {
    pub(super) fn peaks(&self) -> Peaks {
        Peaks::of(&self.rates[0], &self.rates[1])
    }

    pub(super) fn measures(&self) -> Vec<Measure> {
        let [signet, haproxy, nginx, envoy] = self.medians();
        let against = |side: usize, peer: &str, name: &str, rate: f64| {
            let ratio = Figure::of_ratios(&self.rates[0], &self.rates[side]);
            Measure::new(
                format!("/auth/request, one core, against {peer}"),
                ratio,
                Unit::Times,
            )
            .beside("signet", signet, Unit::PerSecond)
            .beside(name, rate, Unit::PerSecond)
        };
        let turns = self.rates.iter().map(Vec::len).sum::<usize>();
        vec![
            against(1, "HAProxy jwt_verify", "HAProxy", haproxy)
                .target(TARGET)
                .beside("turns of all four", turns as f64, Unit::Count)
                .beside("of which disturbed", self.disturbed.into(), Unit::Count),
            against(2, "nginx answering 204", "nginx", nginx),
            against(3, "Envoy jwt_authn", "Envoy", envoy),
        ]
    }

    fn medians(&self) -> [f64; 4] {
        self.rates
            .each_ref()
            .map(|rates| Figure::of(rates.iter().copied()).median)
    }
}
