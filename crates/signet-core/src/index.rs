//! Who exists on this instance: an immutable snapshot of what a verdict needs of the users, 30 bytes for each.

use std::collections::HashMap;
use std::sync::Arc;

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher as _;

use crate::table::Table;
use crate::{Generation, GroupSet, Subject};

/// The secret that the ids of users are hashed with, so that nobody can choose ids that collide.
#[derive(Clone, Copy)]
pub struct IndexKey(pub [u8; 16]);

/// What the index is told of a user: the whole record each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// The user's id.
    pub subject: Subject,
    /// The generation of the record.
    pub generation: Generation,
    /// Whether the user may log in and be recognised.
    pub enabled: bool,
    /// Whether only a tombstone is left, which keeps the generation.
    pub deleted: bool,
    /// The groups the user is in.
    pub groups: GroupSet,
}

/// What the index knows of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User<'i> {
    /// The generation of the record: older tokens are refused.
    pub generation: Generation,
    /// Whether the user may log in and be recognised.
    pub enabled: bool,
    /// Whether only a tombstone is left.
    pub deleted: bool,
    /// The groups the user is in.
    pub groups: &'i GroupSet,
}

/// The users of this instance: a snapshot. The next one is built beside it with [`UserIndex::with`].
#[derive(Clone)]
pub struct UserIndex {
    key: IndexKey,
    users: Table<Entry>,
    groups: Arc<Interned>,
}

/// Eight bytes for each user: the generation, and the number of the group set with two flags above it.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    generation: u32,
    flags_and_groups: u32,
}

const DISABLED: u32 = 1 << 31;
const DELETED: u32 = 1 << 30;
const GROUPS: u32 = DELETED - 1;

/// Every group set that was seen, kept once.
#[derive(Clone, Debug, Default)]
struct Interned {
    sets: Vec<Arc<GroupSet>>,
    numbers: HashMap<Arc<GroupSet>, u32>,
}

impl UserIndex {
    /// An index without users.
    #[must_use]
    pub fn new(key: IndexKey) -> Self {
        let mut groups = Interned::default();
        groups.number(&GroupSet::default());
        Self {
            key,
            users: Table::default(),
            groups: Arc::new(groups),
        }
    }

    /// The same with room for so many users, who then find their places by [`UserIndex::extend`].
    #[must_use]
    pub fn with_room_for(key: IndexKey, users: usize) -> Self {
        Self {
            users: Table::with_room_for(users),
            ..Self::new(key)
        }
    }

    /// Takes `records` in: in place, while nobody shares this snapshot. An index is built so, not changed.
    pub fn extend<'r>(&mut self, records: impl IntoIterator<Item = &'r UserRecord>) {
        let Self { key, users, groups } = self;
        let entries = records.into_iter().map(|record| {
            (
                key.hash(record.subject.as_str()),
                Entry::new(record, groups),
            )
        });
        users.extend(entries);
    }

    /// The next snapshot: `records` in the place of what was known of these users.
    #[must_use]
    pub fn with<'r>(&self, records: impl IntoIterator<Item = &'r UserRecord>) -> Self {
        let mut groups = Arc::clone(&self.groups);
        let changes: Vec<_> = records
            .into_iter()
            .map(|record| {
                let entry = Entry::new(record, &mut groups);
                (self.key.hash(record.subject.as_str()), Some(entry))
            })
            .collect();
        Self {
            key: self.key,
            users: self.users.with(changes),
            groups,
        }
    }

    /// What is known of the user with this id, tombstones included.
    #[inline]
    #[must_use]
    pub fn find(&self, subject: &str) -> Option<User<'_>> {
        let entry = self.users.get(self.key.hash(subject))?;
        let set = self
            .groups
            .sets
            .get((entry.flags_and_groups & GROUPS) as usize)?;
        Some(User {
            generation: Generation(entry.generation),
            enabled: entry.flags_and_groups & DISABLED == 0,
            deleted: entry.flags_and_groups & DELETED != 0,
            groups: set,
        })
    }

    /// How many users are known, tombstones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether no user is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes of memory the entries hold, group names aside.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.users.bytes()
    }
}

impl IndexKey {
    #[inline]
    fn hash(&self, subject: &str) -> u128 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write(subject.as_bytes());
        hasher.finish128().as_u128()
    }
}

impl core::fmt::Debug for UserIndex {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "UserIndex({} users)", self.len())
    }
}

impl Entry {
    fn new(record: &UserRecord, groups: &mut Arc<Interned>) -> Self {
        let (number, known) = match groups.numbers.get(&record.groups) {
            Some(number) => (*number, true),
            None => {
                let number = Arc::make_mut(groups).number(&record.groups);
                (number, number <= GROUPS)
            }
        };
        // More sets than numbers for them: such a user has no groups here and is not let in.
        let usable = record.enabled && known;
        let flags = if usable { 0 } else { DISABLED } | if record.deleted { DELETED } else { 0 };
        Self {
            generation: record.generation.0,
            flags_and_groups: flags | (number & GROUPS),
        }
    }
}

impl Interned {
    fn number(&mut self, set: &GroupSet) -> u32 {
        let number = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        if number <= GROUPS {
            let set = Arc::new(set.clone());
            self.sets.push(Arc::clone(&set));
            self.numbers.insert(set, number);
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, generation: u32, groups: &[&str]) -> UserRecord {
        UserRecord {
            subject: id.parse().unwrap(),
            generation: Generation(generation),
            enabled: true,
            deleted: false,
            groups: groups.iter().map(|name| name.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn a_change_makes_the_next_snapshot_and_leaves_this_one() {
        let before = UserIndex::new(IndexKey([1; 16])).with(&[record("alice", 1, &["a", "b"])]);
        let after = before.with(&[record("alice", 2, &["b"]), record("bob", 1, &[])]);
        assert_eq!(before.find("alice").unwrap().generation, Generation(1));
        assert!(before.find("bob").is_none());
        let alice = after.find("alice").unwrap();
        assert_eq!(alice.generation, Generation(2));
        assert!(!alice.groups.contains("a") && alice.groups.contains("b"));
    }

    #[test]
    fn flags_are_kept_apart_from_groups() {
        let mut gone = record("gone", 9, &["a"]);
        gone.deleted = true;
        let mut off = record("off", 9, &["a"]);
        off.enabled = false;
        let index = UserIndex::new(IndexKey([1; 16])).with(&[gone, off]);
        let gone = index.find("gone").unwrap();
        assert!(gone.deleted && gone.enabled && gone.groups.contains("a"));
        let off = index.find("off").unwrap();
        assert!(!off.deleted && !off.enabled && off.groups.contains("a"));
    }

    #[test]
    fn a_user_needs_at_most_32_bytes() {
        let groups = [&["a"][..], &["a", "b"], &[]];
        let records: Vec<_> = (0..50_000)
            .map(|n| record(&format!("user-{n}"), 1, groups[n % 3]))
            .collect();
        let key = IndexKey([1; 16]);
        let mut built = UserIndex::with_room_for(key, 50_000);
        built.extend(&records);
        for index in [UserIndex::new(key).with(&records), built] {
            assert_eq!(index.len(), 50_000);
            assert!(index.bytes() <= 32 * 50_000, "{}", index.bytes());
            let last = index.find("user-49999").unwrap();
            assert!(last.groups.contains("b") && last.enabled);
        }
    }
}
