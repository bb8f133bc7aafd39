//! `signet keys list`

use serde_json::json;
use signet_core::{KeyState, RingName, UnixSeconds};
use signet_keys::{KeyEntry, KeyStore, LoadedKeys};

use crate::command::Outcome;
use crate::context::Context;
use crate::moment;
use crate::place::Place;
use crate::table::table;

pub(super) fn run(context: &Context, place: &Place, store: &KeyStore) -> anyhow::Result<Outcome> {
    let loaded = store.load(None)?;
    let token = &place.config().token;
    let entries = loaded.entries(token.inactivity.0, token.skew.0);
    let gone: Vec<_> = loaded
        .revoked
        .iter()
        .filter(|(_, id)| entries.iter().all(|entry| entry.kid != *id))
        .map(|(ring, id)| (ring, id.to_string()))
        .collect();
    let document = json!({
        "keys": entries,
        "revoked_without_file": gone.iter().map(|(ring, id)| json!({ "ring": ring.as_str(), "kid": id })).collect::<Vec<_>>(),
        "problems": loaded.problems,
    });
    let now = context.now();
    let mut rows: Vec<_> = entries.iter().map(|entry| row(entry, now)).collect();
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

fn row(entry: &KeyEntry, now: UnixSeconds) -> Vec<String> {
    let in_use = match (entry.makes_tokens, entry.ring, entry.state) {
        (true, RingName::Hmac, _) => "makes tokens",
        (true, RingName::Master, _) => "seals secrets",
        (false, RingName::Hmac, KeyState::Revoked)
        | (false, RingName::Master, KeyState::Revoked) => "no",
        (false, RingName::Hmac, _) => "verifies",
        (false, RingName::Master, _) => "unseals",
    };
    let can_go = match (entry.removable_at, entry.state) {
        (Some(at), _) if at < now => "now".to_owned(),
        (Some(at), _) => moment::seen_from(now, at),
        (None, KeyState::Revoked) => "now".to_owned(),
        (None, _) => "–".to_owned(),
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
