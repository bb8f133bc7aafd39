//! Raw key files, as AEM's tools make them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};
use signet_core::{Issuer, Key, KeyMaterial, RingName};
use signet_keys::granite::{
    GraniteKey, MAX_RAW_KEY_BYTES, RawKeyKind, parse_raw_hmac, parse_raw_master,
};
use signet_keys::{Insertion, KeyStore};
use zeroize::Zeroizing;

use crate::artefact;
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::place::Place;

/// The files that were named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Files<'f> {
    pub(super) hmac: Option<&'f Path>,
    pub(super) master: Option<&'f Path>,
}

pub(super) async fn run(
    context: &Context,
    place: &Place,
    files: Files<'_>,
    activate: bool,
) -> anyhow::Result<Outcome> {
    let store = place.keys()?;
    // Both are read before either is written.
    let hmac = files.hmac.map(hmac).transpose()?;
    let master = files.master.map(master).transpose()?;
    place.ready_to_record()?;
    let mut told = Vec::new();
    let mut keys = Vec::new();
    if let Some(material) = hmac {
        let key = Key::new(RingName::Hmac, farm(&store)?, material, context.now());
        let insertion = store.insert(&key)?;
        if activate {
            store.activate(key.id, context.now())?;
        }
        let id = key.id.to_string();
        told.push(told_hmac(&store, &key, insertion)?);
        keys.push(
            json!({ "ring": "hmac", "kid": id, "change": word(insertion), "activated": activate }),
        );
    }
    if let Some(bits) = master {
        let key = GraniteKey::new(bits, context.now());
        let insertion = store.insert_granite(&key)?;
        let id = key.id().to_string();
        told.push(format!(
            "The master of Granite is {} as {id}, kept apart in keys/granite: it opens values of Granite, nothing else.",
            place_word(insertion)
        ));
        keys.push(json!({ "ring": "granite", "kid": id, "change": word(insertion) }));
    }
    let is_change = |key: &&Value| {
        key.get("change").is_none_or(|change| change != "unchanged")
            || key
                .get("activated")
                .is_some_and(|activated| activated == true)
    };
    for key in keys.iter().filter(is_change) {
        let id = key
            .get("kid")
            .and_then(|kid| kid.as_str())
            .unwrap_or_default();
        place.record(context, "key.import", id, key)?;
    }
    let says = place.poke().await;
    let document = json!({ "keys": keys, "instance": says });
    context.output.answer(&document, &told.join("\n"))?;
    says.tell(&context.output);
    for path in [files.hmac, files.master].into_iter().flatten() {
        after(context, path);
    }
    Ok(Outcome::Done)
}

fn hmac(path: &Path) -> anyhow::Result<KeyMaterial> {
    let bytes = raw(path)?;
    parse_raw_hmac(&bytes).with_context(|| refused(path, RawKeyKind::Hmac))
}

fn master(path: &Path) -> anyhow::Result<Zeroizing<[u8; 16]>> {
    let bytes = raw(path)?;
    parse_raw_master(&bytes).with_context(|| refused(path, RawKeyKind::Master))
}

fn raw(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let bytes = artefact::read(path, MAX_RAW_KEY_BYTES, "raw key")?;
    if bytes.len() > MAX_RAW_KEY_BYTES {
        let message = format!(
            "{} is larger than {MAX_RAW_KEY_BYTES} bytes: it is no raw key",
            path.display()
        );
        return Err(Failure::new(message).into());
    }
    Ok(bytes)
}

fn refused(path: &Path, kind: RawKeyKind) -> String {
    format!("{} is not a raw {kind} of Granite", path.display())
}

/// The farm that the key becomes one of.
fn farm(store: &KeyStore) -> anyhow::Result<Issuer> {
    let loaded = store.load(None)?;
    let newest = loaded.keys.iter().max_by_key(|key| (key.created, key.id));
    let Some(newest) = newest else {
        let failure = Failure::new(
            "this instance has no keys yet, so it belongs to no farm that the key could be for",
        );
        return Err(failure
            .hint("import it on the author, and bring it here with signet keys export and import")
            .into());
    };
    Ok(newest.farm.clone())
}

fn told_hmac(store: &KeyStore, key: &Key, insertion: Insertion) -> anyhow::Result<String> {
    let id = key.id;
    let loaded = store.load(None)?;
    let state = loaded
        .keys
        .iter()
        .find(|key| key.id == id)
        .map(|key| key.state);
    let state = state.map_or_else(String::new, |state| format!(", {state}"));
    let mut text = format!(
        "The hmac of Granite is {} as key {id}{state}.",
        place_word(insertion)
    );
    if state == ", pending" {
        text.push_str(&format!(
            "\nTo let it make tokens: signet keys activate {id}"
        ));
    }
    Ok(text)
}

/// What is left to do with the file that it came from.
fn after(context: &Context, path: &Path) {
    let file = path.display();
    let mode = std::fs::metadata(path).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        context.output.warning(&format!(
            "others than its owner can read {file}: remove it, and if they should not have the key, make a new one"
        ));
    } else if path != Path::new("-") {
        context.output.note(&format!(
            "{file} still holds the key: remove it when it is not needed any more."
        ));
    }
}

const fn place_word(insertion: Insertion) -> &'static str {
    match insertion {
        Insertion::Unchanged => "here already",
        Insertion::Repaired => "here again",
        _ => "here",
    }
}

fn word(insertion: Insertion) -> &'static str {
    match insertion {
        Insertion::Added => "added",
        Insertion::Advanced => "advanced",
        Insertion::Repaired => "repaired",
        _ => "unchanged",
    }
}
