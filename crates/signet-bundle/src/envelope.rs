//! What every bundle is put into: a body that begins with the card of its sender, signed, and then sealed for each receiver.

use zeroize::Zeroizing;

use crate::bundle::addressee::Addressee;
use crate::bundle::error;
use crate::framing::{Fields, Framed};
use crate::sealing;
use crate::{BundleError, MAX_BUNDLE_BYTES, NodeCard, NodeId, NodeIdentity, Signature};

/// What tells one kind of bundle from another: nothing that was signed for the one passes for the other.
pub(crate) struct Envelope {
    /// The first field.
    mark: &'static [u8],
    /// The version of what follows.
    version: &'static str,
    /// The purpose of the signature.
    purpose: &'static str,
}

/// Keys of Signet's own rings.
pub(crate) const SIGNET_KEYS: Envelope = Envelope {
    mark: b"signet-bundle",
    version: "1",
    purpose: "bundle",
};

/// Keys of AEM installations.
pub(crate) const AEM_KEYS: Envelope = Envelope {
    mark: b"signet-aem-bundle",
    version: "1",
    purpose: "aem-bundle",
};

impl Envelope {
    /// Signs a body that begins with the card of `sender`.
    pub(crate) fn sign(&self, body: &Framed, sender: &NodeIdentity) -> Zeroizing<Vec<u8>> {
        let mut whole = Framed::with_capacity(body.bytes().len() + 256);
        whole.push(self.mark);
        whole.push(self.version.as_bytes());
        whole.push(body.bytes());
        let signature = sender.sign(self.purpose, whole.bytes());
        whole.push(&signature.0);
        whole.finish()
    }

    /// Sender and the rest of the body. Nothing but the sender's card is read before the signature is verified.
    pub(crate) fn verify<'b>(
        &self,
        bytes: &'b [u8],
    ) -> Result<(NodeCard, Fields<'b>), BundleError> {
        let mut whole = Fields::new(bytes);
        match whole.take() {
            Some(mark) if mark == self.mark => {}
            Some(mark) if mark == SIGNET_KEYS.mark => return Err(BundleError::SignetKeys),
            Some(mark) if mark == AEM_KEYS.mark => return Err(BundleError::AemKeys),
            _ => return Err(BundleError::Foreign),
        }
        match whole.text() {
            Some(version) if version == self.version => {}
            Some(found) => {
                let found = found.chars().take(20).collect();
                return Err(BundleError::Version { found });
            }
            None => return Err(BundleError::Malformed("version")),
        }
        let body = whole.take().ok_or(BundleError::Malformed("content"))?;
        let signed = whole.taken();
        let signature = whole.take().and_then(|bytes| bytes.try_into().ok());
        let signature = Signature(signature.ok_or(BundleError::Malformed("signature"))?);
        if !whole.is_at_end() {
            return Err(BundleError::Malformed("end"));
        }
        let mut body = Fields::new(body);
        let card = body.text().ok_or(BundleError::Malformed("sender"))?;
        let sender: NodeCard = card.parse().map_err(BundleError::Sender)?;
        match sender.verify(self.purpose, signed, &signature) {
            true => Ok((sender, body)),
            false => Err(BundleError::Altered),
        }
    }
}

/// The ids of those that the sender seals it for.
pub(crate) fn push_recipients(body: &mut Framed, recipients: &[NodeId]) {
    body.push(recipients.len().to_string().as_bytes());
    for id in recipients {
        body.push(id.to_string().as_bytes());
    }
}

/// What [`push_recipients`] wrote.
pub(crate) fn take_recipients(body: &mut Fields<'_>) -> Result<Vec<NodeId>, BundleError> {
    list(body, |body| body.text()?.parse().ok()).ok_or(BundleError::Malformed("list of recipients"))
}

/// So many items as the number before them says; a number that promises too much finds no items.
pub(crate) fn list<'b, T>(
    body: &mut Fields<'b>,
    mut item: impl FnMut(&mut Fields<'b>) -> Option<T>,
) -> Option<Vec<T>> {
    let count = body.number()?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(item(body)?);
    }
    Some(items)
}

/// Seals what was signed for the instances whose cards these are: an age file (binary).
pub(crate) fn seal(payload: &[u8], cards: &[NodeCard]) -> Result<Vec<u8>, BundleError> {
    let addressees: Vec<_> = cards.iter().map(Addressee).collect();
    let recipients: Vec<_> = addressees
        .iter()
        .map(|addressee| addressee as &dyn age::Recipient)
        .collect();
    let sealed = sealing::seal(&recipients, payload)?;
    match sealed.len() {
        0..=MAX_BUNDLE_BYTES => Ok(sealed),
        _ => Err(BundleError::TooLarge),
    }
}

/// Opens what was sealed for this instance.
pub(crate) fn open(
    sealed: &[u8],
    identity: &NodeIdentity,
) -> Result<Zeroizing<Vec<u8>>, BundleError> {
    let payload = match sealed.len() {
        0 => return Err(BundleError::Empty),
        1..=MAX_BUNDLE_BYTES => sealing::open(identity.age_identity(), sealed),
        _ => return Err(BundleError::TooLarge),
    };
    payload.map_err(|error| error::explain(error, sealed, identity.id()))
}

/// Whoever can open a bundle can seal its content anew for others; the sender did not mean them.
pub(crate) fn check_meant(
    sender: &NodeCard,
    recipients: &[NodeId],
    identity: &NodeIdentity,
) -> Result<(), BundleError> {
    match recipients.contains(&identity.id()) {
        true => Ok(()),
        false => Err(BundleError::Forwarded {
            sender: sender.name().clone(),
        }),
    }
}
