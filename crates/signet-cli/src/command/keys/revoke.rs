//! `signet keys revoke`

use clap::Args;
use serde_json::{Value, json};
use signet_core::{KeyId, KeyState, RingName};
use signet_keys::{KeyStore, LoadedKeys, RotateMode};

use super::changed;
use super::consequence::Consequence;
use super::name::KeyName;
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::place::Place;
use crate::prompt;

/// Refuse everything that a key made, for ever, even if its file comes back
///
/// Says first what it will cost: for a key of the ring hmac about how many sessions end, as the running instance estimates
/// it; for one of the ring master how many sealed values no longer open.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    key: KeyName,

    /// If it is the only active key, make a new one first
    #[arg(long)]
    rotate: bool,

    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Revoke {
    pub(super) async fn run(
        self,
        context: &Context,
        place: &Place,
        store: &KeyStore,
    ) -> anyhow::Result<Outcome> {
        let id = self.key.find(store)?;
        let loaded = store.load(None)?;
        let ring = loaded
            .keys
            .iter()
            .find(|key| key.id == id)
            .map(|key| key.ring);
        let last_of = ring.filter(|ring| is_last_active(&loaded, *ring, id));
        if let Some(ring) = last_of.filter(|_| !self.rotate) {
            return Err(last_active(id, ring));
        }
        place.ready_to_record()?;
        // A file that cannot be read made nothing that anybody could count.
        let consequence = match ring {
            Some(ring) => Some(Consequence::of(context, place, ring, id).await?),
            None => None,
        };
        let cost = consequence.as_ref().map(Consequence::sentence);
        if !self.yes && !prompt::is_possible() {
            return Err(nobody_to_ask(cost));
        }
        match &cost {
            Some(cost) if self.yes => context.output.note(cost),
            // Nobody is asked without knowing it.
            Some(cost) => context.output.aside(cost),
            None => {}
        }
        if !self.yes {
            ask(id, ring)?;
        }
        place.begin_change()?;
        let replacement = match last_of {
            Some(ring) => Some(replace(context, place, store, ring, id)?),
            None => None,
        };
        store.revoke(id)?;
        let cost = consequence.as_ref().map(Consequence::document);
        let detail = json!({ "ring": ring.map(RingName::as_str), "cost": cost });
        place.record(context, "key.revoke", &id.to_string(), &detail)?;

        let mut text = String::new();
        if let (Some(new), Some(ring)) = (replacement, last_of) {
            text.push_str(&format!(
                "Made key {new}; ring {ring} uses it from now on.\n"
            ));
        }
        text.push_str(&format!(
            "Key {id} is revoked for ever. Revoke it on the other instances, too."
        ));
        let document = json!({
            "kid": id.to_string(),
            "state": "revoked",
            "replacement": replacement.map(|new| new.to_string()),
            "cost": cost,
        });
        changed(context, place, document, &text).await
    }
}

fn is_last_active(loaded: &LoadedKeys, ring: RingName, id: KeyId) -> bool {
    let mut active = loaded
        .of(ring)
        .filter(|key| key.state == KeyState::Active)
        .map(|key| key.id);
    active.next() == Some(id) && active.next().is_none()
}

fn last_active(id: KeyId, ring: RingName) -> anyhow::Error {
    let message = format!("key {id} is the only active key of the {ring} ring");
    let hint = match ring {
        RingName::Hmac => {
            "add --rotate: a new key is made first, and this one revoked then. On a farm, give the new one to every instance before"
        }
        RingName::Master => {
            "make another first, so that what is sealed can be kept: signet keys rotate --ring master, then signet secret reseal; or add --rotate"
        }
    };
    Failure::new(message).hint(hint).into()
}

/// Makes the key that takes the place of the one that goes.
fn replace(
    context: &Context,
    place: &Place,
    store: &KeyStore,
    ring: RingName,
    former: KeyId,
) -> anyhow::Result<KeyId> {
    let new = store.rotate(ring, RotateMode::Activate, context.now())?;
    let detail = json!({
        "ring": ring.as_str(),
        "state": "active",
        "former": [former.to_string()],
        "because": "the former is being revoked",
    });
    place.record(context, "key.rotate", &new.to_string(), &detail)?;
    Ok(new)
}

fn ask(id: KeyId, ring: Option<RingName>) -> anyhow::Result<()> {
    let loss = match ring {
        Some(RingName::Master) => "What it sealed does not open any more",
        _ => "Everybody whose token it made is logged out",
    };
    prompt::confirm(&format!("Revoke key {id} for ever? {loss}"))
}

/// What cannot be taken back is not done because a script happened to have no terminal.
fn nobody_to_ask(cost: Option<String>) -> anyhow::Error {
    let cost = cost.unwrap_or_default();
    Failure::new("revoking cannot be taken back, and there is no terminal to ask at")
        .details(cost.lines().map(ToOwned::to_owned))
        .hint("add --yes")
        .into()
}

/// The ids of the keys of `ring` that make tokens now, for the line about the one that takes their place.
pub(super) fn active(store: &KeyStore, ring: RingName) -> anyhow::Result<Value> {
    let loaded = store.load(None)?;
    let active = loaded
        .of(ring)
        .filter(|key| key.state == KeyState::Active)
        .map(|key| key.id.to_string());
    Ok(active.collect())
}
