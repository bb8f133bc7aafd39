//! Who can open a backup: read from files as `signet node show`, `age-keygen` and people write them.

use core::str::FromStr;

use age::x25519::{Identity, Recipient};
use signet_bundle::{CardError, NodeCard, NodeId};

/// Somebody for whom a backup is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Receiver {
    /// An instance, by its card.
    Instance {
        /// Its id.
        id: NodeId,
        /// What it calls itself.
        name: String,
        /// Its age key.
        recipient: Recipient,
    },
    /// Whoever has the private part of an age key.
    Key(Recipient),
}

/// Why a file names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartyError {
    /// A card, but not a good one.
    #[error(transparent)]
    Card(#[from] CardError),
    /// Neither a card nor age recipients.
    #[error("it holds neither the card of an instance nor an age recipient (age1…)")]
    NoRecipient,
    /// The private part of a key, where the public one belongs.
    #[error("it holds the private part of an age key, where only the public one belongs (age1…)")]
    Private,
    /// No private key.
    #[error("it holds no private age key (AGE-SECRET-KEY-1…)")]
    NoIdentity,
}

impl PartyError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Card(error) => error.hint(),
            Self::NoRecipient => {
                "name a file with what `signet node show` or `age-keygen -y` prints"
            }
            Self::Private => "make the public one of it with `age-keygen -y`, and name that",
            Self::NoIdentity => {
                "name node/age.key of the instance, or the file that age-keygen made"
            }
        }
    }
}

impl Receiver {
    /// Reads a file: the card of an instance, or age recipients, one a line, and comments.
    ///
    /// # Errors
    /// It names nobody.
    pub fn read(bytes: &[u8]) -> Result<Vec<Self>, PartyError> {
        match NodeCard::read(bytes) {
            Ok(card) => {
                return Ok(vec![Self::Instance {
                    id: card.id(),
                    name: card.name().as_str().to_owned(),
                    recipient: card.recipient().clone(),
                }]);
            }
            Err(CardError::Foreign | CardError::Empty | CardError::Html) => {}
            Err(error) => return Err(error.into()),
        }
        let text = core::str::from_utf8(bytes).map_err(|_| PartyError::NoRecipient)?;
        if lines(text).any(|line| line.to_ascii_uppercase().starts_with(PRIVATE)) {
            return Err(PartyError::Private);
        }
        parsed(text)
            .ok_or(PartyError::NoRecipient)
            .map(|keys| keys.into_iter().map(Self::Key).collect())
    }

    /// The key to seal for.
    #[must_use]
    pub const fn recipient(&self) -> &Recipient {
        match self {
            Self::Instance { recipient, .. } | Self::Key(recipient) => recipient,
        }
    }
}

/// Reads the private keys in a file as age-keygen makes it.
///
/// # Errors
/// There is none, or a line is something else.
pub fn read_identities(bytes: &[u8]) -> Result<Vec<Identity>, PartyError> {
    let text = core::str::from_utf8(bytes).map_err(|_| PartyError::NoIdentity)?;
    parsed(text).ok_or(PartyError::NoIdentity)
}

const PRIVATE: &str = "AGE-SECRET-KEY-";

/// Every line that is no comment, of which there must be one at least.
fn parsed<T: FromStr>(text: &str) -> Option<Vec<T>> {
    let parsed: Vec<T> = lines(text)
        .map(|line| line.parse().ok())
        .collect::<Option<_>>()?;
    (!parsed.is_empty()).then_some(parsed)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.strip_prefix('\u{feff}')
        .unwrap_or(text)
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use age::secrecy::ExposeSecret as _;
    use signet_bundle::NodeIdentity;

    use super::*;

    #[test]
    fn receivers_are_cards_or_age_recipients() {
        let node = NodeIdentity::generate().unwrap();
        let card = node.card(&"web-1".parse().unwrap());
        let read = Receiver::read(format!("# card\n{card}\n").as_bytes()).unwrap();
        assert_eq!(read[0].recipient(), &node.recipient());
        assert!(matches!(&read[0], Receiver::Instance { id, .. } if *id == node.id()));

        let (one, other) = (Identity::generate(), Identity::generate());
        let text = format!(
            "# the office\n{}\n\n{}\r\n",
            one.to_public(),
            other.to_public()
        );
        let read = Receiver::read(text.as_bytes()).unwrap();
        assert_eq!(
            read,
            [
                Receiver::Key(one.to_public()),
                Receiver::Key(other.to_public())
            ]
        );

        let private = one.to_string();
        let error = Receiver::read(private.expose_secret().as_bytes()).unwrap_err();
        assert_eq!(error, PartyError::Private);
        let altered = card.to_string().replace("web-1", "web-2");
        let error = Receiver::read(altered.as_bytes()).unwrap_err();
        assert_eq!(error, PartyError::Card(CardError::Altered));
        for text in ["", "# nobody\n", "<html>", "age1nonsense", "\u{0}"] {
            assert_eq!(
                Receiver::read(text.as_bytes()),
                Err(PartyError::NoRecipient),
                "{text}"
            );
        }
    }

    #[test]
    fn private_keys_are_those_of_age() {
        let key = Identity::generate();
        let text = format!(
            "# created\n# public key: {}\n{}\n",
            key.to_public(),
            key.to_string().expose_secret()
        );
        let read = read_identities(text.as_bytes()).unwrap();
        assert_eq!(read[0].to_public(), key.to_public());
        for text in ["", "age1nonsense", "# only a comment"] {
            assert_eq!(
                read_identities(text.as_bytes()).err(),
                Some(PartyError::NoIdentity)
            );
        }
    }
}
