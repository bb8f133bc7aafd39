//! Requests per second on one core.

use anyhow::Result;

use super::amount::Unit;
use super::figure::Figure;
use super::measure::{Measure, Target};
use super::quiet::Quiet;
use super::side::{Side, Sides};
use super::wrk::{self, Answered};
use super::{Lane, Progress, data};

const TARGET: Target = Target::at_least(1.0).with_stretch(1.15);

/// A turn in which server or load waited longer for a core than this part of the time is played again.
const QUIET: f64 = 0.02;

/// What the sides answered, round by round, in the order of [`Sides::all`].
pub(super) struct Rates {
    rounds: [Vec<Answered>; 4],
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
    let (rounds, disturbed) = plan.play(lane, sides.all())?;
    Ok(Rates { rounds, disturbed })
}

/// Only what the row about latency needs to know.
pub(super) fn peaks(lane: &Lane<'_>, sides: &Sides) -> Result<Peaks> {
    let plan = Plan {
        what: "peak rates",
        rounds: lane.care.pick(4, 2),
        seconds: 1,
        spare: 4,
    };
    let (rounds, _) = plan.play(lane, [&sides.signet, &sides.haproxy])?;
    Ok(Peaks::of(&rounds[0], &rounds[1]))
}

struct Plan {
    what: &'static str,
    rounds: usize,
    seconds: u32,
    spare: u32,
}

impl Plan {
    /// What each side answered, and how many turns were disturbed.
    fn play<const N: usize>(
        &self,
        lane: &Lane<'_>,
        sides: [&Side; N],
    ) -> Result<([Vec<Answered>; N], u32)> {
        let scratch = data::scratch()?;
        let progress = Progress::new(self.what, (self.rounds * N) as u64);
        for side in sides {
            progress.turn("warming up");
            wrk::rate(side, lane.cores.load, 1, scratch.path())?;
        }
        let mut quiet = Quiet::new(QUIET, self.spare);
        let mut rounds = [const { Vec::new() }; N];
        for round in 0..self.rounds {
            // Whoever comes first in one round comes last in the next.
            for turn in 0..N {
                let which = (round + turn) % N;
                let side = sides[which];
                progress.turn(side.name);
                let answered = quiet.turn(side.process(), || {
                    wrk::rate(side, lane.cores.load, self.seconds, scratch.path())
                })?;
                rounds[which].push(answered);
                progress.step();
            }
        }
        Ok((rounds, quiet.disturbed()))
    }
}

impl Peaks {
    fn of(signet: &[Answered], haproxy: &[Answered]) -> Self {
        let most = |rounds: &[Answered]| {
            rounds
                .iter()
                .map(|round| round.per_second)
                .fold(0.0, f64::max)
        };
        Self {
            signet: most(signet),
            haproxy: most(haproxy),
        }
    }
}

impl Rates {
    pub(super) fn peaks(&self) -> Peaks {
        Peaks::of(&self.rounds[0], &self.rounds[1])
    }

    pub(super) fn measures(&self) -> Vec<Measure> {
        let turns = self.rounds.iter().map(Vec::len).sum::<usize>();
        vec![
            self.against(1, "HAProxy jwt_verify", "HAProxy")
                .target(TARGET)
                .beside("turns of all four", turns as f64, Unit::Count)
                .beside("of which disturbed", self.disturbed.into(), Unit::Count),
            self.against(2, "nginx answering 204", "nginx"),
            self.against(3, "Envoy jwt_authn", "Envoy"),
        ]
    }

    fn against(&self, side: usize, peer: &str, name: &str) -> Measure {
        let rates = |side: usize| -> Vec<f64> { self.column(side, |round| round.per_second) };
        let work = |side| Figure::of(self.column(side, |round| round.work)).median;
        let (ours, theirs) = (rates(0), rates(side));
        Measure::new(
            format!("/auth/request, one core, against {peer}"),
            Figure::of_ratios(&ours, &theirs),
            Unit::Times,
        )
        .beside("signet", Figure::of(ours).median, Unit::PerSecond)
        .beside("working", work(0), Unit::Nanoseconds)
        .beside(name, Figure::of(theirs).median, Unit::PerSecond)
        .beside("working", work(side), Unit::Nanoseconds)
    }

    fn column(&self, side: usize, pick: fn(&Answered) -> f64) -> Vec<f64> {
        self.rounds[side].iter().map(pick).collect()
    }
}
