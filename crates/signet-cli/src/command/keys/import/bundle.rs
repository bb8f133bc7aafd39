//! A bundle from another instance.

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};
use signet_bundle::{
    EmptiedRing, ForeignFarm, ImportError, ImportReport, Imported, Loss, MAX_BUNDLE_BYTES,
    NodeIdentity, ReceivedBundle, Senders,
};
use signet_core::{KeyState, RingName};
use signet_keys::Insertion;

use super::loss;
use crate::artefact;
use crate::command::Outcome;
use crate::command::keys::export::counted;
use crate::command::keys::list;
use crate::command::node;
use crate::context::Context;
use crate::failure::Failure;
use crate::moment;
use crate::place::Place;
use crate::table::table;
use crate::vouch::{Maker, Party, vouch};

/// Those who send keys of Signet.
const INSTANCE: Party = Party {
    noun: "instance",
    one: "an instance",
    card_command: "signet node show",
    option: "--from",
};

pub(super) async fn run(
    context: &Context,
    place: &Place,
    path: &Path,
    from: Option<&Path>,
    foreign: ForeignFarm,
    accepted: Loss,
) -> anyhow::Result<Outcome> {
    let store = place.keys()?;
    let expected = from.map(node::card).transpose()?;
    let sealed = artefact::read(path, MAX_BUNDLE_BYTES, "bundle")?;
    let directory = place.directory().node_directory();
    let Some(identity) = NodeIdentity::open(&directory)? else {
        let failure = Failure::new("this instance has no identity yet, so no bundle can be for it");
        return Err(failure
            .hint("signet node show makes it and prints the card, which belongs to the --for of signet keys export")
            .into());
    };
    let nothing_changed = || {
        format!(
            "{} was not imported, and nothing was changed",
            path.display()
        )
    };
    let received = ReceivedBundle::open(&sealed, &identity).with_context(nothing_changed)?;
    let mut senders = Senders::open(&directory)?;
    let vouched = Vouched {
        is_us: received.sender().id() == identity.id(),
        is_new: !senders.contain(received.sender().id()),
        by_card: expected.is_some(),
    };
    let maker = Maker {
        card: received.sender(),
        created: received.content().created,
    };
    let is_known = vouched.is_us || !vouched.is_new;
    place.ready_to_record()?;
    vouch(context, INSTANCE, maker, expected.as_ref(), is_known)?;
    place.begin_change()?;
    let mut emptied = Vec::new();
    let mut imported = received.content().import(&store, foreign, Loss::Refuse);
    if let Err(error @ ImportError::Emptied(rings)) = &imported {
        let costs = loss::lines(context, place, rings).await;
        if accepted == Loss::Refuse {
            let failure = Failure::new(error.to_string()).hint(error.hint());
            return Err(failure.details(costs)).with_context(nothing_changed);
        }
        emptied.clone_from(rings);
        context.output.aside(&costs.join("\n"));
        imported = received.content().import(&store, foreign, Loss::Accept);
    }
    let report = match imported {
        Ok(report) => report,
        Err(error) => {
            stopped(context, place, &received, &error).await;
            return Err(error.into());
        }
    };
    let detail = document(&received, &report, &emptied);
    let settled = settle(
        context,
        place,
        &received,
        report.is_change().then_some(&detail),
        &mut senders,
        vouched,
    );
    // The keys are here, whatever else went wrong.
    let says = place.poke().await;
    settled?;
    let mut answer = detail;
    if let Some(object) = answer.as_object_mut() {
        object.insert("instance".to_owned(), serde_json::to_value(&says)?);
    }
    context
        .output
        .answer(&answer, &text(context, &received, &report))?;
    says.tell(&context.output);
    list::warn(context, &store.load(None)?);
    Ok(Outcome::Done)
}

/// What is known about the sender.
#[derive(Clone, Copy, Debug)]
struct Vouched {
    /// It is this instance itself.
    is_us: bool,
    /// Nobody has vouched for it before.
    is_new: bool,
    /// Its card was given.
    by_card: bool,
}

/// Writes down what was taken in, and then whom it came from.
fn settle(
    context: &Context,
    place: &Place,
    received: &ReceivedBundle,
    change: Option<&Value>,
    senders: &mut Senders,
    vouched: Vouched,
) -> anyhow::Result<()> {
    let sender = received.sender();
    let object = sender.id().to_string();
    if let Some(detail) = change {
        place.record(context, "key.import", &object, detail)?;
    }
    if vouched.is_us {
        return Ok(());
    }
    senders
        .remember(sender)
        .context("the bundle was imported, but its sender could not be remembered")?;
    if vouched.is_new {
        let by = if vouched.by_card { "card" } else { "answer" };
        let detail = json!({ "name": sender.name().as_str(), "by": by });
        place.record(context, "sender.trust", &object, &detail)?;
    }
    Ok(())
}

/// Some of the keys may have been written: that is recorded, and the instance told.
async fn stopped(context: &Context, place: &Place, received: &ReceivedBundle, error: &ImportError) {
    if let ImportError::Keys(error) = error {
        let object = received.sender().id().to_string();
        let detail = json!({ "stopped": error.to_string() });
        // What stopped it comes first, even if this cannot be recorded either.
        let _ = place.record(context, "key.import", &object, &detail);
        place.poke().await;
    }
}

fn document(received: &ReceivedBundle, report: &ImportReport, emptied: &[EmptiedRing]) -> Value {
    let content = received.content();
    let keys = report.keys.iter().map(|key| {
        json!({
            "ring": key.ring.as_str(),
            "kid": key.id.to_string(),
            "state": key.state.as_str(),
            "change": word(key.insertion),
        })
    });
    let revoked = report.revoked.iter();
    let revoked = revoked.map(|(ring, id)| json!({ "ring": ring.as_str(), "kid": id.to_string() }));
    json!({
        "sender": {
            "id": received.sender().id().to_string(),
            "name": received.sender().name().as_str(),
        },
        "farm": content.farm.as_str(),
        "created": content.created.0,
        "keys": keys.collect::<Vec<_>>(),
        "revoked": revoked.collect::<Vec<_>>(),
        "emptied": emptied.iter().map(|emptied| emptied.ring.as_str()).collect::<Vec<_>>(),
    })
}

fn text(context: &Context, received: &ReceivedBundle, report: &ImportReport) -> String {
    let sender = received.sender();
    let made = moment::seen_from(context.now(), received.content().created);
    let mut text = format!("From {} ({}), made {made}\n", sender.name(), sender.id());
    let mut rows: Vec<_> = report.keys.iter().map(row).collect();
    let gone = report
        .revoked
        .iter()
        .filter(|(_, id)| report.keys.iter().all(|key| key.id != *id));
    rows.extend(gone.map(|(ring, id)| {
        cells(
            &id.to_string(),
            *ring,
            KeyState::Revoked,
            "revoked here, too",
        )
    }));
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(&["kid", "ring", "state there", "change here"], rows));
        text.push('\n');
    }
    text.push_str(&summary(report));
    text
}

fn row(key: &Imported) -> Vec<String> {
    cells(
        &key.id.to_string(),
        key.ring,
        key.state,
        word(key.insertion),
    )
}

fn cells(kid: &str, ring: RingName, state: KeyState, change: &str) -> Vec<String> {
    [kid, ring.as_str(), state.as_str(), change]
        .map(ToOwned::to_owned)
        .to_vec()
}

fn summary(report: &ImportReport) -> String {
    if !report.is_change() {
        return "Nothing is new: all of it was here already.".to_owned();
    }
    let counts = [
        Insertion::Added,
        Insertion::Advanced,
        Insertion::Repaired,
        Insertion::Unchanged,
    ]
    .into_iter()
    .filter_map(|insertion| {
        let count = report.keys.iter().filter(|key| key.insertion == insertion);
        match count.count() {
            0 => None,
            count => Some(format!("{} {}", counted(count, "key"), word(insertion))),
        }
    });
    let mut counts: Vec<_> = counts.collect();
    if !report.revoked.is_empty() {
        counts.push(format!(
            "{} learnt",
            counted(report.revoked.len(), "revocation")
        ));
    }
    format!("{}.", counts.join(", "))
}

fn word(insertion: Insertion) -> &'static str {
    match insertion {
        Insertion::Added => "added",
        Insertion::Advanced => "advanced",
        Insertion::Repaired => "repaired",
        _ => "unchanged",
    }
}
