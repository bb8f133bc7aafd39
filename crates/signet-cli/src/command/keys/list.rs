//! `signet keys list`

use serde_json::json;
use signet_core::{KeyState, RingName, UnixSeconds};
use signet_keys::{KeyEntry, KeyStore, LoadedKeys};
use signet_server::secrets::{SecretCount, SecretInventory};

use crate::command::Outcome;
use crate::context::Context;
use crate::moment;
use crate::place::Place;
use crate::table::table;

pub(super) async fn run(
    context: &Context,
    place: &Place,
    store: &KeyStore,
) -> anyhow::Result<Outcome> {
    let loaded = store.load(None)?;
    let token = &place.config().token;
    let entries = loaded.entries(token.inactivity.0, token.skew.0);
    let gone: Vec<_> = loaded
        .revoked
        .iter()
        .filter(|(_, id)| entries.iter().all(|entry| entry.kid != *id))
        .map(|(ring, id)| (ring, id.to_string()))
        .collect();
    let sealed = sealed(place, &entries).await;
    let mut keys = Vec::new();
    for entry in &entries {
        let mut key = serde_json::to_value(entry)?;
        if let (RingName::Master, Some(sealed), Some(key)) =
            (entry.ring, &sealed, key.as_object_mut())
        {
            let count = sealed.sealed_with(entry.kid);
            key.insert("sealed_values".to_owned(), count.into());
        }
        keys.push(key);
    }
    let document = json!({
        "keys": keys,
        "revoked_without_file": gone.iter().map(|(ring, id)| json!({ "ring": ring.as_str(), "kid": id })).collect::<Vec<_>>(),
        "problems": loaded.problems,
    });
    let now = context.now();
    let mut rows: Vec<_> = entries
        .iter()
        .map(|entry| row(entry, can_go(entry, sealed.as_ref(), now), now))
        .collect();
    rows.extend(gone.iter().map(|(ring, id)| {
        let state = "revoked, no file";
        [id, ring.as_str(), state, "", "", "", ""]
            .map(ToOwned::to_owned)
            .to_vec()
    }));
    let header = [
        "kid", "ring", "state", "in use", "made", "provider", "can go",
    ];
    let text = match rows.is_empty() {
        true if !loaded.problems.is_empty() => "No key is in use.".to_owned(),
        true => "There are no keys: copy keys/hmac/*.jwk and keys/master/*.jwk from the author."
            .to_owned(),
        false => table(&header, rows),
    };
    context.output.answer(&document, &text)?;
    warn(context, &loaded);
    Ok(Outcome::Done)
}

/// What is wrong with the files, and what to do about it.
pub(super) fn warn(context: &Context, loaded: &LoadedKeys) {
    if context.output.is_json() {
        return;
    }
    for problem in &loaded.problems {
        context
            .output
            .warning(&format!("{problem}\n  {}", problem.hint()));
    }
}

/// How many values are sealed with each key; `None` if nobody can say.
async fn sealed(place: &Place, entries: &[KeyEntry]) -> Option<SecretCount> {
    if entries.iter().all(|entry| entry.ring != RingName::Master) {
        return None;
    }
    let counted = place.with_repository(async |repository| {
        let inventory = SecretInventory::of(place.directory(), repository)?;
        Ok(inventory.count().await?)
    });
    counted.await.ok()
}

/// When a key can be retired: one that made tokens by the clock, one that sealed when nothing is sealed with it any more.
fn can_go(entry: &KeyEntry, sealed: Option<&SecretCount>, now: UnixSeconds) -> String {
    const UNKNOWN: &str = "–";
    if !matches!(entry.state, KeyState::VerifyOnly | KeyState::Revoked) {
        return UNKNOWN.to_owned();
    }
    if entry.ring == RingName::Master {
        return match sealed.map(|sealed| sealed.sealed_with(entry.kid)) {
            None => UNKNOWN.to_owned(),
            Some(0) => "now".to_owned(),
            Some(1) => "after reseal (1 value)".to_owned(),
            Some(count) => format!("after reseal ({count} values)"),
        };
    }
    match entry.removable_at {
        Some(at) if at >= now => moment::seen_from(now, at),
        _ => "now".to_owned(),
    }
}

fn row(entry: &KeyEntry, can_go: String, now: UnixSeconds) -> Vec<String> {
    let in_use = match (entry.makes_tokens, entry.ring, entry.state) {
        (true, RingName::Hmac, _) => "makes tokens",
        (true, RingName::Master, _) => "seals secrets",
        (false, RingName::Hmac, KeyState::Revoked)
        | (false, RingName::Master, KeyState::Revoked) => "no",
        (false, RingName::Hmac, _) => "verifies",
        (false, RingName::Master, _) => "unseals",
    };
    vec![
        entry.kid.to_string(),
        entry.ring.to_string(),
        entry.state.to_string(),
        in_use.to_owned(),
        moment::seen_from(now, entry.created),
        entry.provider.to_string(),
        can_go,
    ]
}
