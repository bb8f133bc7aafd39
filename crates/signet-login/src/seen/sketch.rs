//! A HyperLogLog (Flajolet and others, 2007) over ids that are random bits already.

use std::sync::atomic::{AtomicU8, Ordering};

/// How many bits of an id choose its register.
const PRECISION: u32 = 12;
/// How many registers there are: with 4096 the estimate is off by 1.6 % or less two times out of three.
const REGISTERS: usize = 1 << PRECISION;
/// How many bits of an id are left for its rank.
const RANK_BITS: u32 = u64::BITS - PRECISION;

/// The largest rank that each register has seen.
#[derive(Debug)]
pub(super) struct Sketch([AtomicU8; REGISTERS]);

impl Default for Sketch {
    fn default() -> Self {
        Self([const { AtomicU8::new(0) }; REGISTERS])
    }
}

impl Sketch {
    /// Reads a byte; writes it only when it grows, which becomes rare soon.
    pub(super) fn note(&self, id: [u8; 16]) {
        let [a, b, c, d, e, f, g, h, ..] = id;
        let bits = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let place = usize::try_from(bits >> RANK_BITS).unwrap_or_default();
        // One more than there are zeros before the first one; the marker behind ends a run of nothing but zeros.
        let rest = (bits << PRECISION) | (1 << (PRECISION - 1));
        let rank = u8::try_from(rest.leading_zeros() + 1).unwrap_or(u8::MAX);
        if let Some(register) = self.0.get(place)
            && register.load(Ordering::Relaxed) < rank
        {
            register.fetch_max(rank, Ordering::Relaxed);
        }
    }

    pub(super) fn clear(&self) {
        for register in &self.0 {
            register.store(0, Ordering::Relaxed);
        }
    }
}

/// The registers at one moment.
#[derive(Debug)]
pub(super) struct Registers(Vec<u8>);

impl Registers {
    pub(super) fn of(sketch: &Sketch) -> Self {
        let read = |register: &AtomicU8| register.load(Ordering::Relaxed);
        Self(sketch.0.iter().map(read).collect())
    }

    /// What a sketch would hold that had seen both.
    pub(super) fn joined(self, other: &Self) -> Self {
        let pairs = self.0.into_iter().zip(&other.0);
        Self(pairs.map(|(one, other)| one.max(*other)).collect())
    }

    /// How many different ids were seen, about (Ertl, "New cardinality estimation algorithms for HyperLogLog sketches",
    /// 2017, algorithm 6): it needs no tables, and holds for a handful as for billions.
    pub(super) fn estimate(&self) -> u64 {
        const LARGEST: usize = RANK_BITS as usize + 1;
        let mut counts = [0_u32; LARGEST + 1];
        for register in &self.0 {
            if let Some(count) = counts.get_mut(usize::from(*register)) {
                *count += 1;
            }
        }
        let registers = REGISTERS as f64;
        let share =
            |rank: usize| f64::from(counts.get(rank).copied().unwrap_or_default()) / registers;
        let mut sum = registers * tau(1.0 - share(LARGEST));
        for rank in (1..LARGEST).rev() {
            sum = 0.5 * (sum + registers * share(rank));
        }
        sum += registers * sigma(share(0));
        let estimate = registers * registers / (2.0 * std::f64::consts::LN_2 * sum);
        // A float becomes the nearest integer that there is; none is negative here.
        estimate.round() as u64
    }
}

/// The part of registers that have seen nothing; without bound when there are no others.
fn sigma(share: f64) -> f64 {
    if share >= 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut weight, mut sum) = (share, 1.0, share);
    loop {
        power *= power;
        let before = sum;
        sum += power * weight;
        weight += weight;
        if sum <= before {
            return sum;
        }
    }
}

/// The part of registers that can grow no more.
fn tau(share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (share, 1.0, 1.0 - share);
    loop {
        root = root.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - root).powi(2) * weight;
        if sum >= before {
            return sum / 3.0;
        }
    }
}
