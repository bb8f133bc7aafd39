//! Where the keys come from: an installation, or a bundle whose sender somebody vouches for.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};
use signet_aem::replication::{ReplicationError, Source};
use signet_bundle::{MAX_BUNDLE_BYTES, NodeCard, ReceivedAemKeys, Senders};

use super::Work;
use crate::artefact;
use crate::command::node;
use crate::context::Context;
use crate::failure::Failure;
use crate::moment;
use crate::prompt;

/// Where the keys come from.
pub(in super::super) struct Origin {
    pub(super) source: Source,
    place: PathBuf,
    sender: Option<Sender>,
}

/// Who made the bundle, and where that is remembered.
struct Sender {
    card: NodeCard,
    directory: PathBuf,
    is_us: bool,
}

impl Origin {
    pub(super) fn installation(folder: &Path, source: Source) -> Self {
        Self {
            source,
            place: folder.to_owned(),
            sender: None,
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        let place = self.place.display();
        match &self.sender {
            None => place.to_string(),
            Some(sender) => format!("{place}, made by {}", sender.card.name()),
        }
    }

    pub(super) fn document(&self) -> Value {
        let keys = self.source.keys().iter().map(
            |key| json!({ "name": key.name(), "kind": key.kind(), "sha256": key.digests().sha256 }),
        );
        let keys: Vec<_> = keys.collect();
        match &self.sender {
            None => json!({ "folder": self.place, "keys": keys }),
            Some(sender) => json!({
                "bundle": self.place,
                "sender": {
                    "id": sender.card.id().to_string(),
                    "name": sender.card.name().as_str(),
                },
                "keys": keys,
            }),
        }
    }

    /// Remembers the sender, now that its keys were taken.
    pub(super) fn settle(&self) -> anyhow::Result<()> {
        let Some(sender) = self.sender.as_ref().filter(|sender| !sender.is_us) else {
            return Ok(());
        };
        Senders::open(&sender.directory)
            .and_then(|mut senders| senders.remember(&sender.card))
            .context("the keys were copied, but the sender of the bundle could not be remembered")
    }
}

/// Opens a bundle that is for this machine, and sees that somebody stands for its sender.
pub(in super::super) fn open(
    context: &Context,
    work: &Work,
    path: &Path,
) -> anyhow::Result<Origin> {
    let expected = work.sender.as_deref().map(node::card).transpose()?;
    let sealed = artefact::read(path, MAX_BUNDLE_BYTES, "bundle")?;
    let identity = work.machine.open()?;
    let nothing_changed = || {
        format!(
            "{} was not imported, and nothing was changed",
            path.display()
        )
    };
    let received = ReceivedAemKeys::open(&sealed, &identity)
        .map_err(ReplicationError::from)
        .with_context(nothing_changed)?;
    let directory = work.machine.directory()?;
    let card = received.sender().clone();
    let is_us = card.id() == identity.id();
    let is_known = is_us || Senders::open(&directory)?.contain(card.id());
    vouch(context, &received, expected.as_ref(), is_known).with_context(nothing_changed)?;
    let source =
        Source::bundle(received.content(), work.only.choice()).with_context(nothing_changed)?;
    Ok(Origin {
        source,
        place: path.to_owned(),
        sender: Some(Sender {
            card,
            directory,
            is_us,
        }),
    })
}

/// Whether somebody stands for the sender: a card that was given, an earlier import, or whoever sits at the terminal.
fn vouch(
    context: &Context,
    received: &ReceivedAemKeys,
    expected: Option<&NodeCard>,
    is_known: bool,
) -> anyhow::Result<()> {
    let (name, id) = (received.sender().name(), received.sender().id());
    match expected {
        Some(card) if card.id() == id => return Ok(()),
        Some(card) => {
            let message =
                format!("the bundle was made by {name} ({id}), not by the machine of the card");
            let detail = format!("the card is that of {} ({})", card.name(), card.id());
            return Err(Failure::new(message)
                .details([detail])
                .hint("ask for a bundle of the right machine, or for the card of this one")
                .into());
        }
        None if is_known => return Ok(()),
        None => {}
    }
    if !prompt::is_possible() {
        let message =
            format!("the bundle was made by {name} ({id}), which this machine does not know");
        return Err(Failure::new(message)
            .hint("bring the card of that machine (signet aem card) and add --sender CARD, or run this at a terminal")
            .into());
    }
    let made = moment::seen_from(context.now(), received.content().created);
    context.output.aside(&format!(
        "The bundle was made by a machine that this one does not know:\n  \
         name  {name}\n  id    {id}\n  made  {made}\n\
         Compare the id with what signet aem card prints there."
    ));
    prompt::confirm("Trust this machine, now and from now on?")
}
