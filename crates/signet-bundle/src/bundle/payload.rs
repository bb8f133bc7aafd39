//! What is inside a bundle, once it is opened: byte by byte in the crate's README.

use std::collections::HashSet;

use signet_core::{Key, KeyId, RingName, UnixSeconds};
use signet_keys::{encode_key_file, parse_key_file};
use zeroize::Zeroizing;

use super::{BundleError, KeyBundle};
use crate::envelope::{SIGNET_KEYS, list, push_recipients, take_recipients};
use crate::framing::{Fields, Framed};
use crate::{NodeCard, NodeId, NodeIdentity, NodeName};

const KIND: &str = "keys";

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
    push_recipients(&mut body, recipients);
    let mut text = |text: &str| body.push(text.as_bytes());
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
    SIGNET_KEYS.sign(&body, sender)
}

/// Sender, intended recipients and content. Nothing but the sender's card is read before the signature is verified.
pub(super) fn decode(bytes: &[u8]) -> Result<(NodeCard, Vec<NodeId>, KeyBundle), BundleError> {
    let (sender, body) = SIGNET_KEYS.verify(bytes)?;
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
    let recipients = take_recipients(&mut body)?;
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

fn name(body: &mut Fields<'_>) -> Option<(RingName, KeyId)> {
    Some((body.text()?.parse().ok()?, body.text()?.parse().ok()?))
}

fn key(ring: RingName, id: KeyId, file: &[u8]) -> Result<Key, BundleError> {
    parse_key_file(ring, &id.to_string(), file).map_err(|source| BundleError::Key { id, source })
}
