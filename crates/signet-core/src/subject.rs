//! Who a session belongs to.

use core::fmt;
use core::str::FromStr;

use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;

/// The longest id of a user, in bytes of UTF-8.
pub(crate) const MAX_SUBJECT_BYTES: usize = 128;

/// Why a text cannot be the id of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// Empty, or longer than 128 bytes of UTF-8.
    #[error("a user id has 1 to 128 bytes")]
    Length,
    /// White space, a comma, a control or an invisible character.
    #[error("a user id has no white space, comma, control or invisible characters")]
    Character,
    /// A `:` with nothing before or behind it.
    #[error("the id of a user from outside is <provider>:<subject>")]
    Provider,
}

/// The id of a user (the claim `sub`), in Unicode normalisation form C.
///
/// Chosen at creation, unique on the farm, never changed, compared exactly.
/// A local id contains no `:`; a user from outside is `<provider>:<subject>`, so that no provider can claim a local name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Box<str>);

impl Subject {
    /// The id as it stands in a claim.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identity provider of a user from outside; `None` for a local user.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.0.split_once(':').map(|(provider, _)| provider)
    }

    /// What two ids share when people would take one for the other: lower case, then the skeleton of UTS 39, section 4.
    ///
    /// Ids with equal skeletons are refused at creation.
    #[must_use]
    pub fn skeleton(&self) -> String {
        let lower: String = self.0.chars().flat_map(char::to_lowercase).collect();
        skeleton(&lower)
            .flat_map(char::to_lowercase)
            .nfc()
            .collect()
    }
}

/// Whether `subject`, as it stands in a claim, is the id of a user from outside.
pub(crate) fn is_from_outside(subject: &str) -> bool {
    subject.contains(':')
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let normal: String = text.nfc().collect();
        if normal.is_empty() || normal.len() > MAX_SUBJECT_BYTES {
            return Err(SubjectError::Length);
        }
        if !normal.chars().all(is_visible) {
            return Err(SubjectError::Character);
        }
        match normal.split_once(':') {
            Some(("", _) | (_, "")) => Err(SubjectError::Provider),
            _ => Ok(Self(normal.into())),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters that can stand in a name of a user or a group and be seen there.
pub(crate) fn is_visible(c: char) -> bool {
    !(c.is_control()
        || c.is_whitespace()
        || c == ','
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_compared_in_one_normal_form() {
        let composed: Subject = "zo\u{eb}".parse().unwrap();
        let decomposed: Subject = "zoe\u{308}".parse().unwrap();
        assert_eq!(composed, decomposed);
    }

    #[test]
    fn ids_that_look_alike_share_a_skeleton() {
        let skeleton = |text: &str| text.parse::<Subject>().unwrap().skeleton();
        assert_eq!(skeleton("Alice"), skeleton("alice"));
        assert_eq!(skeleton("paypal"), skeleton("p\u{430}yp\u{430}l"));
        assert_ne!(skeleton("user-001"), skeleton("user-002"));
    }

    #[test]
    fn ids_that_could_cheat_a_header_or_a_reader_are_refused() {
        for bad in [
            "a b",
            "a,b",
            "a\r\nb",
            "a\u{202e}b",
            "a\u{200b}b",
            "\u{feff}a",
            "a\0",
        ] {
            assert_eq!(
                bad.parse::<Subject>(),
                Err(SubjectError::Character),
                "{bad:?}"
            );
        }
        assert_eq!(":x".parse::<Subject>(), Err(SubjectError::Provider));
        assert_eq!("x:".parse::<Subject>(), Err(SubjectError::Provider));
        assert_eq!("".parse::<Subject>(), Err(SubjectError::Length));
        assert_eq!(
            "google:1:2".parse::<Subject>().unwrap().provider(),
            Some("google")
        );
    }
}
