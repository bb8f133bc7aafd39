//! Names of groups, and the sets of them that users share.

use core::fmt;
use core::str::FromStr;

use unicode_normalization::UnicodeNormalization;

use crate::subject::is_visible;

/// The longest name of a group, in bytes of UTF-8.
pub(crate) const MAX_GROUP_BYTES: usize = 128;

/// Why a text cannot be the name of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupNameError {
    /// Empty, or longer than 128 bytes of UTF-8.
    #[error("a group name has 1 to 128 bytes")]
    Length,
    /// White space, a comma, a control or an invisible character.
    #[error("a group name has no white space, comma, control or invisible characters")]
    Character,
}

/// The name of a group, in Unicode normalisation form C.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(Box<str>);

impl GroupName {
    /// The name as it stands in a claim.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GroupName {
    type Err = GroupNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let normal: String = text.nfc().collect();
        if normal.is_empty() || normal.len() > MAX_GROUP_BYTES {
            return Err(GroupNameError::Length);
        }
        normal
            .chars()
            .all(is_visible)
            .then(|| Self(normal.into()))
            .ok_or(GroupNameError::Character)
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of groups as many users have it: sorted, without doubles, kept once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GroupSet(Box<[GroupName]>);

impl GroupSet {
    /// The names, in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &GroupName> {
        self.0.iter()
    }

    /// Whether the set has no group.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `name` is in the set.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0
            .binary_search_by(|group| group.as_str().cmp(name))
            .is_ok()
    }
}

impl FromIterator<GroupName> for GroupSet {
    fn from_iter<I: IntoIterator<Item = GroupName>>(names: I) -> Self {
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        Self(names.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_sorted_and_has_no_doubles() {
        let set: GroupSet = ["b", "a", "b"].iter().map(|n| n.parse().unwrap()).collect();
        let names: Vec<_> = set.iter().map(GroupName::as_str).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(set.contains("a") && !set.contains("ab"));
    }

    #[test]
    fn a_name_cannot_become_two_in_a_header() {
        assert_eq!("a,b".parse::<GroupName>(), Err(GroupNameError::Character));
    }
}
