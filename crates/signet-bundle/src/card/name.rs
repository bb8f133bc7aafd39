//! What an instance calls itself.

use core::fmt;
use core::str::FromStr;

/// What an instance calls itself: 1 to 64 ASCII letters, digits, `.`, `-` and `_`. For people; instances go by their id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(Box<str>);

/// The text is no name of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 64 letters, digits, '.', '-' and '_'")]
pub struct NodeNameError;

impl NodeName {
    /// `text` with `-` in the place of whatever a name cannot have.
    #[must_use]
    pub fn resembling(text: &str) -> Self {
        let name: String = text
            .chars()
            .take(MAX)
            .map(|c| if is_allowed(c) { c } else { '-' })
            .collect();
        match name.is_empty() {
            true => Self("instance".into()),
            false => Self(name.into()),
        }
    }

    /// The name as it stands in a card.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeName {
    type Err = NodeNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=MAX).contains(&text.len()) && text.chars().all(is_allowed);
        fits.then(|| Self(text.into())).ok_or(NodeNameError)
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

const MAX: usize = 64;

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}
