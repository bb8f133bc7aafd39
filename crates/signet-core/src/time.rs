//! Time as the tokens know it: whole seconds, given by the caller.

use core::fmt;

/// A point in time: seconds since 1970-01-01T00:00:00Z, leap seconds not counted (RFC 7519, `NumericDate`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(pub u64);

/// A span of time in whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(pub u64);

impl UnixSeconds {
    /// This point moved later by `span`; stays at the end of time instead of wrapping.
    #[must_use]
    pub fn plus(self, span: Seconds) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// This point moved earlier by `span`; stays at 1970 instead of wrapping.
    #[must_use]
    pub fn minus(self, span: Seconds) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// The span from `earlier` to this point, zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Seconds {
        Seconds(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Seconds {
    /// Writes the span the way it stands in a configuration: `90s`, `5m`, `12h`, `30d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self.0 {
            0 => (0, "s"),
            n if n % 86_400 == 0 => (n / 86_400, "d"),
            n if n % 3_600 == 0 => (n / 3_600, "h"),
            n if n % 60 == 0 => (n / 60, "m"),
            n => (n, "s"),
        };
        write!(f, "{count}{unit}")
    }
}

/// Where the present comes from: the system in a server, a number in a test.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> UnixSeconds;
}

impl<F: Fn() -> UnixSeconds + Send + Sync> Clock for F {
    fn now(&self) -> UnixSeconds {
        self()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_never_wraps() {
        assert_eq!(
            UnixSeconds(u64::MAX).plus(Seconds(1)),
            UnixSeconds(u64::MAX)
        );
        assert_eq!(UnixSeconds(3).minus(Seconds(4)), UnixSeconds(0));
        assert_eq!(UnixSeconds(3).since(UnixSeconds(4)), Seconds(0));
    }

    #[test]
    fn spans_are_written_in_the_largest_whole_unit() {
        for (seconds, text) in [
            (0, "0s"),
            (90, "90s"),
            (300, "5m"),
            (43_200, "12h"),
            (2_592_000, "30d"),
        ] {
            assert_eq!(Seconds(seconds).to_string(), text);
        }
    }
}
