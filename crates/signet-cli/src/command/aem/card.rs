//! `signet aem card`

use clap::Args;
use serde_json::json;
use signet_bundle::NodeName;

use super::machine::{self, Machine};
use crate::command::Outcome;
use crate::context::Context;

/// The card is no secret: it holds the public keys of this machine and a name for people. Bring it to the machine that has the
/// keys, where signet aem export --for CARD seals them for this one, and to those that get keys from here, where
/// signet aem import --sender CARD accepts them.
#[derive(Debug, Args)]
pub(crate) struct Card {
    /// The name in the card: letters, digits, '.', '-' and '_' [default: that of the machine]
    #[arg(long, value_name = "NAME")]
    name: Option<NodeName>,

    #[command(flatten)]
    machine: Machine,
}

impl Card {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let identity = self.machine.make()?;
        let name = self.name.clone().unwrap_or_else(machine::name);
        let card = identity.card(&name);
        let id = identity.id();
        let document = json!({
            "id": id.to_string(),
            "name": name.as_str(),
            "card": card.to_string(),
        });
        let text = format!(
            "# The card of the machine {name}. It is no secret.\n\
             # Whoever sends keys of AEM to it needs this file: signet aem export DIR --for FILE\n\
             # Whoever gets keys of AEM from it, too: signet aem import BUNDLE --to DIR --sender FILE\n\
             # id {id}\n\
             {card}"
        );
        context.output.answer(&document, &text)?;
        Ok(Outcome::Done)
    }
}
