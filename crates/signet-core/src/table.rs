//! A map from 128 uniformly spread bits to a small value, made for being read a hundred thousand times a second and
//! changed now and then: a large base that snapshots share, and a small delta of the same kind that each has for itself.
//!
//! A change copies the delta only; when the delta has grown to [`DELTA_MOST`], both are merged into the next base.
//! While nobody shares a snapshot, rows are put straight into its base: a table that has room from the start is built
//! without a second one beside it.
//! The base is an array of rows in ascending order with gaps: each row stands at the place that the top bits of its key
//! name, or in the first free one behind it. A look-up begins there and ends at the key or at the first greater one, so
//! it costs one cache miss whether the key is found or not.

use std::sync::Arc;

/// The delta is merged into the base when it would grow beyond this.
const DELTA_MOST: usize = 512;

/// An immutable snapshot of the map. Cloning it copies two pointers.
#[derive(Clone, Debug)]
pub(crate) struct Table<V> {
    base: Arc<Base<V>>,
    /// Changes on top of the base; `None` takes a row away.
    delta: Arc<Base<Option<V>>>,
    len: usize,
}

#[derive(Debug)]
struct Base<V> {
    /// Rows by ascending key; [`FREE`] stands where there is none, and behind the last.
    rows: Vec<Row<V>>,
    /// How many places keys are spread over; a few more follow for the rows that are pushed beyond the last.
    places: u64,
    len: usize,
}

/// So many rows fit behind the last place before the memory of a base has to grow.
const OVERHANG: usize = 32;

/// A base of so many bytes or more gets room for [`APART`].
const LARGE: usize = 4 << 20;

/// Blocks beyond this size always come from the system by themselves and go back to it whole (`mallopt(3)`,
/// `M_MMAP_THRESHOLD`); smaller ones can leave gaps that nothing fills. What no row stands in takes no memory.
const APART: usize = (32 << 20) + 4_096;

/// Greater than every key.
const FREE: u128 = u128::MAX;

/// The key stands in two halves, so that a row is aligned to 8 bytes and wastes none.
#[derive(Clone, Copy, Debug)]
struct Row<V> {
    high: u64,
    low: u64,
    value: V,
}

impl<V: Copy + Default> Default for Table<V> {
    fn default() -> Self {
        Self {
            base: Arc::default(),
            delta: Arc::default(),
            len: 0,
        }
    }
}

impl<V: Copy + Default> Table<V> {
    /// An empty table that takes so many rows by [`Table::extend`] where they will stand.
    pub(crate) fn with_room_for(rows: usize) -> Self {
        Self {
            base: Arc::new(Base::new([], rows)),
            ..Self::default()
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn get(&self, key: u128) -> Option<V> {
        let key = usable(key);
        match self.delta.get(key) {
            Some(change) => change,
            None => self.base.get(key),
        }
    }

    /// Takes `rows` in, each in the place of what stood under its key; in place, while nobody shares this snapshot.
    pub(crate) fn extend(&mut self, rows: impl IntoIterator<Item = (u128, V)>) {
        match Arc::get_mut(&mut self.base) {
            Some(base) if self.delta.len == 0 => {
                for (key, value) in rows {
                    base.put(usable(key), value);
                }
                self.len = base.len;
            }
            _ => *self = self.with(rows.into_iter().map(|(key, value)| (key, Some(value)))),
        }
    }

    /// The next snapshot: `changes` on top of this one; of several changes of one key the last counts.
    #[must_use]
    pub(crate) fn with(&self, changes: impl IntoIterator<Item = (u128, Option<V>)>) -> Self {
        let mut changes: Vec<_> = changes
            .into_iter()
            .map(|(key, value)| (usable(key), value))
            .collect();
        changes.sort_by_key(|(key, _)| *key);
        let changes = last_of_each(changes);
        let delta = merge(self.delta.entries(), changes);
        let len = delta.iter().fold(self.base.len, |len, (key, value)| {
            match (self.base.get(*key).is_some(), value.is_some()) {
                (true, false) => len - 1,
                (false, true) => len + 1,
                _ => len,
            }
        });
        if delta.len() <= DELTA_MOST {
            return Self {
                base: Arc::clone(&self.base),
                delta: Arc::new(Base::new(delta.iter().copied(), delta.len())),
                len,
            };
        }
        Self {
            base: Arc::new(Base::new(self.base.merged(delta), len)),
            delta: Arc::default(),
            len,
        }
    }

    /// The next snapshot: only the entries whose value `keep` accepts.
    #[must_use]
    pub(crate) fn retained(&self, keep: impl Fn(&V) -> bool) -> Self {
        let kept = || {
            let entries = self.base.merged(self.delta.entries());
            entries.filter(|(_, value)| keep(value))
        };
        let len = kept().count();
        Self {
            base: Arc::new(Base::new(kept(), len)),
            delta: Arc::default(),
            len,
        }
    }

    /// How many bytes of memory the snapshot holds, what it shares with others included.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.base.rows) + size_of_val(&*self.delta.rows)
    }
}

impl<V: Copy + Default> Default for Base<V> {
    fn default() -> Self {
        Self::new([], 0)
    }
}

impl<V: Copy + Default> Base<V> {
    /// Takes entries by ascending key, with room for so many.
    fn new(entries: impl IntoIterator<Item = (u128, V)>, room: usize) -> Self {
        let places = places_for(room);
        let mut rows = Vec::with_capacity(capacity_for::<V>(places));
        let mut len = 0;
        for (key, value) in entries {
            let place = place_of(key, places as u64);
            while rows.len() < place {
                rows.push(Row::free());
            }
            rows.push(Row::new(key, value));
            len += 1;
        }
        // One is free behind the last, at least: there every look-up ends.
        let length = places.max(rows.len()) + 1;
        rows.resize_with(length, Row::free);
        Self {
            rows,
            places: places as u64,
            len,
        }
    }

    /// Puts a row where [`Base::new`] would have put it.
    fn put(&mut self, key: u128, value: V) {
        let place = place_of(key, self.places);
        let mut carried = Row::new(key, value);
        for row in self.rows.iter_mut().skip(place) {
            if row.key() < carried.key() {
                continue;
            }
            if row.key() == carried.key() {
                *row = carried;
                return;
            }
            // What is greater moves on by one, and so does what stands behind it, up to the first place that is free.
            core::mem::swap(row, &mut carried);
            if carried.key() == FREE {
                break;
            }
        }
        self.len += 1;
        if self.rows.last().is_some_and(|last| last.key() != FREE) {
            self.rows.push(Row::free());
        }
        if self.places < places_for(self.len) as u64 {
            *self = Self::new(self.entries(), self.len + self.len / 4 + OVERHANG);
        }
    }

    #[inline]
    fn get(&self, key: u128) -> Option<V> {
        let (high, low) = halves(key);
        self.rows
            .get(place_of(key, self.places)..)?
            .iter()
            .find(|row| row.high >= high && (row.high > high || row.low >= low))
            .filter(|row| row.high == high && row.low == low)
            .map(|row| row.value)
    }

    fn entries(&self) -> impl Iterator<Item = (u128, V)> {
        self.rows
            .iter()
            .map(|row| (row.key(), row.value))
            .filter(|(key, _)| *key != FREE)
    }

    /// The entries with `changes`, by ascending key, on top.
    fn merged(
        &self,
        changes: impl IntoIterator<Item = (u128, Option<V>)>,
    ) -> impl Iterator<Item = (u128, V)> {
        let mut changes = changes.into_iter().peekable();
        let mut kept = self.entries().peekable();
        std::iter::from_fn(move || {
            loop {
                let change = match (changes.peek(), kept.peek()) {
                    (Some((changed, _)), Some((key, _))) if changed > key => return kept.next(),
                    (None, _) => return kept.next(),
                    (Some((changed, _)), Some((key, _))) if changed == key => {
                        kept.next();
                        changes.next()
                    }
                    (Some(_), _) => changes.next(),
                };
                if let Some((key, Some(value))) = change {
                    return Some((key, value));
                }
            }
        })
    }
}

impl<V: Default> Row<V> {
    fn new(key: u128, value: V) -> Self {
        let (high, low) = halves(key);
        Self { high, low, value }
    }

    fn free() -> Self {
        Self::new(FREE, V::default())
    }
}

impl<V> Row<V> {
    #[inline]
    fn key(&self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }
}

/// A fifth of the places stays free: 30 bytes for each value of eight.
fn places_for(rows: usize) -> usize {
    rows + rows / 4
}

fn capacity_for<V>(places: usize) -> usize {
    let rows = places + OVERHANG;
    match rows * size_of::<Row<V>>() {
        LARGE.. => rows.max(APART / size_of::<Row<V>>() + 1),
        _ => rows,
    }
}

#[inline]
fn halves(key: u128) -> (u64, u64) {
    ((key >> 64) as u64, key as u64)
}

/// The top bits of `key`, scaled to the number of places.
#[inline]
fn place_of(key: u128, places: u64) -> usize {
    let (high, _) = halves(key);
    ((u128::from(high) * u128::from(places)) >> 64) as usize
}

/// The one key that stands for a free place shares the entry of its neighbour: one chance in 2^127.
#[inline]
fn usable(key: u128) -> u128 {
    key.min(FREE - 1)
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

fn merge<V>(older: impl Iterator<Item = (u128, V)>, newer: Vec<(u128, V)>) -> Vec<(u128, V)> {
    let mut merged = Vec::with_capacity(newer.len() + DELTA_MOST);
    let mut older = older.peekable();
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
    fn a_row_of_eight_bytes_costs_thirty() {
        let spread =
            |n: u64| u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(n);
        let table = Table::<u64>::default().with((0..100_000).map(|n| (spread(n), Some(n))));
        assert!(table.bytes() <= 31 * 100_000, "{}", table.bytes());
        assert!((0..100_000).all(|n| table.get(spread(n)) == Some(n)));
        assert_eq!(table.get(spread(100_001)), None);
    }

    #[test]
    fn rows_that_are_put_in_place_stand_where_a_merge_would_have_put_them() {
        let spread = |n: u64| u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64;
        let rows = |range: std::ops::Range<u64>| range.map(|n| (spread(n), n));
        let merged = Table::default().with(rows(0..5_000).map(|(key, n)| (key, Some(n))));
        let mut filled = Table::with_room_for(5_000);
        filled.extend(rows(0..3_000));
        filled.extend(rows(2_000..5_000));
        let places = |table: &Table<u64>| -> Vec<_> {
            let rows = table.base.rows.iter();
            rows.map(|row| (row.key(), row.value)).collect()
        };
        assert_eq!(places(&filled), places(&merged));
        assert_eq!((filled.len(), filled.bytes()), (5_000, merged.bytes()));

        // A snapshot that somebody else has stays as it is.
        let shared = filled.clone();
        filled.extend(rows(5_000..5_001));
        assert_eq!((shared.len(), filled.len()), (5_000, 5_001));
        assert_eq!(shared.get(spread(5_000)), None);
    }

    proptest! {
        #[test]
        fn filling_in_place_is_merging(
            batches in proptest::collection::vec(
                proptest::collection::vec((any::<u128>(), any::<u64>()), 0..300), 0..6),
            near in proptest::collection::vec((u128::MAX - 40..=u128::MAX, any::<u64>()), 0..60),
            room in 0usize..1_500,
        ) {
            let (mut filled, mut merged) = (Table::with_room_for(room), Table::default());
            for batch in batches.into_iter().chain([near]) {
                filled.extend(batch.iter().copied());
                merged = merged.with(batch.iter().map(|(key, value)| (*key, Some(*value))));
                prop_assert_eq!(filled.len(), merged.len());
                for (key, _) in batch {
                    prop_assert_eq!(filled.get(key), merged.get(key));
                    prop_assert_eq!(filled.get(key ^ 1), merged.get(key ^ 1));
                }
            }
        }

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
