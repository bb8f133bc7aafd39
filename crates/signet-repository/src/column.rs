//! From columns to the types of the core and back. What no version writes is damage, not a guess.

use core::str::FromStr;

use signet_core::{Generation, GroupSet, Subject, UnixSeconds};
use sqlx::Row as _;

use crate::sqlite::Row;
use crate::{RepositoryError, Seq};

/// A number for a column of signed 64 bits; the few that do not fit are the end of time.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that is never negative.
pub(crate) fn unsigned(number: i64, damage: &'static str) -> Result<u64, RepositoryError> {
    u64::try_from(number).map_err(|_| RepositoryError::Damaged(damage))
}

pub(crate) fn time(row: &Row, column: usize) -> Result<UnixSeconds, RepositoryError> {
    unsigned(row.try_get(column)?, "a time is negative").map(UnixSeconds)
}

pub(crate) fn seq(row: &Row, column: usize) -> Result<Seq, RepositoryError> {
    unsigned(row.try_get(column)?, "the number of a change is negative").map(Seq)
}

pub(crate) fn generation(row: &Row, column: usize) -> Result<Generation, RepositoryError> {
    u32::try_from(row.try_get::<i64, _>(column)?)
        .map(Generation)
        .map_err(|_| RepositoryError::Damaged("a generation is out of range"))
}

pub(crate) fn subject(row: &Row, column: usize) -> Result<Subject, RepositoryError> {
    parsed(row.try_get(column)?, "the id of a user is none")
}

/// The groups of a user, as the query gives them: names between commas, which no name contains.
pub(crate) fn groups(row: &Row, column: usize) -> Result<GroupSet, RepositoryError> {
    row.try_get::<Option<&str>, _>(column)?
        .unwrap_or_default()
        .split_terminator(',')
        .map(|name| parsed(name, "the name of a group is none"))
        .collect()
}

/// An id of 128 bits.
pub(crate) fn id(row: &Row, column: usize) -> Result<[u8; 16], RepositoryError> {
    row.try_get::<&[u8], _>(column)?
        .try_into()
        .map_err(|_| RepositoryError::Damaged("an id has not 128 bits"))
}

pub(crate) fn parsed<T: FromStr>(text: &str, damage: &'static str) -> Result<T, RepositoryError> {
    text.parse().map_err(|_| RepositoryError::Damaged(damage))
}
