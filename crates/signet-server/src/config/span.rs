//! Spans of time as people write them: `90s`, `5m`, `12h`, `30d`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use signet_core::Seconds;

/// The longest span that makes sense here: ten years.
const LONGEST: u64 = 10 * 365 * 86_400;

/// A span of time in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Seconds);

/// The text is no span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a whole number with its unit, such as \"90s\", \"5m\", \"12h\" or \"30d\", at most ten years"
)]
pub struct SpanError;

impl Span {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(count: u64) -> Self {
        Self(Seconds(count))
    }

    /// So many minutes.
    #[must_use]
    pub const fn minutes(count: u64) -> Self {
        Self(Seconds(count * 60))
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let cut = text.len().checked_sub(1).ok_or(SpanError)?;
        let (count, unit) = text.split_at_checked(cut).ok_or(SpanError)?;
        if !count.bytes().all(|b| b.is_ascii_digit()) {
            return Err(SpanError);
        }
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(SpanError),
        };
        let count: u64 = count.parse().map_err(|_| SpanError)?;
        let seconds = count
            .checked_mul(unit)
            .filter(|seconds| *seconds <= LONGEST);
        seconds.map(Self::seconds).ok_or(SpanError)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "span".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "x-type": "span of time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_unit() {
        assert_eq!("90s".parse(), Ok(Span::seconds(90)));
        assert_eq!("12h".parse(), Ok(Span::minutes(720)));
        assert_eq!("30d".parse::<Span>().unwrap().to_string(), "30d");
        for bad in [
            "",
            "s",
            "5",
            "5 m",
            "-5m",
            "1.5h",
            "5min",
            "+5m",
            "99999999999999999999s",
            "4000d",
            "５m",
            "5é",
        ] {
            assert_eq!(bad.parse::<Span>(), Err(SpanError), "{bad}");
        }
    }
}
