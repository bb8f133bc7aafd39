//! Where a sealed value belongs.

use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The place that a secret belongs to, for example `client/ims/secret`: 1 to 8 segments with slashes between them.
///
/// It is part of what is sealed, so a value that is moved to another place does not open there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(Box<str>);

/// Why a text names no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// None at all, or more than 8.
    #[error("a place has 1 to 8 segments with slashes between them, for example client/ims/secret")]
    Segments,
    /// A segment is empty or has more than 64 characters.
    #[error("a segment of a place has 1 to 64 characters")]
    Length,
    /// A character that has no place in it.
    #[error(
        "a place has only lower-case letters, digits, '.', '_' and '-', and slashes between its segments"
    )]
    Character,
}

/// One segment of a place: 1 to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment(Cow<'static, str>);

const MOST_SEGMENTS: usize = 8;
const LONGEST_SEGMENT: usize = 64;

impl Segment {
    /// A segment that is known when the program is built; another text does not compile where it is a constant.
    #[must_use]
    pub const fn literal(text: &'static str) -> Self {
        assert!(check(text.as_bytes()).is_ok(), "a segment of a place");
        Self(Cow::Borrowed(text))
    }

    /// The segment as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Segment {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check(text.as_bytes())?;
        Ok(Self(Cow::Owned(text.to_owned())))
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Whether a text is a segment.
const fn check(text: &[u8]) -> Result<(), PlaceError> {
    let mut rest = text;
    while let [byte, others @ ..] = rest {
        if !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-') {
            return Err(PlaceError::Character);
        }
        rest = others;
    }
    if text.is_empty() || text.len() > LONGEST_SEGMENT {
        return Err(PlaceError::Length);
    }
    Ok(())
}

impl Place {
    /// The place that these segments make.
    #[must_use]
    pub fn of<const N: usize>(segments: [&Segment; N]) -> Self {
        const { assert!(N > 0 && N <= MOST_SEGMENTS, "a place has 1 to 8 segments") };
        Self(segments.map(Segment::as_str).join("/").into())
    }

    /// The place as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its segments, of which there is at least one.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.split('/').count() > MOST_SEGMENTS {
            return Err(PlaceError::Segments);
        }
        for segment in text.split('/') {
            check(segment.as_bytes())?;
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_are_plain_paths() {
        for good in [
            "a",
            "client/ims/secret",
            "setting/mail.password",
            "1/2/3/4/5/6/7/8",
        ] {
            assert_eq!(good.parse::<Place>().unwrap().to_string(), good);
        }
        let long = "a".repeat(65);
        for (bad, why) in [
            ("", PlaceError::Segments),
            ("1/2/3/4/5/6/7/8/9", PlaceError::Segments),
            ("/client", PlaceError::Length),
            ("client//secret", PlaceError::Length),
            ("client/", PlaceError::Length),
            (&long, PlaceError::Length),
            ("Client/ims", PlaceError::Character),
            ("client ims", PlaceError::Character),
            ("client\u{0}", PlaceError::Character),
            ("cli\u{e9}nt", PlaceError::Character),
        ] {
            assert_eq!(bad.parse::<Place>(), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn segments_make_a_place() {
        const CLIENT: Segment = Segment::literal("client");
        let name: Segment = "ims.prod-1_b".parse().unwrap();
        let place = Place::of([&CLIENT, &name, &CLIENT]);
        assert_eq!(Ok(&place), "client/ims.prod-1_b/client".parse().as_ref());
        assert_eq!(Place::of([&name]).to_string(), name.as_str());
        for (bad, why) in [
            ("", PlaceError::Length),
            (&"a".repeat(65), PlaceError::Length),
            ("a/b", PlaceError::Character),
            ("A", PlaceError::Character),
        ] {
            assert_eq!(bad.parse::<Segment>(), Err(why), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text in "[a-z0-9._/-]{0,80}|\\PC{0,80}") {
            if let Ok(place) = text.parse::<Place>() {
                prop_assert_eq!(place.as_str(), text.as_str());
                prop_assert!((1..=8).contains(&place.segments().count()));
                prop_assert!(place.segments().all(|segment| (1..=64).contains(&segment.len())));
            }
        }
    }
}
