//! `signet keys prove`

mod check;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use signet_bundle::{Answer, Challenge, MAX_PROOF_BYTES};

use crate::artefact::{self, Content, Destination};
use crate::command::{Outcome, node};
use crate::context::Context;
use crate::moment;
use crate::place::Place;

use super::list;

const HELP: &str = "\
Three steps, with files that may travel by any means, because neither holds a key nor anything that helps to guess one:

  here    signet keys prove challenge --out challenge.txt
  there   signet keys prove answer challenge.txt --out answer.txt
  here    signet keys prove check answer.txt

The exit status of check is 0 only if all keys are equal.";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct Prove {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a challenge for another instance; it can be used for 24 hours
    Challenge {
        #[command(flatten)]
        destination: Destination,
    },
    /// Answer a challenge of another instance with what proves that the keys are here
    Answer {
        /// The challenge; - is standard input
        #[arg(value_name = "CHALLENGE")]
        challenge: PathBuf,

        #[command(flatten)]
        destination: Destination,
    },
    /// Compare the answer of another instance with the keys here
    Check {
        /// The answer to a challenge of this instance; - is standard input
        #[arg(value_name = "ANSWER")]
        answer: PathBuf,

        /// The card of the instance that should have answered
        #[arg(long, value_name = "CARD")]
        from: Option<PathBuf>,
    },
}

impl Prove {
    pub(super) async fn run(self, context: &Context, place: &Place) -> anyhow::Result<Outcome> {
        match self.action {
            Action::Challenge { destination } => challenge(context, place, &destination),
            Action::Answer {
                challenge,
                destination,
            } => answer(context, place, &challenge, &destination),
            Action::Check { answer, from } => check::run(context, place, &answer, from.as_deref()),
        }
    }
}

fn challenge(
    context: &Context,
    place: &Place,
    destination: &Destination,
) -> anyhow::Result<Outcome> {
    destination.check(context, "challenge")?;
    let identity = node::identity(context, place)?;
    let challenge = Challenge::make(&identity, &node::name(place), context.now())?;
    let text = challenge.to_string();
    destination.write(context, Content::Text(&text), "challenge")?;
    if let Some(file) = destination.file() {
        let file = file.display().to_string();
        let until = moment::seen_from(context.now(), challenge.expires());
        let document = json!({ "challenge": file, "expires": challenge.expires().0 });
        let text = format!(
            "Wrote the challenge to {file}; it can be used until {until}.\n\
             Next, on the other instance: signet keys prove answer FILE --out ANSWER"
        );
        context.output.answer(&document, &text)?;
    }
    Ok(Outcome::Done)
}

fn answer(
    context: &Context,
    place: &Place,
    path: &std::path::Path,
    destination: &Destination,
) -> anyhow::Result<Outcome> {
    destination.check(context, "answer")?;
    let bytes = artefact::read(path, MAX_PROOF_BYTES, "challenge")?;
    let challenge = Challenge::read(&bytes)?;
    let loaded = place.keys()?.load(None)?;
    let identity = node::identity(context, place)?;
    let challenger = challenge.challenger().clone();
    let name = node::name(place);
    let answer = Answer::make(challenge, &identity, &name, &loaded, context.now())?;
    destination.write(context, Content::Text(&answer.to_string()), "answer")?;
    if let Some(file) = destination.file() {
        let file = file.display().to_string();
        let document = json!({
            "answer": file,
            "challenger": { "id": challenger.id().to_string(), "name": challenger.name().as_str() },
            "keys": loaded.keys.len(),
        });
        let text = format!(
            "Wrote the answer to {file}, for {} ({}).\n\
             Next, there: signet keys prove check FILE",
            challenger.name(),
            challenger.id()
        );
        context.output.answer(&document, &text)?;
    }
    list::warn(context, &loaded);
    Ok(Outcome::Done)
}
