//! Numbers with their units, as people read them.

use std::fmt;

use serde::Serialize;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Unit {
    #[serde(rename = "times")]
    Times,
    #[serde(rename = "requests/s")]
    PerSecond,
    #[serde(rename = "ns")]
    Nanoseconds,
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "MiB")]
    Mebibytes,
    #[serde(rename = "bytes")]
    Bytes,
    #[serde(rename = "count")]
    Count,
}

/// A number with its unit.
pub(super) struct Amount(pub(super) f64, pub(super) Unit);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, unit) = self;
        match unit {
            Unit::Times => write!(f, "{number:.2} ×"),
            Unit::PerSecond => write!(f, "{}/s", grouped(*number)),
            Unit::Nanoseconds => write!(f, "{} ns", grouped(*number)),
            Unit::Milliseconds if *number < 10.0 => write!(f, "{number:.2} ms"),
            Unit::Milliseconds => write!(f, "{} ms", grouped(*number)),
            Unit::Mebibytes => write!(f, "{number:.1} MiB"),
            Unit::Count => f.write_str(&grouped(*number)),
            Unit::Bytes => write!(f, "{} bytes", grouped(*number)),
        }
    }
}

/// `12345.6` as `12,346`.
fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_well() {
        let shown = |number, unit| Amount(number, unit).to_string();
        assert_eq!(shown(1.096, Unit::Times), "1.10 ×");
        assert_eq!(shown(88_123.4, Unit::PerSecond), "88,123/s");
        assert_eq!(shown(246.2, Unit::Nanoseconds), "246 ns");
        assert_eq!(shown(1_234_567.0, Unit::Bytes), "1,234,567 bytes");
        assert_eq!(shown(0.345, Unit::Milliseconds), "0.34 ms");
        assert_eq!(shown(123.4, Unit::Milliseconds), "123 ms");
    }
}
