//! How far the clocks of two machines are apart.

use core::fmt;

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};
use jiff::fmt::rfc2822;
use signet_core::{Seconds, UnixSeconds};
use signet_http::roughly;

/// Clocks may disagree by so much before it is worth a word.
const TOLERANCE: Seconds = Seconds(60);

/// By how much the clock of this machine differs from that of the endpoint, judged by the `Date` of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// How far this machine is ahead; negative where it is behind.
    pub seconds: i64,
}

impl ClockOffset {
    /// The difference, where the answer has a date at all.
    pub(crate) fn of(headers: &HeaderMap, now: UnixSeconds) -> Option<Self> {
        let there = date(headers, &DATE)?;
        let signed = |time: UnixSeconds| i64::try_from(time.0).unwrap_or(i64::MAX);
        Some(Self {
            seconds: signed(now).saturating_sub(signed(there)),
        })
    }

    /// Whether one of the two clocks is wrong.
    #[must_use]
    pub const fn is_off(self) -> bool {
        self.seconds.unsigned_abs() > TOLERANCE.0
    }
}

impl fmt::Display for ClockOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = roughly(Seconds(self.seconds.unsigned_abs()));
        let side = if self.seconds < 0 {
            "behind"
        } else {
            "ahead of"
        };
        write!(
            f,
            "the clock of this machine is {span} {side} that of the endpoint"
        )
    }
}

/// How long to wait before the next request: `Retry-After` as seconds or as a date (RFC 9110, section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: UnixSeconds) -> Option<Seconds> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Seconds);
    }
    date(headers, &RETRY_AFTER).map(|at| at.since(now))
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<UnixSeconds> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let time = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    u64::try_from(time.as_second()).ok().map(UnixSeconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(784_111_777);

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn the_date_of_the_answer_is_compared() {
        let answer = headers(DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        let offset = |now| ClockOffset::of(&answer, now).unwrap();
        assert_eq!(offset(NOW).seconds, 0);
        assert!(!offset(NOW.plus(Seconds(60))).is_off());
        let ahead = offset(NOW.plus(Seconds(3_700)));
        assert!(ahead.is_off());
        assert_eq!(
            ahead.to_string(),
            "the clock of this machine is 1 hour ahead of that of the endpoint"
        );
        let behind = offset(NOW.minus(Seconds(61)));
        assert!(behind.is_off() && behind.to_string().contains("1 minute behind"));
        for odd in ["yesterday", "", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(ClockOffset::of(&headers(DATE, odd), NOW), None);
        }
        assert_eq!(ClockOffset::of(&HeaderMap::new(), NOW), None);
    }

    #[test]
    fn waiting_is_told_in_both_forms() {
        let wait = |value| retry_after(&headers(RETRY_AFTER, value), NOW);
        assert_eq!(wait("120"), Some(Seconds(120)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT"), Some(Seconds(60)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Seconds(0)));
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("99999999999999999999999"), None);
    }
}
