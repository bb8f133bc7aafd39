//! `signet aem encapsulate`

use std::cell::RefCell;
use std::error::Error as _;

use clap::Args;
use serde_json::{Value, json};
use signet_aem::console::InstanceUrl;
use signet_aem::encapsulation::{Assurance, EncapsulationError, Objection, Preflight, Step, Wish};

use super::access::Reach;
use super::findings;
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::table;

/// All instances are looked at first: bundles, keys, the token handler, and login handlers that create users. Nothing is changed
/// unless all of them stand the test. Then one after the other is changed, read again and compared: everything else in the
/// configuration of the token handler must be as it was. `--off` leads back.
///
/// Exit status 1 if something speaks against it, and nothing was changed.
#[derive(Debug, Args)]
pub(crate) struct Encapsulate {
    /// Running instances: all that share users, http://localhost:4503 for example
    #[arg(value_name = "URL", required = true)]
    urls: Vec<InstanceUrl>,

    /// Turn encapsulated tokens off again
    #[arg(long)]
    off: bool,

    /// Show what would be changed on each instance, and what speaks against it; change nothing
    #[arg(long)]
    dry_run: bool,

    /// Say that the load balancer keeps each user on one instance, so users may be created when they log in
    #[arg(long)]
    sticky: bool,

    /// Go on though warnings speak against it
    #[arg(long)]
    accept: bool,

    #[command(flatten)]
    reach: Reach,
}

impl Encapsulate {
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let mut urls = self.urls.clone();
        urls.sort();
        urls.dedup();
        if urls.len() < self.urls.len() {
            return Err(Failure::new("an instance is named twice").into());
        }
        let changed = RefCell::new(None);
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => Err(self.interrupted(changed.take())),
            outcome = self.work(context, &changed) => outcome,
        }
    }

    /// Notes in `changed` where it got to: nothing until the first instance is told.
    async fn work(
        &self,
        context: &Context,
        changed: &RefCell<Option<Vec<InstanceUrl>>>,
    ) -> anyhow::Result<Outcome> {
        let consoles = self.reach.consoles(&self.urls)?;
        let preflight = Preflight::of(consoles, self.wish()).await?;
        let assurance = Assurance {
            is_sticky: self.sticky,
            is_accepted: self.accept,
        };
        let (steps, objections) = (preflight.steps(), preflight.objections().to_vec());
        let is_barred = objections.iter().any(|one| one.stands(assurance));
        if is_barred || self.dry_run {
            self.answer(context, &steps, &objections, assurance, Changed::Nothing)?;
            return Ok(match is_barred {
                true => Outcome::Denied,
                false => Outcome::Done,
            });
        }
        let word = self.word();
        changed.replace(Some(Vec::new()));
        let done = preflight.carry_out(|url| {
            changed
                .borrow_mut()
                .get_or_insert_default()
                .push(url.clone());
            context
                .output
                .note(&format!("{url}: {word}, and everything else is as it was."));
        });
        done.await.map_err(|error| self.told(error))?;
        self.answer(context, &steps, &objections, assurance, Changed::All)?;
        Ok(Outcome::Done)
    }

    const fn wish(&self) -> Wish {
        match self.off {
            true => Wish::Off,
            false => Wish::On,
        }
    }

    const fn word(&self) -> &'static str {
        match self.off {
            true => "off",
            false => "on",
        }
    }

    fn answer(
        &self,
        context: &Context,
        steps: &[Step],
        objections: &[Objection],
        assurance: Assurance,
        changed: Changed,
    ) -> anyhow::Result<()> {
        let document = json!({
            "encapsulated": self.wish(),
            "instances": steps.iter().map(|step| self.document(step, changed)).collect::<Vec<_>>(),
            "objections": objections
                .iter()
                .map(|objection| {
                    json!({ "objection": objection, "stands": objection.stands(assurance) })
                })
                .collect::<Vec<_>>(),
            "changed": changed == Changed::All && steps.iter().any(|step| !step.is_done),
        });
        let text = self.text(context.output, steps, objections, assurance, changed);
        context.output.answer(&document, &text)
    }

    fn document(&self, step: &Step, changed: Changed) -> Value {
        let other = match self.wish() {
            Wish::On => Wish::Off,
            Wish::Off => Wish::On,
        };
        let was = if step.is_done { self.wish() } else { other };
        let is = match changed {
            Changed::All => self.wish(),
            Changed::Nothing => was,
        };
        json!({ "url": step.url, "was": was, "is": is, "how": step.how })
    }

    fn text(
        &self,
        output: Output,
        steps: &[Step],
        objections: &[Objection],
        assurance: Assurance,
        changed: Changed,
    ) -> String {
        let (from, to) = match self.wish() {
            Wish::On => ("off", "on"),
            Wish::Off => ("on", "off"),
        };
        let row = |step: &Step| {
            let what = match (step.is_done, changed) {
                (true, _) => format!("is {to} already"),
                (false, Changed::All) => format!("was {from}, is {to}"),
                (false, Changed::Nothing) => format!("is {from}, would be {to}"),
            };
            let how = match (step.is_done, changed) {
                (false, Changed::Nothing) => step.how,
                _ => "",
            };
            vec![step.url.to_string(), what, how.to_owned()]
        };
        let mut text = table::rows(steps.iter().map(row));
        for objection in objections {
            text.push('\n');
            if let Some(url) = &objection.instance {
                text.push_str(&format!("{url}\n"));
            }
            text.push_str(&findings::paragraph(output, &objection.finding));
        }
        text.push('\n');
        let standing: Vec<_> = objections
            .iter()
            .filter(|one| one.stands(assurance))
            .collect();
        let is_done = steps.iter().all(|step| step.is_done);
        text.push_str(match changed {
            Changed::Nothing if !standing.is_empty() => {
                match standing.iter().all(|one| self.yields(one)) {
                    true => "Nothing was changed. If all of this is known and in order, say so: --sticky or --accept.\n",
                    false => "Nothing was changed: mend the critical ones first.\n",
                }
            }
            Changed::Nothing => "Nothing was changed: this was a dry run.\n",
            Changed::All if is_done => "There was nothing to change.\n",
            Changed::All if self.off => "New tokens are kept in the repository again; who logs in from now on gets one.\n",
            Changed::All => "New tokens are encapsulated. `signet aem encapsulate --off URL…` leads back.\n",
        });
        text
    }

    /// Whether somebody who says so can set it aside.
    fn yields(&self, objection: &Objection) -> bool {
        !objection.stands(Assurance {
            is_sticky: true,
            is_accepted: true,
        })
    }

    /// Where it stopped, and the ways on and back.
    fn told(&self, error: EncapsulationError) -> anyhow::Error {
        let EncapsulationError::Stopped {
            done, left, source, ..
        } = &error
        else {
            return error.into();
        };
        let (is, is_not) = match self.wish() {
            Wish::On => ("on", "off"),
            Wish::Off => ("off", "on"),
        };
        let mut why = source.to_string();
        let mut cause = source.source();
        while let Some(deeper) = cause {
            why = format!("{why}: {deeper}");
            cause = deeper.source();
        }
        let mut details = vec![
            why,
            format!("{}: {is}", listed(done)),
            format!("{}: {is_not}", listed(left)),
        ];
        details.retain(|line| !line.starts_with(':'));
        Failure::new(error.to_string())
            .details(details)
            .hint(format!("{}; then {}", error.hint(), self.ways()))
            .into()
    }

    /// Ctrl-C.
    fn interrupted(&self, changed: Option<Vec<InstanceUrl>>) -> anyhow::Error {
        let Some(changed) = changed else {
            return Failure::new("interrupted; nothing was changed").into();
        };
        let mut failure = Failure::new("interrupted before all instances were changed");
        if !changed.is_empty() {
            failure = failure.details([format!("{}: {}", listed(&changed), self.word())]);
        }
        // An instance may have been told, and not have answered yet.
        let hint = format!("one more may have been told already; {}", self.ways());
        failure.hint(hint).into()
    }

    /// The commands that lead on and back.
    fn ways(&self) -> String {
        let all: Vec<_> = self.urls.iter().map(ToString::to_string).collect();
        let all = all.join(" ");
        let (on, back) = match self.off {
            true => (" --off", ""),
            false => ("", " --off"),
        };
        format!(
            "go on: signet aem encapsulate{on} {all}; or back: signet aem encapsulate{back} {all}"
        )
    }
}

/// Whether it was only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changed {
    Nothing,
    All,
}

fn listed(urls: &[InstanceUrl]) -> String {
    let urls: Vec<_> = urls.iter().map(ToString::to_string).collect();
    urls.join(", ")
}
