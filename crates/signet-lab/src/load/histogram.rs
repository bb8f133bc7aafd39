//! Latencies in buckets: exact enough for percentiles, small enough for one per user.

use std::time::Duration;

/// Buckets per power of two: a percentile is at most 1/32 too high.
const STEPS: u64 = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// Counts of durations, from a microsecond to an hour, in buckets that grow with the value.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros())
            .unwrap_or(u64::MAX)
            .min(3_600_000_000);
        let bucket = bucket_of(micros);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += 1;
    }

    /// Adds everything that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    /// The duration that `share` (0 to 1) of all counted ones do not exceed, or `None` where
    /// nothing was counted.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let rank = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Duration::from_micros(top_of(bucket)))
    }
}

/// Values below `STEPS` have a bucket each; above, each power of two has `STEPS`.
fn bucket_of(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let shift = micros.ilog2() - STEP_BITS;
    ((u64::from(shift) + 1) * STEPS + ((micros >> shift) - STEPS)) as usize
}

/// The greatest value of a bucket.
fn top_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    ((STEPS + bucket % STEPS + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket() {
        let values = (0..5_000).chain((13..32).flat_map(|power| {
            let value = 1u64 << power;
            [value - 1, value, value + value / 3]
        }));
        for value in values {
            let bucket = bucket_of(value);
            assert!(value <= top_of(bucket), "{value}");
            assert!(bucket == 0 || value > top_of(bucket - 1), "{value}");
            assert!(top_of(bucket) - value <= value / STEPS, "{value}");
        }
    }

    #[test]
    fn percentiles_are_near() {
        let mut first = Histogram::default();
        let mut second = Histogram::default();
        for millis in 1..=100 {
            let half = if millis % 2 == 0 {
                &mut first
            } else {
                &mut second
            };
            half.record(Duration::from_millis(millis));
        }
        first.merge(&second);
        let p50 = first.quantile(0.5).unwrap().as_secs_f64() * 1e3;
        let p99 = first.quantile(0.99).unwrap().as_secs_f64() * 1e3;
        assert!((50.0..=51.6).contains(&p50), "{p50}");
        assert!((99.0..=102.2).contains(&p99), "{p99}");
        assert!(Histogram::default().quantile(0.5).is_none());
    }
}
