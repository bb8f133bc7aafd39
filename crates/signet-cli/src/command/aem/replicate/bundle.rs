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
use crate::vouch::{Maker, Party, vouch};

/// Those who send keys of AEM.
const MACHINE: Party = Party {
    noun: "machine",
    one: "a machine",
    card_command: "signet aem card",
    option: "--sender",
};

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
    let maker = Maker {
        card: received.sender(),
        created: received.content().created,
    };
    vouch(context, MACHINE, maker, expected.as_ref(), is_known).with_context(nothing_changed)?;
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
