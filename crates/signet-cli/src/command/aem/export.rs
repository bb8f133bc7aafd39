//! `signet aem export`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use signet_aem::replication::Source;
use signet_bundle::NodeCard;

use super::machine::{self, Machine};
use super::replicate::OnlyKey;
use crate::artefact::{Content, Destination};
use crate::command::{Outcome, node};
use crate::context::Context;

const HELP: &str = "\
The bundle is an age file that only the named machines can open, and signed by this one. It may travel by any means: mail, a \
share, a ticket. Nothing of the installation is changed, and AEM may run.

On each of the others, once: signet aem card > publish1.card, and bring the file here. Here: signet aem card > author.card, \
which they need to know whose bundle it is. Then: signet aem export DIR --for publish1.card --out keys.bundle, and there: \
signet aem import keys.bundle --to DIR --sender author.card";

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Export {
    /// The installation that has the keys, in files
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The card of a machine that may open the bundle, as signet aem card prints it there; several may be named
    #[arg(long = "for", value_name = "CARD", required = true, num_args = 1..)]
    cards: Vec<PathBuf>,

    #[command(flatten)]
    only: OnlyKey,

    #[command(flatten)]
    destination: Destination,

    #[command(flatten)]
    machine: Machine,
}

impl Export {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        self.destination.check(context, "bundle")?;
        self.destination.check_binary("bundle")?;
        let mut cards: Vec<NodeCard> = Vec::new();
        for path in &self.cards {
            let card = node::card(path)?;
            if !cards.contains(&card) {
                cards.push(card);
            }
        }
        let source = Source::installation(&self.folder, self.only.choice())?;
        let identity = self.machine.make()?;
        let sealed = source
            .packed(context.now())?
            .seal(&identity, &machine::name(), &cards)?;
        self.destination
            .write(context, Content::Binary(&sealed), "bundle")?;
        let names: Vec<_> = source
            .keys()
            .iter()
            .map(|key| key.name().as_str())
            .collect();
        let mut text = format!(
            "Sealed {} of {} into {}, for:\n",
            names.join(" and "),
            self.folder.display(),
            self.destination.name()
        );
        for card in &cards {
            text.push_str(&format!("  {}  {}\n", card.id(), card.name()));
        }
        text.push_str(&format!(
            "Next, on each of them: signet aem import FILE --to DIR, with --sender and the card of this machine ({})",
            identity.id()
        ));
        match self.destination.file() {
            None => context.output.note(&text),
            Some(file) => {
                let keys = source.keys().iter().map(|key| {
                    json!({ "name": key.name(), "kind": key.kind(), "sha256": key.digests().sha256 })
                });
                let receivers = cards.iter().map(
                    |card| json!({ "id": card.id().to_string(), "name": card.name().as_str() }),
                );
                let document = json!({
                    "bundle": file,
                    "sender": identity.id().to_string(),
                    "for": receivers.collect::<Vec<_>>(),
                    "keys": keys.collect::<Vec<_>>(),
                });
                context.output.answer(&document, &text)?;
            }
        }
        Ok(Outcome::Done)
    }
}
