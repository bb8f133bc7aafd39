//! Measuring several sides in turns.

use std::fmt;
use std::time::Instant;

use serde::Serialize;

/// Does the work of one side for every token once.
pub(crate) type Side<'s> = &'s mut dyn FnMut();

/// In each turn a side goes over all tokens once after the others have filled the caches with theirs, and then so many
/// times more.
const WARM_PASSES: usize = 3;

/// The times of `N` sides, round by round.
pub(crate) struct Rounds<const N: usize> {
    /// Nanoseconds for one token.
    rounds: Vec<[f64; N]>,
}

/// The first pass of each turn, and the passes after it.
pub(crate) struct Measured<const N: usize> {
    pub(crate) cold: Rounds<N>,
    pub(crate) warm: Rounds<N>,
}

/// A median and how far the middle half of the rounds lies around it.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// Lets the sides take turns, after one round that does not count.
pub(crate) fn play<const N: usize>(
    mut sides: [Side<'_>; N],
    rounds: usize,
    tokens: usize,
) -> Measured<N> {
    let mut cold = Vec::with_capacity(rounds);
    let mut warm = Vec::with_capacity(rounds);
    for round in 0..=rounds {
        let (mut first, mut later) = ([0.0; N], [0.0; N]);
        for ((first, later), side) in first.iter_mut().zip(&mut later).zip(&mut sides) {
            let mut time = |passes: usize| {
                let start = Instant::now();
                (0..passes).for_each(|_| side());
                start.elapsed().as_secs_f64() * 1e9 / (passes * tokens) as f64
            };
            *first = time(1);
            *later = time(WARM_PASSES);
        }
        if round > 0 {
            cold.push(first);
            warm.push(later);
        }
    }
    Measured {
        cold: Rounds { rounds: cold },
        warm: Rounds { rounds: warm },
    }
}

impl<const N: usize> Rounds<N> {
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
