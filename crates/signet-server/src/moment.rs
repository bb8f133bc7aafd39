//! Times for people.

use signet_core::UnixSeconds;

/// `2026-11-22 04:26:14 UTC`; nothing if that is beyond the year 9999.
#[must_use]
pub fn utc(time: UnixSeconds) -> Option<String> {
    let seconds = i64::try_from(time.0).ok()?;
    let timestamp = jiff::Timestamp::from_second(seconds).ok()?;
    Some(timestamp.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
