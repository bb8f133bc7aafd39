//! A map from 128 uniformly spread bits to a small value, made for being read a hundred thousand times a second and
//! changed now and then: a large sorted base that snapshots share, and a small sorted delta that each has for itself.
//!
//! A change copies the delta only; when the delta has grown to [`DELTA_MOST`], both are merged into the next base.
//! The base needs the size of a row and one byte more for each entry, and finds a row with two cache misses.

use std::sync::Arc;

/// The delta is merged into the base when it would grow beyond this.
const DELTA_MOST: usize = 512;
/// How many rows share one slot of the directory, on average.
const ROWS_PER_SLOT: usize = 4;

/// An immutable snapshot of the map. Cloning it copies two pointers.
#[derive(Clone, Debug)]
pub(crate) struct Table<V> {
    base: Arc<Base<V>>,
    /// Changes on top of the base, by ascending key; `None` takes a row away.
    delta: Arc<[(u128, Option<V>)]>,
    len: usize,
}

#[derive(Debug)]
struct Base<V> {
    rows: Vec<Row<V>>,
    /// For each value of the topmost bits of a key: where its rows begin. One more entry than slots.
    directory: Vec<u32>,
    shift: u32,
}

/// The key stands in two halves, so that a row is aligned to 8 bytes and wastes none.
#[derive(Clone, Copy, Debug)]
struct Row<V> {
    high: u64,
    low: u64,
    value: V,
}

impl<V: Copy> Default for Table<V> {
    fn default() -> Self {
        Self {
            base: Arc::new(Base::new(Vec::new())),
            delta: Arc::new([]),
            len: 0,
        }
    }
}

impl<V: Copy> Table<V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn get(&self, key: u128) -> Option<V> {
        if !self.delta.is_empty()
            && let Ok(at) = self.delta.binary_search_by_key(&key, |(key, _)| *key)
        {
            return self.delta.get(at).and_then(|(_, value)| *value);
        }
        self.base.get(key)
    }

    /// The next snapshot: `changes` on top of this one; of several changes of one key the last counts.
    #[must_use]
    pub(crate) fn with(&self, changes: impl IntoIterator<Item = (u128, Option<V>)>) -> Self {
        let mut changes: Vec<_> = changes.into_iter().collect();
        changes.sort_by_key(|(key, _)| *key);
        let changes = last_of_each(changes);
        let delta = merge(&self.delta, changes);
        let len = delta
            .iter()
            .fold(self.base.rows.len(), |len, (key, value)| {
                match (self.base.get(*key).is_some(), value.is_some()) {
                    (true, false) => len - 1,
                    (false, true) => len + 1,
                    _ => len,
                }
            });
        if delta.len() <= DELTA_MOST {
            return Self {
                base: Arc::clone(&self.base),
                delta: delta.into(),
                len,
            };
        }
        Self {
            base: Arc::new(Base::new(self.base.merged(&delta, len))),
            delta: Arc::new([]),
            len,
        }
    }

    /// The next snapshot: only the entries whose value `keep` accepts.
    #[must_use]
    pub(crate) fn retained(&self, keep: impl Fn(&V) -> bool) -> Self {
        let mut rows = self.base.merged(&self.delta, self.len);
        rows.retain(|row| keep(&row.value));
        rows.shrink_to_fit();
        let len = rows.len();
        Self {
            base: Arc::new(Base::new(rows)),
            delta: Arc::new([]),
            len,
        }
    }

    /// How many bytes of memory the snapshot holds, what it shares with others included.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.base.rows)
            + size_of_val(&*self.base.directory)
            + size_of_val(&*self.delta)
    }
}

impl<V: Copy> Base<V> {
    /// Takes rows by ascending key.
    fn new(rows: Vec<Row<V>>) -> Self {
        let bits = (rows.len() / ROWS_PER_SLOT).checked_ilog2().unwrap_or(0);
        let shift = 64 - bits;
        let slots = 1usize << bits;
        let mut directory = Vec::with_capacity(slots + 1);
        let mut begin = 0;
        for slot in 0..slots {
            directory.push(begin as u32);
            begin += rows
                .get(begin..)
                .unwrap_or_default()
                .iter()
                .take_while(|row| slot_of(row.high, shift) == slot)
                .count();
        }
        directory.push(rows.len() as u32);
        Self {
            rows,
            directory,
            shift,
        }
    }

    #[inline]
    fn get(&self, key: u128) -> Option<V> {
        let (high, low) = halves(key);
        let slot = slot_of(high, self.shift);
        let begin = *self.directory.get(slot)? as usize;
        let end = *self.directory.get(slot + 1)? as usize;
        self.rows
            .get(begin..end)?
            .iter()
            .find(|row| row.high == high && row.low == low)
            .map(|row| row.value)
    }

    fn merged(&self, delta: &[(u128, Option<V>)], len: usize) -> Vec<Row<V>> {
        let mut rows = Vec::with_capacity(len);
        let mut changes = delta.iter().peekable();
        for row in &self.rows {
            let key = u128::from(row.high) << 64 | u128::from(row.low);
            while let Some((changed, value)) = changes.next_if(|(changed, _)| *changed < key) {
                rows.extend(value.map(|value| Row::new(*changed, value)));
            }
            match changes.next_if(|(changed, _)| *changed == key) {
                Some((_, value)) => rows.extend(value.map(|value| Row::new(key, value))),
                None => rows.push(*row),
            }
        }
        rows.extend(changes.filter_map(|(key, value)| value.map(|value| Row::new(*key, value))));
        rows
    }
}

impl<V> Row<V> {
    fn new(key: u128, value: V) -> Self {
        let (high, low) = halves(key);
        Self { high, low, value }
    }
}

#[inline]
fn halves(key: u128) -> (u64, u64) {
    ((key >> 64) as u64, key as u64)
}

#[inline]
fn slot_of(high: u64, shift: u32) -> usize {
    // With one slot the shift is by all 64 bits.
    high.checked_shr(shift).unwrap_or(0) as usize
}

fn last_of_each<V>(sorted: Vec<(u128, V)>) -> Vec<(u128, V)> {
    let mut kept: Vec<(u128, V)> = Vec::with_capacity(sorted.len());
    for change in sorted {
        match kept.last_mut() {
            Some(last) if last.0 == change.0 => *last = change,
            _ => kept.push(change),
        }
    }
    kept
}

fn merge<V: Copy>(older: &[(u128, V)], newer: Vec<(u128, V)>) -> Vec<(u128, V)> {
    let mut merged = Vec::with_capacity(older.len() + newer.len());
    let mut older = older.iter().copied().peekable();
    for change in newer {
        while let Some(before) = older.next_if(|(key, _)| *key < change.0) {
            merged.push(before);
        }
        let _ = older.next_if(|(key, _)| *key == change.0);
        merged.push(change);
    }
    merged.extend(older);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn a_row_of_eight_bytes_costs_twenty_five() {
        let spread =
            |n: u64| u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(n);
        let table = Table::<u64>::default().with((0..100_000).map(|n| (spread(n), Some(n))));
        assert!(table.bytes() <= 26 * 100_000, "{}", table.bytes());
        assert!((0..100_000).all(|n| table.get(spread(n)) == Some(n)));
        assert_eq!(table.get(spread(100_001)), None);
    }

    proptest! {
        #[test]
        fn behaves_like_a_hash_map(
            batches in proptest::collection::vec(
                proptest::collection::vec((0u128..700, any::<Option<u64>>()), 0..600), 0..6),
        ) {
            let mut table = Table::default();
            let mut map = HashMap::new();
            for batch in batches {
                // Spread over the whole range, so that every slot of the directory is used.
                let key = |n: u128| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
                table = table.with(batch.iter().map(|(n, value)| (key(*n), *value)));
                for (n, value) in batch {
                    match value {
                        Some(value) => map.insert(n, value),
                        None => map.remove(&n),
                    };
                }
                prop_assert_eq!(table.len(), map.len());
                for n in 0..700 {
                    prop_assert_eq!(table.get(key(n)), map.get(&n).copied());
                }
            }
            let odd = table.retained(|value| value % 2 == 1);
            prop_assert_eq!(odd.len(), map.values().filter(|value| *value % 2 == 1).count());
        }
    }
}
