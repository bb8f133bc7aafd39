//! Times for people: the date in UTC, and how far away it is.

use signet_core::{Seconds, UnixSeconds};

/// `2026-11-22 04:26:14 UTC`.
pub(crate) fn utc(time: UnixSeconds) -> String {
    signet_server::utc(time).unwrap_or_else(|| format!("{time} seconds after 1970"))
}

/// `2026-11-22 04:26:14 UTC (in 29m 58s)`.
pub(crate) fn seen_from(now: UnixSeconds, time: UnixSeconds) -> String {
    let away = match time.0.cmp(&now.0) {
        std::cmp::Ordering::Less => format!("{} ago", span(now.since(time))),
        std::cmp::Ordering::Equal => "now".to_owned(),
        std::cmp::Ordering::Greater => format!("in {}", span(time.since(now))),
    };
    format!("{} ({away})", utc(time))
}

/// The two largest units of a span: `2d 3h`, `29m 58s`.
pub(crate) fn span(span: Seconds) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let mut rest = span.0;
    let mut parts = Vec::new();
    for (unit, seconds) in units {
        let count = rest / seconds;
        rest %= seconds;
        if count > 0 || (unit == "s" && parts.is_empty()) {
            parts.push(format!("{count}{unit}"));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_now() {
        let now = UnixSeconds(1_767_225_600);
        assert_eq!(
            seen_from(now, now.plus(Seconds(1798))),
            "2026-01-01 00:29:58 UTC (in 29m 58s)"
        );
        assert_eq!(
            seen_from(now, now.minus(Seconds(90_061))),
            "2025-12-30 22:58:59 UTC (1d 1h ago)"
        );
        assert_eq!(
            utc(UnixSeconds(u64::MAX)),
            "18446744073709551615 seconds after 1970"
        );
    }

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (3_600, "1h"),
            (3_601, "1h"),
            (90, "1m 30s"),
        ] {
            assert_eq!(span(Seconds(seconds)), text);
        }
    }
}
