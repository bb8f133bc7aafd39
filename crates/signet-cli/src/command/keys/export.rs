//! `signet keys export`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use signet_bundle::{KeyBundle, NodeCard};
use signet_core::{KeyId, RingName};
use signet_keys::KeyStore;

use super::list;
use super::name::KeyName;
use crate::artefact::{Content, Destination};
use crate::choice::one_of;
use crate::command::{Outcome, node};
use crate::context::Context;
use crate::failure::Failure;
use crate::place::Place;

const HELP: &str = "\
The bundle is an age file that only the named instances can open. It may travel by any means: mail, a share, a ticket. \
It carries the keys that are not revoked, with their states, and the whole list of revoked keys, also with --ring and \
--key. The command revokes and changes nothing; who has imported the bundle once can import it again without harm.";

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Export {
    /// The card of an instance that may open the bundle, as signet node show prints it there; several may be named
    #[arg(long = "for", value_name = "FILE", required = true, num_args = 1..)]
    cards: Vec<PathBuf>,

    /// Only the keys of this ring
    #[arg(long, value_name = "RING", value_parser = one_of::<RingName>(&["hmac", "master"]))]
    ring: Option<RingName>,

    /// Only this key, by its kid or the first 6 or more digits of it; several may be named
    #[arg(long = "key", value_name = "KID")]
    keys: Vec<KeyName>,

    #[command(flatten)]
    destination: Destination,
}

impl Export {
    pub(super) async fn run(self, context: &Context, place: &Place) -> anyhow::Result<Outcome> {
        self.destination.check(context, "bundle")?;
        let cards = self.cards()?;
        let store = place.keys()?;
        let chosen = self.chosen(&store)?;
        let loaded = store.load(None)?;
        let bundle = KeyBundle::gather(
            &loaded,
            |key| {
                self.ring.is_none_or(|ring| ring == key.ring)
                    && chosen.as_ref().is_none_or(|ids| ids.contains(&key.id))
            },
            context.now(),
        )?;
        if let Some(ids) = &chosen
            && let Some(id) = ids
                .iter()
                .find(|id| bundle.keys.iter().all(|key| key.id != **id))
        {
            return Err(not_sent(*id, self.ring).into());
        }
        place.ready_to_record()?;
        let identity = node::identity(context, place)?;
        let sealed = bundle.seal(&identity, &node::name(place), &cards)?;
        let kids: Vec<_> = bundle.keys.iter().map(|key| key.id.to_string()).collect();
        let receivers: Vec<_> = cards
            .iter()
            .map(|card| json!({ "id": card.id().to_string(), "name": card.name().as_str() }))
            .collect();
        let named = cards
            .iter()
            .map(|card| format!("{} {}", card.name(), card.id()));
        let detail = json!({ "for": named.collect::<Vec<_>>(), "keys": kids });
        // First the line in the log: nobody gets what is not recorded.
        self.destination.check_binary("bundle")?;
        place.record(context, "key.export", "bundle", &detail)?;
        self.destination
            .write(context, Content::Binary(&sealed), "bundle")?;
        if let Some(file) = self.destination.file() {
            let document = json!({
                "bundle": file.display().to_string(),
                "for": receivers,
                "keys": kids,
                "revoked": bundle.revoked.ids().len(),
            });
            context
                .output
                .answer(&document, &self.told(&bundle, &cards))?;
        } else {
            context.output.note(&self.told(&bundle, &cards));
        }
        list::warn(context, &loaded);
        Ok(Outcome::Done)
    }

    fn told(&self, bundle: &KeyBundle, cards: &[NodeCard]) -> String {
        let (keys, revoked) = (bundle.keys.len(), bundle.revoked.ids().len());
        let revocations = match revoked {
            0 => String::new(),
            _ => format!(" and {}", counted(revoked, "revocation")),
        };
        let mut text = format!(
            "Sealed {}{revocations} into {}, for:\n",
            counted(keys, "key"),
            self.destination.name()
        );
        for card in cards {
            text.push_str(&format!("  {}  {}\n", card.id(), card.name()));
        }
        text.push_str("Next, on each of them: signet keys import FILE");
        text
    }

    fn cards(&self) -> anyhow::Result<Vec<NodeCard>> {
        let mut cards: Vec<NodeCard> = Vec::new();
        for path in &self.cards {
            let card = node::card(path)?;
            if !cards.contains(&card) {
                cards.push(card);
            }
        }
        Ok(cards)
    }

    fn chosen(&self, store: &KeyStore) -> anyhow::Result<Option<Vec<KeyId>>> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        let ids = self.keys.iter().map(|name| name.find(store));
        ids.collect::<Result<_, _>>().map(Some)
    }
}

fn not_sent(id: KeyId, ring: Option<RingName>) -> Failure {
    let place = ring.map_or_else(String::new, |ring| format!(" of the {ring} ring"));
    Failure::new(format!("{id} is no key{place} that could be sent"))
        .hint("signet keys list shows the keys; revoked and damaged ones are never sent")
}

/// `1 key`, `2 keys`.
pub(super) fn counted(count: usize, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}
