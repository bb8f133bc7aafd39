//! A value that does not open, as it is shown.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use signet_core::KeyId;
use signet_secret::OpenError;
use signet_server::secrets::{ClosedSecret, Standing};
use signet_server::{Sighting, last_seen};

use crate::output::visible;
use crate::place::Place;
use crate::table::facts;

/// Where the missing keys were seen last.
#[derive(Debug, Default)]
pub(super) struct Sightings(BTreeMap<KeyId, Vec<Sighting>>);

impl Sightings {
    /// Looks for each key that one of the values misses.
    pub(super) fn of(place: &Place, closed: &[ClosedSecret]) -> Self {
        let mut seen = BTreeMap::new();
        for closed in closed {
            if let OpenError::KeyMissing { key, .. } = &closed.error {
                seen.entry(*key)
                    .or_insert_with(|| last_seen(place.directory(), place.config(), *key));
            }
        }
        Self(seen)
    }

    fn of_key(&self, closed: &ClosedSecret) -> &[Sighting] {
        let key = closed.error.key();
        key.and_then(|key| self.0.get(&key))
            .map_or(&[], Vec::as_slice)
    }
}

/// As a document.
pub(super) fn document(closed: &ClosedSecret, sightings: &Sightings) -> Value {
    let seen = sightings.of_key(closed).iter();
    json!({
        "last_seen": seen.map(ToString::to_string).collect::<Vec<_>>(),
        "place": closed.place,
        "where": standing(&closed.standing),
        "key": closed.error.key().map(|key| key.to_string()),
        "code": closed.error.code(),
        "why": why(closed),
        "hint": closed.error.hint_at(&closed.place),
    })
}

/// As text: the place, and below it what is known.
pub(super) fn text(closed: &ClosedSecret, sightings: &Sightings) -> String {
    let mut lines = vec![("stands in", closed.standing.to_string())];
    if let Some(key) = closed.error.key() {
        lines.push(("sealed with", key.to_string()));
    }
    lines.push(("why", why(closed)));
    let mut remedy = None;
    for seen in sightings.of_key(closed) {
        lines.push(("last seen", seen.to_string()));
        remedy = remedy.or_else(|| seen.remedy());
    }
    let hint = || closed.error.hint_at(&visible(&closed.place));
    lines.push(("what to do", remedy.unwrap_or_else(hint)));
    let below: String = facts(lines)
        .lines()
        .map(|line| format!("  {line}\n"))
        .collect();
    format!("{}\n{below}", visible(&closed.place))
}

/// One line for the details of an error.
pub(super) fn line(closed: &ClosedSecret) -> String {
    let place = visible(&closed.place);
    format!("{place} ({}): {}", closed.standing, why(closed))
}

/// The keys of the ring, for a document.
pub(super) fn ids(keys: impl IntoIterator<Item = KeyId>) -> Vec<String> {
    keys.into_iter().map(|key| key.to_string()).collect()
}

fn why(closed: &ClosedSecret) -> String {
    let source = std::error::Error::source(&closed.error);
    match source {
        Some(source) => format!("{}: {source}", closed.error),
        None => closed.error.to_string(),
    }
}

fn standing(standing: &Standing) -> Value {
    match standing {
        Standing::Configuration { path, line } => json!({ "file": path, "line": line }),
        Standing::Setting => json!({ "repository": "settings" }),
        _ => json!({ "repository": "secrets" }),
    }
}
