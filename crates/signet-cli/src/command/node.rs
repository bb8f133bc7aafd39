//! `signet node`

mod show;

use std::path::Path;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use signet_bundle::{MAX_CARD_BYTES, NodeCard, NodeIdentity, NodeName};

use super::Outcome;
use crate::artefact;
use crate::context::Context;
use crate::environment;
use crate::place::Place;

/// The identity of this instance towards the others
#[derive(Debug, Args)]
pub(crate) struct Node {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the card of this instance, for whoever sends keys to it
    Show(show::Show),
}

impl Node {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self.action {
            Action::Show(show) => show.run(context),
        }
    }
}

/// The identity of this instance, which is made when it is first needed.
pub(crate) fn identity(context: &Context, place: &Place) -> anyhow::Result<NodeIdentity> {
    let directory = place.directory().node_directory();
    if let Some(identity) = NodeIdentity::open(&directory)? {
        return Ok(identity);
    }
    place.begin_change()?;
    let identity = NodeIdentity::open_or_create(&directory)?;
    place.record(
        context,
        "node.create",
        &identity.id().to_string(),
        &json!({}),
    )?;
    Ok(identity)
}

/// What this instance calls itself: `name` of its configuration, or else its machine, role and port.
pub(crate) fn name(place: &Place) -> NodeName {
    let config = place.config();
    let instance = config.instance_name();
    match (&config.name, environment::host()) {
        (None, Some(host)) => NodeName::resembling(&format!("{host}-{instance}")),
        _ => NodeName::resembling(&instance),
    }
}

/// The card in a file.
pub(crate) fn card(path: &Path) -> anyhow::Result<NodeCard> {
    let bytes = artefact::read(path, MAX_CARD_BYTES, "card of an instance")?;
    NodeCard::read(&bytes)
        .with_context(|| format!("{} is not the card of an instance", path.display()))
}
