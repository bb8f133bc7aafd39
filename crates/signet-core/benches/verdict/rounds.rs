//! Measuring several sides in turns.

use std::fmt;
use std::time::Instant;

use serde::Serialize;

/// Does the work of one side for every token once.
pub(crate) type Side<'s> = &'s mut dyn FnMut();

/// The times of `N` sides, round by round.
pub(crate) struct Rounds<const N: usize> {
    /// Nanoseconds for one token.
    rounds: Vec<[f64; N]>,
}

/// A median and how far the middle half of the rounds lies around it.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

impl<const N: usize> Rounds<N> {
    /// Lets the sides take turns, after one round that warms them up and does not count.
    pub(crate) fn play(mut sides: [Side<'_>; N], rounds: usize, tokens: usize) -> Self {
        let mut round = || {
            let mut times = [0.0; N];
            for (time, side) in times.iter_mut().zip(&mut sides) {
                let start = Instant::now();
                side();
                *time = start.elapsed().as_secs_f64() * 1e9 / tokens as f64;
            }
            times
        };
        round();
        Self {
            rounds: (0..rounds).map(|_| round()).collect(),
        }
    }

    pub(crate) fn medians(&self) -> [f64; N] {
        std::array::from_fn(|side| Figure::of(self.rounds.iter().map(|round| round[side])).median)
    }

    /// How many times the time of `other` the time of `side` is, within each round.
    pub(crate) fn ratio(&self, side: usize, other: usize) -> Figure {
        Figure::of(self.rounds.iter().map(|round| round[side] / round[other]))
    }
}

impl Figure {
    fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = numbers.collect();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let last = sorted.len().saturating_sub(1);
            sorted
                .get((last as f64 * part).round() as usize)
                .copied()
                .unwrap_or_default()
        };
        Self {
            median: at(0.5),
            lower: at(0.25),
            upper: at(0.75),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} × (middle half {:.2} to {:.2})",
            self.median, self.lower, self.upper
        )
    }
}
