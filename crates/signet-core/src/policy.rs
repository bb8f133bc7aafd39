//! What the farm demands of its tokens.

use core::fmt;
use core::str::FromStr;

use crate::{Seconds, UnixSeconds, Zone};

/// The two encapsulated formats. Both verify at any time; this says which one is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// JWE compact, `dir` with `A128CBC-HS256`: nobody but the farm reads it.
    #[default]
    Sealed,
    /// JWS compact, `HS256`: standard libraries read it, so it carries no name, mail or groups.
    Signed,
}

/// The text names no format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected \"sealed\" or \"signed\"")]
pub struct FormatError;

impl Format {
    /// The format's name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Signed => "signed",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sealed" => Ok(Self::Sealed),
            "signed" => Ok(Self::Signed),
            _ => Err(FormatError),
        }
    }
}

/// Whose tokens are accepted, and how long they live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPolicy {
    /// The zone tokens are made for and must name.
    pub zone: Zone,
    /// Which format is made.
    pub format: Format,
    /// The life of each token.
    pub inactivity: Seconds,
    /// The least time between two tokens of one session.
    pub renewal_interval: Seconds,
    /// The absolute end of a session, from login.
    pub max_session: Seconds,
    /// How far the clocks of the farm may disagree.
    pub skew: Seconds,
}

impl TokenPolicy {
    /// When a token made at `now` expires in a session that ends at `session_end`.
    #[must_use]
    pub fn expiry(&self, now: UnixSeconds, session_end: UnixSeconds) -> UnixSeconds {
        now.plus(self.inactivity).min(session_end)
    }
}
