//! `signet node show`

use clap::Args;
use serde_json::json;
use signet_bundle::NodeName;

use crate::command::Outcome;
use crate::context::Context;

/// Show the card of this instance, for whoever sends keys to it
///
/// The card is no secret: it holds the public keys of this instance and a name for people. Bring it to the instance that
/// has the keys, where signet keys export --for FILE seals them for this one. The identity behind it is made when it is
/// first needed and stands in node/ of the data directory.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The name in the card: letters, digits, '.', '-' and '_' [default: that of the configuration, or machine, role and port]
    #[arg(long, value_name = "NAME")]
    name: Option<NodeName>,
}

impl Show {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let place = context.place()?;
        let identity = super::identity(context, &place)?;
        let name = self.name.unwrap_or_else(|| super::name(&place));
        let card = identity.card(&name);
        let id = identity.id();
        let document = json!({
            "id": id.to_string(),
            "name": name.as_str(),
            "card": card.to_string(),
        });
        let text = format!(
            "# The card of {name}, a Signet instance. It is no secret.\n\
             # Whoever sends keys to it needs this file: signet keys export --for FILE\n\
             # id {id}\n\
             {card}"
        );
        context.output.answer(&document, &text)?;
        Ok(Outcome::Done)
    }
}
