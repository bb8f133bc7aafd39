//! What the answer of another instance shows.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;
use signet_bundle::{
    Answer, ComparedKey, Comparison, MAX_PROOF_BYTES, NodeIdentity, ProofError, Verdict,
};
use signet_core::KeyState;

use super::list;
use crate::artefact;
use crate::command::keys::export::counted;
use crate::command::{Outcome, node};
use crate::context::Context;
use crate::failure::Failure;
use crate::moment;
use crate::output::Meaning;
use crate::place::Place;
use crate::table::table;

pub(super) fn run(
    context: &Context,
    place: &Place,
    path: &Path,
    from: Option<&Path>,
) -> anyhow::Result<Outcome> {
    let expected = from.map(node::card).transpose()?;
    let bytes = artefact::read(path, MAX_PROOF_BYTES, "answer")?;
    let answer = Answer::read(&bytes)?;
    let loaded = place.keys()?.load(None)?;
    let identity = NodeIdentity::open(&place.directory().node_directory())?;
    let identity = identity.ok_or_else(|| {
        Failure::new(
            "this instance has no identity yet, so the answer cannot be to a challenge of it",
        )
        .hint("make a challenge first: signet keys prove challenge")
    })?;
    let comparison = answer.check(&identity, &loaded, context.now())?;
    let answerer = answer.answerer();
    if expected.is_some_and(|card| card.id() != answerer.id()) {
        return Err(ProofError::OtherAnswerer {
            name: answerer.name().clone(),
            id: answerer.id(),
        })
        .context("the answer does not count");
    }
    let document = json!({
        "equal": comparison.is_equal(),
        "answerer": { "id": answerer.id().to_string(), "name": answerer.name().as_str() },
        "answered": answer.created().0,
        "keys": comparison.keys.iter().map(|key| json!({
            "ring": key.ring.as_str(),
            "kid": key.id.to_string(),
            "here": key.here.map(KeyState::as_str),
            "there": key.there.map(KeyState::as_str),
            "result": key.verdict.as_str(),
            "reason": key.verdict.reason(),
        })).collect::<Vec<_>>(),
    });
    context
        .output
        .answer(&document, &text(context, &answer, &comparison))?;
    list::warn(context, &loaded);
    match comparison.is_equal() {
        true => Ok(Outcome::Done),
        false => Ok(Outcome::Denied),
    }
}

fn text(context: &Context, answer: &Answer, comparison: &Comparison) -> String {
    let answerer = answer.answerer();
    let (name, id) = (answerer.name(), answerer.id());
    let answered = moment::seen_from(context.now(), answer.created());
    let mut text = format!("{name} ({id}) answered {answered}\n");
    if comparison.keys.is_empty() {
        text.push_str("\nThere are no keys, neither here nor there: that proves nothing.");
        return text;
    }
    let rows = comparison.keys.iter().map(|key| row(context, key));
    text.push('\n');
    text.push_str(&table(&["kid", "ring", "here", "there", "result"], rows));
    text.push('\n');
    let all = comparison.keys.len();
    let equal = |key: &&ComparedKey| key.verdict == Verdict::Equal;
    let differing = all - comparison.keys.iter().filter(equal).count();
    if differing == 0 {
        text.push_str(&format!("All keys are equal ({all})."));
        return text;
    }
    text.push_str(&format!(
        "Not equal: {differing} of {}.",
        counted(all, "key")
    ));
    for advice in advice(comparison) {
        text.push('\n');
        text.push_str(advice);
    }
    text
}

fn row(context: &Context, key: &ComparedKey) -> Vec<String> {
    let state = |state: Option<KeyState>| match state {
        Some(state) => state.to_string(),
        None => "–".to_owned(),
    };
    let meaning = match key.verdict {
        Verdict::Equal => Meaning::Good,
        _ => Meaning::Bad,
    };
    let mut result = context.output.paint(key.verdict.as_str(), meaning);
    if let Some(reason) = key.verdict.reason() {
        result.push_str(&format!(" ({reason})"));
    }
    vec![
        key.id.to_string(),
        key.ring.to_string(),
        state(key.here),
        state(key.there),
        result,
    ]
}

fn advice(comparison: &Comparison) -> Vec<&'static str> {
    let has = |verdicts: &[Verdict]| {
        comparison
            .keys
            .iter()
            .any(|key| verdicts.contains(&key.verdict))
    };
    let mut advice = Vec::new();
    if has(&[Verdict::MissingThere, Verdict::RevokedHere]) {
        advice
            .push("Send what is missing there: signet keys export here, signet keys import there.");
    }
    if has(&[Verdict::MissingHere, Verdict::RevokedThere]) {
        advice.push("Get what is missing here: signet keys export there, signet keys import here.");
    }
    if has(&[Verdict::NotProven]) {
        advice.push("Whoever answered names keys without having them: find out who that was before you send anything.");
    }
    advice
}
