//! Keys of an AEM installation on their way to other machines: sealed for each of them, signed by the one that sends them.

use core::fmt;

use signet_core::UnixSeconds;
use zeroize::Zeroizing;

use crate::envelope::{self, AEM_KEYS, list, push_recipients, take_recipients};
use crate::framing::{Fields, Framed};
use crate::{BundleError, NodeCard, NodeId, NodeIdentity, NodeName};

/// The most that one key of AEM has, in bytes: much more than any.
pub const MAX_AEM_KEY_BYTES: usize = 64 * 1024;

const KIND: &str = "aem-keys";
const HMAC: &str = "hmac";
const MASTER: &str = "master";

/// What a bundle of AEM's keys carries: the files as they are, of which one may be left out.
#[derive(Clone)]
#[non_exhaustive]
pub struct AemKeys {
    /// When it was made.
    pub created: UnixSeconds,
    /// What is in the file `hmac`.
    pub hmac: Option<Zeroizing<Vec<u8>>>,
    /// What is in the file `master`.
    pub master: Option<Zeroizing<Vec<u8>>>,
}

impl AemKeys {
    /// Keys that are to be sent.
    ///
    /// # Errors
    ///
    /// There is none, one is empty, or one is larger than [`MAX_AEM_KEY_BYTES`].
    pub fn new(
        hmac: Option<Zeroizing<Vec<u8>>>,
        master: Option<Zeroizing<Vec<u8>>>,
        created: UnixSeconds,
    ) -> Result<Self, BundleError> {
        let keys = Self {
            created,
            hmac,
            master,
        };
        if keys.iter().next().is_none() {
            return Err(BundleError::NoKeys);
        }
        if !keys.iter().all(|(_, bytes)| is_possible(bytes)) {
            return Err(BundleError::Malformed("key"));
        }
        Ok(keys)
    }

    /// Seals them for the machines whose cards these are, and signs them: an age file (binary), which never passes for a
    /// bundle of Signet's own keys.
    ///
    /// # Errors
    ///
    /// There is no card, or it could not be sealed.
    pub fn seal(
        &self,
        sender: &NodeIdentity,
        name: &NodeName,
        cards: &[NodeCard],
    ) -> Result<Vec<u8>, BundleError> {
        let ids: Vec<_> = cards.iter().map(NodeCard::id).collect();
        envelope::seal(&encode(self, sender, name, &ids), cards)
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let named = [(HMAC, &self.hmac), (MASTER, &self.master)];
        named
            .into_iter()
            .filter_map(|(name, key)| Some((name, key.as_ref()?.as_slice())))
    }
}

impl fmt::Debug for AemKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AemKeys")
            .field("created", &self.created)
            .field(
                "keys",
                &self.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            )
            .finish()
    }
}

/// Keys of AEM that were opened: they are for this machine, and exactly as their sender sealed them.
///
/// Who the sender is remains to be judged: anybody can make an identity and seal something for a card.
#[derive(Debug)]
pub struct ReceivedAemKeys {
    sender: NodeCard,
    keys: AemKeys,
}

impl ReceivedAemKeys {
    /// Opens a bundle that was sealed for this machine.
    ///
    /// # Errors
    ///
    /// Why it is not a bundle of AEM's keys for this machine, whole and unaltered, of a version that this program knows.
    pub fn open(sealed: &[u8], identity: &NodeIdentity) -> Result<Self, BundleError> {
        let payload = envelope::open(sealed, identity)?;
        let (sender, recipients, keys) = decode(&payload)?;
        envelope::check_meant(&sender, &recipients, identity)?;
        Ok(Self { sender, keys })
    }

    /// The card of the machine that made and signed it.
    #[must_use]
    pub const fn sender(&self) -> &NodeCard {
        &self.sender
    }

    /// What it carries.
    #[must_use]
    pub const fn content(&self) -> &AemKeys {
        &self.keys
    }
}

fn encode(
    keys: &AemKeys,
    sender: &NodeIdentity,
    name: &NodeName,
    recipients: &[NodeId],
) -> Zeroizing<Vec<u8>> {
    let room =
        1024 + 64 * recipients.len() + keys.iter().map(|(_, key)| key.len() + 64).sum::<usize>();
    let mut body = Framed::with_capacity(room);
    body.push(sender.card(name).to_string().as_bytes());
    body.push(KIND.as_bytes());
    body.push(keys.created.to_string().as_bytes());
    push_recipients(&mut body, recipients);
    body.push(keys.iter().count().to_string().as_bytes());
    for (name, bytes) in keys.iter() {
        body.push(name.as_bytes());
        body.push(bytes);
    }
    AEM_KEYS.sign(&body, sender)
}

fn decode(bytes: &[u8]) -> Result<(NodeCard, Vec<NodeId>, AemKeys), BundleError> {
    let lacks = BundleError::Malformed;
    let (sender, mut body) = AEM_KEYS.verify(bytes)?;
    match body.text() {
        Some(KIND) => {}
        Some(found) => {
            let found = found.chars().take(20).collect();
            return Err(BundleError::Kind { found });
        }
        None => return Err(lacks("kind")),
    }
    let created = body.number().map(UnixSeconds).ok_or(lacks("time"))?;
    let recipients = take_recipients(&mut body)?;
    let (hmac, master) = keys(&mut body).ok_or(lacks("list of keys"))?;
    if !body.is_at_end() {
        return Err(lacks("end"));
    }
    let keys = AemKeys {
        created,
        hmac,
        master,
    };
    Ok((sender, recipients, keys))
}

type Bytes = Zeroizing<Vec<u8>>;

/// `hmac`, `master`, or both in this order, and nothing else.
fn keys(body: &mut Fields<'_>) -> Option<(Option<Bytes>, Option<Bytes>)> {
    let list = list(body, |body| {
        let key = (body.text()?, body.take()?);
        is_possible(key.1).then_some(key)
    })?;
    let bytes = |bytes: &[u8]| Some(Zeroizing::new(bytes.to_vec()));
    match list.as_slice() {
        [(HMAC, hmac)] => Some((bytes(hmac), None)),
        [(MASTER, master)] => Some((None, bytes(master))),
        [(HMAC, hmac), (MASTER, master)] => Some((bytes(hmac), bytes(master))),
        _ => None,
    }
}

fn is_possible(key: &[u8]) -> bool {
    (1..=MAX_AEM_KEY_BYTES).contains(&key.len())
}

#[cfg(test)]
mod tests;
