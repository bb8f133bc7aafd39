//! What a client is called.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use signet_secret::Segment;

/// Why a text is not the name of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of a client has 1 to 48 lower-case letters, digits, '.', '-' and '_', and begins with a letter or digit"
)]
pub struct ClientNameError;

/// The name of a client in this installation, for example `ims`.
///
/// It is part of the places of the client's secret and token, so it has the characters of those.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientName(Segment);

impl ClientName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The name as a part of places.
    pub(crate) const fn segment(&self) -> &Segment {
        &self.0
    }
}

impl FromStr for ClientName {
    type Err = ClientNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let begins_well = text.bytes().next().is_some_and(plain);
        if !begins_well || text.len() > 48 {
            return Err(ClientNameError);
        }
        text.parse().map(Self).map_err(|_| ClientNameError)
    }
}

impl TryFrom<String> for ClientName {
    type Error = ClientNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ClientName> for String {
    fn from(name: ClientName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_segment_of_a_place() {
        for good in ["ims", "a", "0", "ims.prod-1_b", &"a".repeat(48)] {
            assert_eq!(good.parse::<ClientName>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "IMS",
            ".",
            "..",
            "-a",
            "a/b",
            "a b",
            "é",
            &"a".repeat(49),
        ] {
            assert!(bad.parse::<ClientName>().is_err(), "{bad}");
        }
    }
}
