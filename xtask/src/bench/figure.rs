//! Many numbers as three.

use serde::{Deserialize, Serialize};

/// A median and how far the middle half of the rounds lies around it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Figure {
    pub(super) median: f64,
    pub(super) lower: f64,
    pub(super) upper: f64,
}

impl Figure {
    /// Of nothing it is nothing: zeros.
    pub(super) fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Self {
            median: quantile(&sorted, 0.5),
            lower: quantile(&sorted, 0.25),
            upper: quantile(&sorted, 0.75),
        }
    }

    /// The ratios of the rounds of two sides.
    pub(super) fn of_ratios(ours: &[f64], theirs: &[f64]) -> Self {
        Self::of(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs))
    }
}

/// The number below which this part of all lies, between two numbers where it falls between them.
pub(super) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = part * last as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_fall_between_numbers() {
        let figure = Figure::of([4.0, 1.0, 3.0, 2.0]);
        assert_eq!(
            (figure.lower, figure.median, figure.upper),
            (1.75, 2.5, 3.25)
        );
        assert_eq!(Figure::of([7.0]).upper, 7.0);
        assert_eq!(Figure::of([]).median, 0.0);
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        let figure = Figure::of_ratios(&[10.0, 200.0, 30.0], &[10.0, 100.0, 10.0]);
        assert_eq!(figure.median, 2.0);
    }
}
