//! Points in time as people name them: a date, a date and a time, or how long ago.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use signet_core::{Seconds, UnixSeconds};
use signet_server::config::Span;

const EXPECTED: &str = "expected a date (2026-11-22), a date and time in UTC (2026-11-22T06:30), or how long ago (90s, 30m, 12h, 7d)";

/// A point in time, before it is known when now is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    At(UnixSeconds),
    Ago(Seconds),
}

impl Moment {
    pub(super) fn at(self, now: UnixSeconds) -> UnixSeconds {
        match self {
            Self::At(time) => time,
            Self::Ago(span) => now.minus(span),
        }
    }
}

impl std::str::FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(span) = text.parse::<Span>() {
            return Ok(Self::Ago(span.0));
        }
        let timestamp = timestamp(text).ok_or(EXPECTED)?;
        let seconds = u64::try_from(timestamp.as_second()).map_err(|_| EXPECTED)?;
        Ok(Self::At(UnixSeconds(seconds)))
    }
}

fn timestamp(text: &str) -> Option<Timestamp> {
    let in_utc = |time: DateTime| TimeZone::UTC.to_timestamp(time).ok();
    // With its own offset first: without one it is UTC.
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(in_utc))
        .or_else(|| in_utc(text.parse::<Date>().ok()?.at(0, 0, 0, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_named_in_several_ways() {
        let at = |text: &str| text.parse::<Moment>();
        let day = UnixSeconds(1_795_305_600);
        assert_eq!(at("2026-11-22"), Ok(Moment::At(day)));
        let morning = day.plus(Seconds(6 * 3_600 + 1_800));
        for text in [
            "2026-11-22T06:30",
            "2026-11-22 06:30:00",
            "2026-11-22T06:30:00Z",
            "2026-11-22T08:30:00+02:00",
        ] {
            assert_eq!(at(text), Ok(Moment::At(morning)), "{text}");
        }
        assert_eq!(at("2h"), Ok(Moment::Ago(Seconds(7_200))));
        assert_eq!(
            at("2h").map(|ago| ago.at(day)),
            Ok(day.minus(Seconds(7_200)))
        );
        for text in ["", "yesterday", "2026-13-01", "12", "1960-01-01"] {
            assert_eq!(at(text), Err(EXPECTED), "{text}");
        }
    }
}
