//! Sessions that were ended before their tokens expired: an immutable snapshot.

use sha2::{Digest, Sha256};

use crate::table::Table;
use crate::{Claims, Denied, Seconds, SessionId, UnixSeconds};

/// Names the session a mark ends, whether by its own id or by that of an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MarkId(pub [u8; 16]);

impl From<SessionId> for MarkId {
    fn from(session: SessionId) -> Self {
        Self(session.0)
    }
}

impl MarkId {
    /// The id for a session known by the claim `usid`: the first 128 bits of a SHA-256 over it.
    #[must_use]
    pub fn of_provider_session(usid: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(b"signet provider session\0")
            .chain_update(usid)
            .finalize();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(id)
    }
}

/// Ends one session on the instances that know the mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which session.
    pub id: MarkId,
    /// From when on no token of the session can be good any more, clock skew included.
    pub until: UnixSeconds,
}

impl Mark {
    fn row(self) -> (u128, u64) {
        (u128::from_be_bytes(self.id.0), self.until.0)
    }
}

/// The marks this instance knows: a snapshot. The next one is built beside it.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    marks: Table<u64>,
    floor: UnixSeconds,
}

impl Marks {
    /// No marks, above a floor that was persisted when older ones were purged.
    #[must_use]
    pub fn new(floor: UnixSeconds) -> Self {
        Self {
            marks: Table::default(),
            floor,
        }
    }

    /// The same with room for so many marks, which then find their places by [`Marks::extend`].
    #[must_use]
    pub fn with_room_for(floor: UnixSeconds, marks: usize) -> Self {
        Self {
            marks: Table::with_room_for(marks),
            floor,
        }
    }

    /// Takes `marks` in: in place, while nobody shares this snapshot.
    pub fn extend(&mut self, marks: impl IntoIterator<Item = Mark>) {
        self.marks.extend(marks.into_iter().map(Mark::row));
    }

    /// The next snapshot: `marks` added.
    #[must_use]
    pub fn with(&self, marks: impl IntoIterator<Item = Mark>) -> Self {
        let added = marks
            .into_iter()
            .map(|mark| mark.row())
            .map(|(key, until)| (key, Some(until)));
        Self {
            marks: self.marks.with(added),
            floor: self.floor,
        }
    }

    /// The next snapshot: marks up to `floor` forgotten, and every session that ended by then refused instead.
    ///
    /// A clock that jumped ahead and back thus revives nothing. Persist the floor first.
    #[must_use]
    pub fn purged(&self, floor: UnixSeconds) -> Self {
        let floor = self.floor.max(floor);
        Self {
            marks: self.marks.retained(|until| *until > floor.0),
            floor,
        }
    }

    /// Every session that ended by this time is refused.
    #[must_use]
    pub fn floor(&self) -> UnixSeconds {
        self.floor
    }

    /// How many marks are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether no mark is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes of memory the marks hold.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.marks.bytes()
    }

    #[inline]
    pub(crate) fn check(&self, claims: &Claims<'_>, skew: Seconds) -> Result<(), Denied> {
        if claims.session_end.plus(skew) <= self.floor {
            return Err(Denied::SessionForgotten);
        }
        let marked = |id: MarkId| self.marks.get(u128::from_be_bytes(id.0)).is_some();
        let by_provider = || {
            claims
                .provider_session
                .as_deref()
                .is_some_and(|usid| marked(MarkId::of_provider_session(usid)))
        };
        if marked(claims.session.into()) || by_provider() {
            return Err(Denied::SessionEnded);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(n: u8, until: u64) -> Mark {
        Mark {
            id: MarkId([n; 16]),
            until: UnixSeconds(until),
        }
    }

    #[test]
    fn purging_raises_the_floor_and_never_lowers_it() {
        let marks = Marks::default()
            .with([mark(1, 10), mark(2, 20)])
            .purged(UnixSeconds(10));
        assert_eq!((marks.len(), marks.floor()), (1, UnixSeconds(10)));
        assert_eq!(marks.purged(UnixSeconds(5)).floor(), UnixSeconds(10));
    }

    // S7
    #[test]
    fn a_million_marks_need_30_bytes_each() {
        let spread = |n: u64| {
            let high = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            MarkId((u128::from(high) << 64 | u128::from(n)).to_be_bytes())
        };
        let marks = Marks::default().with((0..1_000_000).map(|n| Mark {
            id: spread(n),
            until: UnixSeconds(n),
        }));
        assert_eq!(marks.len(), 1_000_000);
        assert!(marks.bytes() <= 31_000_000, "{}", marks.bytes());
    }
}
