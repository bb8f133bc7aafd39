//! `signet secret check`

use std::collections::BTreeMap;

use serde_json::json;
use signet_secret::MasterKeys;
use signet_server::secrets::{ClosedSecret, Opening, SecretCount, SecretInventory};

use super::closed::{self, Sightings};
use crate::command::Outcome;
use crate::context::Context;
use crate::output::Meaning;
use crate::place::Place;
use crate::progress::Bar;

/// So many values that do not open are shown; more of the same would not say more.
const SHOWN: usize = 50;

pub(super) async fn run(context: &Context) -> anyhow::Result<Outcome> {
    let place = context.place()?;
    let master = MasterKeys::new(&place.keys()?.load(None)?);
    let (shown, count) = examine(&place, &master, Opening::Use, SHOWN).await?;
    let sightings = Sightings::of(&place, &shown);
    let by_key: BTreeMap<_, _> = count
        .by_key
        .iter()
        .map(|(key, count)| (key.to_string(), count))
        .collect();
    let document = json!({
        "total": count.total,
        "closed": count.closed,
        "values": shown.iter().map(|one| closed::document(one, &sightings)).collect::<Vec<_>>(),
        "keys": closed::ids(master.ids()),
        "sealing": master.sealing().map(|key| key.to_string()),
        "sealed_by": by_key,
    });
    context
        .output
        .answer(&document, &text(context, &shown, &sightings, &count))?;
    match count.closed {
        0 => Ok(Outcome::Done),
        _ => Ok(Outcome::Denied),
    }
}

/// Opens every value; the first `most` that do not open, and how many there are of all.
pub(super) async fn examine(
    place: &Place,
    master: &MasterKeys,
    opening: Opening,
    most: usize,
) -> anyhow::Result<(Vec<ClosedSecret>, SecretCount)> {
    place
        .with_repository(async |repository| {
            let inventory = SecretInventory::of(place.directory(), repository)?;
            let bar = Bar::new("opening sealed values", inventory.size().await?);
            let mut shown = Vec::new();
            let mut show = |closed| {
                if shown.len() < most {
                    shown.push(closed);
                }
            };
            let mut done = |count| bar.reach(count);
            let count = inventory
                .examine(master, opening, &mut show, &mut done)
                .await?;
            Ok((shown, count))
        })
        .await
}

fn text(
    context: &Context,
    shown: &[ClosedSecret],
    sightings: &Sightings,
    count: &SecretCount,
) -> String {
    if count.closed == 0 {
        return match count.total {
            0 => "Nothing is sealed here.".to_owned(),
            1 => "The one sealed value opens.".to_owned(),
            total => format!("All {total} sealed values open."),
        };
    }
    let blocks: Vec<_> = shown
        .iter()
        .map(|one| closed::text(one, sightings))
        .collect();
    let more = match count.closed - shown.len() as u64 {
        0 => String::new(),
        more => format!("\n… and {more} more.\n"),
    };
    let verdict = match (count.closed, count.total) {
        (1, 1) => "the one sealed value does not open".to_owned(),
        (1, total) => format!("1 of {total} sealed values does not open"),
        (closed, total) => format!("{closed} of {total} sealed values do not open"),
    };
    let verdict = context.output.paint(&verdict, Meaning::Bad);
    format!("{}{more}\n{verdict}", blocks.join("\n"))
}
