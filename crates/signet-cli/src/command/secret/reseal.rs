//! `signet secret reseal`

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use signet_secret::{MasterKeys, SealError};
use signet_server::secrets::{
    ClosedSecret, Opening, Phase, ResealFailure, Resealing, SecretInventory, reseal,
};

use super::{check, closed};
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt;
use crate::place::Place;
use crate::progress::Bar;

/// Seal every value anew with the active key of the master ring
///
/// With one that does not open, nothing is changed. Those of the repository, secrets and settings, change in one step;
/// signet.toml is written after it, in a second one. Whatever comes between, every value opens, with the former key or the
/// active one, as long as no key is retired; running it again does the rest. After it the former keys can be retired.
#[derive(Debug, Args)]
pub(crate) struct Reseal {
    /// Open every value and say what would be done, but change nothing
    #[arg(long)]
    dry_run: bool,
}

/// So many values that do not open are named.
const NAMED: usize = 10;

impl Reseal {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let place = context.place()?;
        match self.dry_run {
            true => rehearse(context, &place).await,
            false => run(context, &place).await,
        }
    }
}

async fn rehearse(context: &Context, place: &Place) -> anyhow::Result<Outcome> {
    let master = MasterKeys::new(&place.keys()?.load(None)?);
    let key = master.sealing().ok_or(SealError::NoActiveKey)?;
    let (first, count) = check::examine(place, &master, Opening::Resealing, NAMED).await?;
    if count.closed > 0 {
        return Err(refused(&first, count.closed, "nothing would be changed"));
    }
    let current = count.sealed_with(key);
    let document = json!({
        "dry_run": true,
        "total": count.total,
        "key": key.to_string(),
        "current": current,
        "to_reseal": count.total - current,
    });
    let text = match count.total - current {
        0 => format!("Nothing to do: everything is sealed with the key {key}."),
        others => format!(
            "All sealed values open. Of {}, {others} would be sealed anew with the key {key}.",
            count.total
        ),
    };
    context.output.answer(&document, &text)?;
    Ok(Outcome::Done)
}

async fn run(context: &Context, place: &Place) -> anyhow::Result<Outcome> {
    place.begin_change()?;
    let _step = interrupt::told(&context.output, || {
        Failure::new("every sealed value opens, with the former key or the active one")
            .hint("`signet secret reseal` seals the rest; retire no key before")
    });
    let keys = place.keys()?;
    let done = place
        .with_repository(async |repository| {
            let inventory = SecretInventory::of(place.directory(), repository)?;
            let total = inventory.size().await?;
            let mut bar = Bars::new(total);
            let mut watch = |phase, done| bar.reach(phase, done);
            let now = context.now();
            Ok(reseal(place.directory(), repository, &keys, now, &mut watch).await)
        })
        .await?;
    let done = match done {
        Ok(done) => done,
        Err(ResealFailure::Closed { first, total }) => {
            return Err(refused(&first, total, "nothing was changed"));
        }
        Err(failure) => return Err(half(context, place, failure).await),
    };
    let key = done.key.context("no key was used")?.to_string();
    let changed = done.in_repository + done.in_configuration;
    if changed > 0 {
        record(
            context,
            place,
            &key,
            done.in_repository,
            done.in_configuration,
        )?;
    }
    let says = place.poke().await;
    let document = json!({
        "total": done.total,
        "key": key,
        "resealed": { "repository": done.in_repository, "configuration": done.in_configuration },
        "can_be_retired": closed::ids(done.unused.iter().copied()),
        "leftover": done.leftover,
        "instance": says,
    });
    context.output.answer(&document, &text(&done, &key))?;
    if changed > 0 {
        says.tell(&context.output);
    }
    if let Some(why) = &done.leftover {
        context.output.warning(&format!(
            "traces of the former values may be left in the repository: {why}\n  run it again when there is less to do"
        ));
    }
    Ok(Outcome::Done)
}

/// What was changed before it failed is recorded, and in force.
async fn half(context: &Context, place: &Place, failure: ResealFailure) -> anyhow::Error {
    if let ResealFailure::Configuration {
        in_repository, key, ..
    } = &failure
        && *in_repository > 0
    {
        if let Err(error) = record(context, place, &key.to_string(), *in_repository, 0) {
            context.output.warning(&format!("{error:#}"));
        }
        // What it says to that is of no interest beside the failure.
        place.poke().await;
    }
    failure.into()
}

fn record(
    context: &Context,
    place: &Place,
    key: &str,
    in_repository: u64,
    in_configuration: u64,
) -> anyhow::Result<()> {
    let detail = json!({
        "key": key,
        "repository": in_repository,
        "configuration": in_configuration,
    });
    place.record(context, "secret.reseal", "all", &detail)
}

fn text(done: &Resealing, key: &str) -> String {
    let values = |count, of| match count {
        1 => format!("1 value of {of}"),
        count => format!("{count} values of {of}"),
    };
    let repository = values(done.in_repository, "the repository");
    let file = values(done.in_configuration, "signet.toml");
    let mut text = match (done.in_repository, done.in_configuration) {
        (0, 0) => format!("Nothing to do: everything is sealed with the key {key}."),
        (_, 0) => format!("Sealed {repository} with the key {key}."),
        (0, _) => format!("Sealed {file} with the key {key}."),
        _ => format!("Sealed {repository} and {file} with the key {key}."),
    };
    if !done.unused.is_empty() {
        text.push_str("\nNothing here is sealed with these keys any more:");
        for key in &done.unused {
            text.push_str(&format!("\n  signet keys retire {key}"));
        }
    }
    text
}

fn refused(first: &[ClosedSecret], total: u64, so: &str) -> anyhow::Error {
    let message = match total {
        1 => format!("a sealed value does not open, so {so}"),
        total => format!("{total} sealed values do not open, so {so}"),
    };
    let more = total.saturating_sub(first.len() as u64);
    let more = (more > 0).then(|| format!("… and {more} more"));
    Failure::new(message)
        .details(first.iter().map(closed::line).chain(more))
        .hint("signet secret check says for each what to do")
        .into()
}

/// One bar for each phase.
struct Bars {
    total: u64,
    phase: Option<(Phase, Bar)>,
}

impl Bars {
    fn new(total: u64) -> Self {
        Self { total, phase: None }
    }

    fn reach(&mut self, phase: Phase, done: u64) {
        if self.phase.as_ref().is_none_or(|(now, _)| *now != phase) {
            // The former one goes first.
            self.phase = None;
            let bar = match phase {
                Phase::Opening => Bar::new("opening sealed values", self.total),
                Phase::Sealing => Bar::new("sealing them anew", self.total),
                _ => Bar::unknown("putting them in force"),
            };
            self.phase = Some((phase, bar));
        }
        if let Some((_, bar)) = &self.phase {
            bar.reach(done);
        }
    }
}
