//! What an instance shows of itself: its id, its name, and the two public keys to seal for it and to verify its word.

mod name;

use core::fmt;
use core::str::FromStr;

use age::x25519::Recipient;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};

use crate::framing::Framed;

pub use name::{NodeName, NodeNameError};

/// Names one instance: the first 128 bits of `SHA-256("signet node\0" public signing key)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub [u8; 16]);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

impl FromStr for NodeId {
    type Err = CardError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 16];
        match HEXLOWER.decode_len(text.len()) {
            Ok(16) => HEXLOWER.decode_mut(text.as_bytes(), &mut id).ok(),
            _ => None,
        }
        .map(|_| Self(id))
        .ok_or(CardError::Id)
    }
}

/// An Ed25519 signature (RFC 8032).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl FromStr for Signature {
    type Err = CardError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        decode(text).map(Self).ok_or(CardError::SignatureForm)
    }
}

/// The card of an instance, which is no secret: `signet-node-v1 <name> <Ed25519 key> <age1…> <signature>` in one line.
///
/// Its signature binds the name and the age key to the signing key, and so to the [`NodeId`].
/// Whether that id belongs to the instance one means, a card cannot say: people compare ids.
#[derive(Clone, PartialEq, Eq)]
pub struct NodeCard {
    name: NodeName,
    verifying: [u8; 32],
    recipient: Recipient,
    signature: Signature,
}

/// Why a text is not the card of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// Nothing but blank lines and comments.
    #[error("it is empty")]
    Empty,
    /// A web page.
    #[error("it is a web page, not the card of an instance (a saved login page?)")]
    Html,
    /// Not what `signet node show` prints.
    #[error("it is not the card of an instance, which has one line that begins with {MARK}")]
    Foreign,
    /// Larger than any card.
    #[error("it is larger than {MAX_CARD_BYTES} bytes")]
    TooLarge,
    /// A version that this program does not know.
    #[error("it is a card of another version than {MARK}")]
    Version,
    /// More than one card.
    #[error("it holds more than one card")]
    Several,
    /// The line is cut off, or has more words than a card.
    #[error("its line has {0} words instead of 5 (cut off, or broken into lines?)")]
    Words(usize),
    /// The name is not one.
    #[error("its name is not 1 to 64 letters, digits, '.', '-' and '_'")]
    Name,
    /// The signing key is not one.
    #[error("its signing key is not 32 bytes of base64url")]
    SigningKey,
    /// The age key is not one.
    #[error("its age key is not an X25519 recipient (age1…)")]
    AgeKey,
    /// The signature is not one.
    #[error("its signature is not 64 bytes of base64url")]
    SignatureForm,
    /// The signature is not that of this card.
    #[error("it was altered: its signature does not fit")]
    Altered,
    /// Not the id of an instance.
    #[error("the id of an instance is 32 lower-case hexadecimal digits")]
    Id,
}

impl CardError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Version => "use the same version of signet on both instances",
            Self::Several => "give each card in a file of its own",
            _ => "on the instance whose card it is: signet node show > FILE, and bring FILE here",
        }
    }
}

/// The most that a file with a card may hold, in bytes.
pub const MAX_CARD_BYTES: usize = 16 * 1024;

impl NodeCard {
    pub(crate) fn new(
        name: NodeName,
        verifying: [u8; 32],
        recipient: Recipient,
        sign: impl FnOnce(&[u8]) -> Signature,
    ) -> Self {
        let signature = sign(&message(&name, &verifying, &recipient));
        Self {
            name,
            verifying,
            recipient,
            signature,
        }
    }

    /// Reads what a file with a card holds: one card, and comments.
    ///
    /// # Errors
    ///
    /// Why it is not one card, whole and unaltered.
    pub fn read(bytes: &[u8]) -> Result<Self, CardError> {
        if bytes.len() > MAX_CARD_BYTES {
            return Err(CardError::TooLarge);
        }
        core::str::from_utf8(bytes)
            .map_err(|_| CardError::Foreign)?
            .parse()
    }

    /// The id of the instance.
    #[must_use]
    pub fn id(&self) -> NodeId {
        id_of(&self.verifying)
    }

    /// What the instance calls itself. Names need not differ; ids do.
    #[must_use]
    pub const fn name(&self) -> &NodeName {
        &self.name
    }

    /// The age key to seal for the instance.
    #[must_use]
    pub const fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// Whether the instance signed `message` for `purpose`.
    #[must_use]
    pub fn verify(&self, purpose: &str, message: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.verifying)
            .verify(&signed(purpose, message), &signature.0)
            .is_ok()
    }
}

impl fmt::Display for NodeCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verifying = BASE64URL_NOPAD.encode(&self.verifying);
        let Self {
            name,
            recipient,
            signature,
            ..
        } = self;
        write!(f, "{MARK} {name} {verifying} {recipient} {signature}")
    }
}

impl fmt::Debug for NodeCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeCard({} {})", self.name, self.id())
    }
}

impl FromStr for NodeCard {
    type Err = CardError;

    /// Reads a card; blank lines and lines that begin with `#` are passed over.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = lines.next().ok_or(CardError::Empty)?;
        let rest: Vec<_> = lines.collect();
        if line.starts_with('<') {
            return Err(CardError::Html);
        }
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        let [mark, name, verifying, recipient, signature] = words.as_slice() else {
            return Err(match words.first() {
                Some(&MARK) => CardError::Words(words.len()),
                Some(word) => foreign(word),
                None => CardError::Empty,
            });
        };
        if *mark != MARK {
            return Err(foreign(mark));
        }
        if !rest.is_empty() {
            return Err(match rest.iter().any(|line| line.starts_with(MARK)) {
                true => CardError::Several,
                false => CardError::Foreign,
            });
        }
        let card = Self {
            name: name.parse().map_err(|_| CardError::Name)?,
            verifying: decode(verifying).ok_or(CardError::SigningKey)?,
            recipient: recipient.parse().map_err(|_| CardError::AgeKey)?,
            signature: signature.parse()?,
        };
        // Bech32 may be written in capitals, too; a card has one spelling.
        if card.recipient.to_string() != **recipient {
            return Err(CardError::AgeKey);
        }
        let signed = message(&card.name, &card.verifying, &card.recipient);
        if !card.verify(CARD, &signed, &card.signature) {
            return Err(CardError::Altered);
        }
        Ok(card)
    }
}

/// The first word of a card, with its version.
const MARK: &str = "signet-node-v1";

/// The purpose of the signature of a card.
pub(crate) const CARD: &str = "card";

fn foreign(word: &str) -> CardError {
    match word.strip_prefix("signet-node-v") {
        Some(_) => CardError::Version,
        None => CardError::Foreign,
    }
}

/// What an instance signs when it signs `message` for `purpose`: what was signed for one purpose never passes for another.
pub(crate) fn signed(purpose: &str, message: &[u8]) -> Vec<u8> {
    Framed::of(&[b"signet/v1/node-signature", purpose.as_bytes(), message]).to_vec()
}

pub(crate) fn id_of(verifying: &[u8; 32]) -> NodeId {
    let digest = Sha256::new()
        .chain_update(b"signet node\0")
        .chain_update(verifying)
        .finalize();
    let mut id = [0; 16];
    id.iter_mut()
        .zip(digest.iter())
        .for_each(|(to, from)| *to = *from);
    NodeId(id)
}

fn message(name: &NodeName, verifying: &[u8; 32], recipient: &Recipient) -> Vec<u8> {
    let recipient = recipient.to_string();
    Framed::of(&[name.as_str().as_bytes(), verifying, recipient.as_bytes()]).to_vec()
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    match BASE64URL_NOPAD.decode_len(text.len()) {
        Ok(length) if length == N => BASE64URL_NOPAD
            .decode_mut(text.as_bytes(), &mut bytes)
            .ok()
            .map(|_| bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
