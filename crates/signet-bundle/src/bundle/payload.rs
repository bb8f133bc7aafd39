//! What is inside a bundle, once it is opened: byte by byte in the crate's README.

use std::collections::HashSet;

use signet_core::{Key, KeyId, RingName, UnixSeconds};
use signet_keys::{encode_key_file, parse_key_file};
use zeroize::Zeroizing;

use super::{BundleError, KeyBundle};
use crate::framing::{Fields, Framed};
use crate::{NodeCard, NodeId, NodeIdentity, NodeName, Signature};

const MARK: &[u8] = b"signet-bundle";
const VERSION: &str = "1";
const KIND: &str = "keys";

/// The purpose of the signature.
const PURPOSE: &str = "bundle";

pub(super) fn encode(
    bundle: &KeyBundle,
    sender: &NodeIdentity,
    name: &NodeName,
    recipients: &[NodeId],
) -> Zeroizing<Vec<u8>> {
    let keys: Vec<_> = bundle.keys.iter().map(encode_key_file).collect();
    let room = 1024
        + 64 * (recipients.len() + bundle.revoked.ids().len())
        + keys.iter().map(|key| key.len() + 128).sum::<usize>();
    let mut body = Framed::with_capacity(room);
    let mut text = |text: &str| body.push(text.as_bytes());
    text(&sender.card(name).to_string());
    text(KIND);
    text(bundle.farm.as_str());
    text(&bundle.created.to_string());
    text(&recipients.len().to_string());
    recipients.iter().for_each(|id| text(&id.to_string()));
    text(&keys.len().to_string());
    for (key, file) in bundle.keys.iter().zip(&keys) {
        text(key.ring.as_str());
        text(&key.id.to_string());
        text(file);
    }
    text(&bundle.revoked.ids().len().to_string());
    for (ring, id) in bundle.revoked.iter() {
        text(ring.as_str());
        text(&id.to_string());
    }
    let mut whole = Framed::with_capacity(body.bytes().len() + 256);
    whole.push(MARK);
    whole.push(VERSION.as_bytes());
    whole.push(body.bytes());
    let signature = sender.sign(PURPOSE, whole.bytes());
    whole.push(&signature.0);
    whole.finish()
}

/// Sender, intended recipients and content. Nothing but the sender's card is read before the signature is verified.
pub(super) fn decode(bytes: &[u8]) -> Result<(NodeCard, Vec<NodeId>, KeyBundle), BundleError> {
    let mut whole = Fields::new(bytes);
    if whole.take() != Some(MARK) {
        return Err(BundleError::Foreign);
    }
    match whole.text() {
        Some(VERSION) => {}
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
    if !sender.verify(PURPOSE, signed, &signature) {
        return Err(BundleError::Altered);
    }
    let (recipients, bundle) = decode_body(body)?;
    Ok((sender, recipients, bundle))
}

fn decode_body(mut body: Fields<'_>) -> Result<(Vec<NodeId>, KeyBundle), BundleError> {
    let lacks = BundleError::Malformed;
    match body.text() {
        Some(KIND) => {}
        Some(found) => {
            let found = found.chars().take(20).collect();
            return Err(BundleError::Kind { found });
        }
        None => return Err(lacks("kind")),
    }
    let farm = body.text().and_then(|text| text.parse().ok());
    let farm = farm.ok_or(lacks("farm"))?;
    let created = body.number().map(UnixSeconds).ok_or(lacks("time"))?;
    let recipients = list(&mut body, |body| body.text()?.parse().ok());
    let recipients = recipients.ok_or(lacks("list of recipients"))?;
    let files = list(&mut body, |body| Some((name(body)?, body.take()?)));
    let keys = files
        .ok_or(lacks("list of keys"))?
        .into_iter()
        .map(|((ring, id), file)| key(ring, id, file))
        .collect::<Result<Vec<_>, _>>()?;
    let ids: HashSet<_> = keys.iter().map(|key| key.id).collect();
    if ids.len() != keys.len() {
        return Err(lacks("list of keys"));
    }
    let revoked = list(&mut body, name).ok_or(lacks("list of revoked keys"))?;
    if !body.is_at_end() {
        return Err(lacks("end"));
    }
    let bundle = KeyBundle {
        farm,
        created,
        keys,
        revoked: revoked.into_iter().collect(),
    };
    Ok((recipients, bundle))
}

/// So many items as the number before them says; a number that promises too much finds no items.
fn list<'b, T>(
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

fn name(body: &mut Fields<'_>) -> Option<(RingName, KeyId)> {
    Some((body.text()?.parse().ok()?, body.text()?.parse().ok()?))
}

fn key(ring: RingName, id: KeyId, file: &[u8]) -> Result<Key, BundleError> {
    parse_key_file(ring, &id.to_string(), file).map_err(|source| BundleError::Key { id, source })
}
