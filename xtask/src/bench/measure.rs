//! One line of the table: what was measured, and what it should be.

use serde::Serialize;

use super::amount::{Amount, Unit};
use super::figure::Figure;

/// What was measured, the target it is held against, and the absolute numbers it was made from.
#[derive(Debug, Serialize)]
pub(super) struct Measure {
    what: String,
    unit: Unit,
    measured: Figure,
    target: Option<Target>,
    outcome: Option<Outcome>,
    absolute: Vec<Absolute>,
}

/// A bound of the design, section 11.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Target {
    bound: Bound,
    value: f64,
    stretch: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Bound {
    AtLeast,
    AtMost,
    Below,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Holds,
    Missed,
}

#[derive(Debug, Serialize)]
struct Absolute {
    name: String,
    value: f64,
    unit: Unit,
}

impl Target {
    pub(super) const fn at_least(value: f64) -> Self {
        Self::new(Bound::AtLeast, value)
    }

    pub(super) const fn at_most(value: f64) -> Self {
        Self::new(Bound::AtMost, value)
    }

    pub(super) const fn below(value: f64) -> Self {
        Self::new(Bound::Below, value)
    }

    /// The same target, with what would be better still.
    pub(super) const fn with_stretch(mut self, stretch: f64) -> Self {
        self.stretch = Some(stretch);
        self
    }

    const fn new(bound: Bound, value: f64) -> Self {
        Self {
            bound,
            value,
            stretch: None,
        }
    }

    fn judge(&self, measured: f64) -> Outcome {
        let holds = match self.bound {
            Bound::AtLeast => measured >= self.value,
            Bound::AtMost => measured <= self.value,
            Bound::Below => measured < self.value,
        };
        if holds {
            Outcome::Holds
        } else {
            Outcome::Missed
        }
    }
}

impl Measure {
    pub(super) fn new(what: impl Into<String>, measured: Figure, unit: Unit) -> Self {
        Self {
            what: what.into(),
            unit,
            measured,
            target: None,
            outcome: None,
            absolute: Vec::new(),
        }
    }

    pub(super) fn target(mut self, target: Target) -> Self {
        self.outcome = Some(target.judge(self.measured.median));
        self.target = Some(target);
        self
    }

    /// Adds a number that the measure was made from, or that belongs beside it.
    pub(super) fn beside(mut self, name: impl Into<String>, value: f64, unit: Unit) -> Self {
        self.absolute.push(Absolute {
            name: name.into(),
            value,
            unit,
        });
        self
    }

    /// The columns of the table: what, with the absolute numbers below it, measured, middle half, target, outcome.
    pub(super) fn columns(&self) -> [String; 5] {
        let Figure {
            median,
            lower,
            upper,
        } = self.measured;
        let shown = |value| Amount(value, self.unit).to_string();
        let spread = if lower == upper {
            String::new()
        } else {
            format!("{} – {}", shown(lower), shown(upper))
        };
        let absolute: Vec<_> = self
            .absolute
            .iter()
            .map(|absolute| {
                format!(
                    "{} {}",
                    absolute.name,
                    Amount(absolute.value, absolute.unit)
                )
            })
            .collect();
        [
            format!("{}\n  {}", self.what, absolute.join(", ")),
            shown(median),
            spread,
            self.target
                .map_or_else(String::new, |target| target.shown(self.unit)),
            self.target
                .map_or_else(String::new, |target| target.outcome(median)),
        ]
    }
}

impl Target {
    fn shown(&self, unit: Unit) -> String {
        let sign = match self.bound {
            Bound::AtLeast => "≥",
            Bound::AtMost => "≤",
            Bound::Below => "<",
        };
        let stretch = self
            .stretch
            .map(|stretch| format!(" (stretch {})", Amount(stretch, unit)));
        format!(
            "{sign} {}{}",
            Amount(self.value, unit),
            stretch.unwrap_or_default()
        )
    }

    /// The outcome, and by how much the target was missed.
    fn outcome(&self, measured: f64) -> String {
        match (self.judge(measured), self.stretch) {
            (Outcome::Missed, _) => {
                let by = (measured / self.value - 1.0).abs() * 100.0;
                format!("missed by {by:.0} %")
            }
            (Outcome::Holds, Some(stretch)) if measured >= stretch => {
                "holds, stretch too".to_owned()
            }
            (Outcome::Holds, _) => "holds".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(target: Target, measured: f64) -> String {
        let figure = Figure::of([measured]);
        let measure = Measure::new("it", figure, Unit::Times).target(target);
        measure.columns()[4].clone()
    }

    #[test]
    fn a_miss_says_by_how_much() {
        assert_eq!(outcome(Target::at_most(2.0), 2.0), "holds");
        assert_eq!(outcome(Target::at_most(2.0), 2.5), "missed by 25 %");
        assert_eq!(outcome(Target::at_least(1.0), 0.9), "missed by 10 %");
        assert_eq!(outcome(Target::below(1.0), 1.0), "missed by 0 %");
    }

    #[test]
    fn a_stretch_is_more_than_the_target() {
        let target = Target::at_least(1.0).with_stretch(1.15);
        assert_eq!(outcome(target, 1.1), "holds");
        assert_eq!(outcome(target, 1.2), "holds, stretch too");
    }
}
