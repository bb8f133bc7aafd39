//! `signet aem replicate`

mod bundle;
mod proof;
mod stopped;
mod told;
mod undo;

use std::path::PathBuf;

use clap::Args;
use signet_aem::console::{Console, InstanceUrl};
use signet_aem::replication::{Choice, Ground, Plan, Replicated, ReplicationError, Source, Target};
use signet_aem::{KeyName, Running};

use super::access::Reach;
use super::machine::Machine;
use super::service::{self, Service};
use crate::choice::one_of;
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt;
pub(super) use bundle::{Origin, open as open_bundle};

pub(super) const HELP: &str = "\
All installations are looked at before the first is changed. On each, hmac and master as they were go into signet-replication \
in its folder, the new ones are written beside them, and only when all of it is on the disk they take their places, with the \
owner and mode of before. What is cut short is completed by the same command, or taken back with signet aem replicate --undo DIR.

AEM reads its keys when it starts, so it must be stopped: by you before, or with --stop and --start. With --refresh URL the \
keys are written while it runs, and the two bundles that hold them are refreshed through the web console; the sources do not \
agree whether that is always enough, so stopping is the safe way.

A new master does not open what was sealed with the old one. What is found in configuration files is shown; what is in the \
repository cannot be seen from here: keystores of users, /etc/truststore, passwords of replication agents and of mail. So \
another master is refused without --accept. --only hmac is enough for tokens, and breaks nothing that is stored.";

/// Copy hmac and master of one installation to others
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Replicate {
    /// The installation that has the keys, or a bundle that signet aem export made for this machine
    #[arg(long, value_name = "DIR|BUNDLE", required_unless_present = "undo")]
    from: Option<PathBuf>,

    /// The installations that get the keys: crx-quickstart, the one above it, or any folder with a Felix cache
    #[arg(long, value_name = "DIR", required_unless_present = "undo", num_args = 1..)]
    to: Vec<PathBuf>,

    /// Put the keys of these installations back as they were
    #[arg(long, value_name = "DIR", num_args = 1.., conflicts_with_all = ["from", "to", "only", "sender", "content", "accept", "dry_run", "refresh", "prove"])]
    undo: Vec<PathBuf>,

    #[command(flatten)]
    work: Work,
}

/// Which of the keys.
#[derive(Debug, Args)]
pub(super) struct OnlyKey {
    /// Only this key: hmac is enough for tokens
    #[arg(long, value_name = "KEY", value_parser = one_of::<OneKey>(&["hmac", "master"]))]
    only: Option<OneKey>,
}

/// The name of a key on the command line.
#[derive(Clone, Copy, Debug)]
pub(super) struct OneKey(KeyName);

impl std::str::FromStr for OneKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut names = KeyName::ALL.into_iter();
        let name = names.find(|name| name.as_str() == text);
        name.map(Self).ok_or("expected hmac or master")
    }
}

impl OnlyKey {
    pub(super) fn choice(&self) -> Choice {
        self.only.map_or(Choice::Both, |key| Choice::Only(key.0))
    }
}

/// Everything but where the keys come from and go to.
#[derive(Debug, Args)]
pub(super) struct Work {
    #[command(flatten)]
    only: OnlyKey,

    /// Look for sealed values here, too: content packages, folders of configurations
    #[arg(long, value_name = "PATH", num_args = 1..)]
    content: Vec<PathBuf>,

    /// Put another master in the place of the one that is there, whatever that breaks
    #[arg(long)]
    accept: bool,

    /// Only look, and say what there is to do and what it breaks
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    service: Service,

    /// Write while AEM runs, and let this instance read its keys again; for one installation
    #[arg(long, value_name = "URL", conflicts_with_all = ["stop", "start"])]
    refresh: Option<InstanceUrl>,

    /// Ask these instances afterwards whether they use the keys: those that got them, and the one that had them
    #[arg(long, value_name = "URL", num_args = 1..)]
    prove: Vec<InstanceUrl>,

    /// The card of the machine that made the bundle: accept it from that one only, and remember that one
    #[arg(long, value_name = "CARD")]
    sender: Option<PathBuf>,

    #[command(flatten)]
    machine: Machine,

    #[command(flatten)]
    reach: Reach,
}

impl Replicate {
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        if !self.undo.is_empty() {
            return undo::run(context, &self.undo, &self.work.service).await;
        }
        let Some(from) = &self.from else {
            return Err(Failure::new("nothing says where the keys come from").into());
        };
        let origin = match from.is_file() {
            true => open_bundle(context, &self.work, from)?,
            false => {
                if self.work.sender.is_some() {
                    let failure = Failure::new(
                        "--sender goes with a bundle, and --from names an installation",
                    );
                    return Err(failure.hint("leave --sender out").into());
                }
                let source = Source::installation(from, self.work.only.choice())?;
                Origin::installation(from, source)
            }
        };
        self.work.run(context, &origin, &self.to).await
    }
}

impl Work {
    /// Copies the keys.
    pub(super) async fn run(
        &self,
        context: &Context,
        origin: &Origin,
        to: &[PathBuf],
    ) -> anyhow::Result<Outcome> {
        if self.refresh.is_some() && to.len() > 1 {
            let failure = Failure::new("--refresh is for one installation, and there are several");
            return Err(failure
                .hint("run it once for each of them, with its URL")
                .into());
        }
        let mut standing = interrupt::told(&context.output, stopped::unchanged);
        let refreshed = self.refresh.as_ref().map(|url| self.reach.console(url));
        let refreshed = refreshed.transpose()?;
        let consoles = self.consoles()?;
        let plan = self.plan(context, &origin.source, to)?;
        if let (Some(console), [target]) = (&refreshed, plan.targets.as_slice()) {
            proof::is_instance_of(console, target).await?;
        }
        let unseen = match plan.is_harmless() {
            true => Vec::new(),
            false => proof::truststores(refreshed.iter().chain(&consoles)).await,
        };
        if self.dry_run {
            let text = told::planned(origin, &plan, &unseen);
            context.output.answer(&told::plan(origin, &plan), &text)?;
            return Ok(match plan.is_harmless() || self.accept {
                true => Outcome::Done,
                false => Outcome::Denied,
            });
        }
        if !plan.is_harmless() && !self.accept {
            return Err(told::refusal(&plan, &unseen).into());
        }
        self.check_running(&plan)?;
        for line in told::costs(&plan, &unseen) {
            context.output.aside(&line);
        }
        let done = self
            .apply(context, &origin.source, &plan, &mut standing)
            .await?;
        if let Some(console) = &refreshed {
            context.output.warning(
                "the bundles are refreshed while AEM runs; if anything that needs keys fails afterwards, restart it",
            );
            proof::refresh(context, console, self.service.patience()).await?;
        }
        origin.settle()?;
        // What is on the disk now counts, not what was meant to be there.
        let after = self.plan(context, &origin.source, to)?;
        let proofs = {
            let _bar = service::bar(context, "Asking the instances");
            let consoles = refreshed.iter().chain(&consoles).collect::<Vec<_>>();
            proof::all(&origin.source, &consoles, self.service.patience()).await
        };
        let is_equal = after.is_done() && proofs.iter().all(proof::Proof::is_fine);
        let text = told::done(origin, &plan, &after, &done, &proofs);
        let document = told::document(origin, &plan, &done, &proofs, is_equal);
        context.output.answer(&document, &text)?;
        Ok(match is_equal {
            true => Outcome::Done,
            false => Outcome::Denied,
        })
    }

    fn plan(&self, context: &Context, source: &Source, to: &[PathBuf]) -> anyhow::Result<Plan> {
        let bar = service::bar(context, "Reading configurations");
        Ok(Plan::make(source, to, &self.content, &mut |_| {
            if let Some(bar) = &bar {
                bar.step();
            }
        })?)
    }

    /// The instances that are asked afterwards, each once.
    fn consoles(&self) -> anyhow::Result<Vec<Console>> {
        let mut urls: Vec<InstanceUrl> = Vec::new();
        for url in &self.prove {
            if self.refresh.as_ref() != Some(url) && !urls.contains(url) {
                urls.push(url.clone());
            }
        }
        match urls.is_empty() {
            true => Ok(Vec::new()),
            false => self.reach.consoles(&urls),
        }
    }

    /// What runs must be stoppable, or meant to run: on all of them, before the first is changed.
    fn check_running(&self, plan: &Plan) -> Result<(), ReplicationError> {
        if self.service.can_stop() || self.refresh.is_some() {
            return Ok(());
        }
        for target in plan.targets.iter().filter(|target| !target.is_done()) {
            if let Running::Yes { process } = target.running {
                return Err(ReplicationError::Running {
                    folder: target.folder.clone(),
                    process,
                });
            }
        }
        Ok(())
    }

    async fn apply(
        &self,
        context: &Context,
        source: &Source,
        plan: &Plan,
        standing: &mut interrupt::Step,
    ) -> anyhow::Result<Vec<Replicated>> {
        let mut done = Vec::new();
        for target in &plan.targets {
            self.apply_one(context, source, target, &mut done, standing)
                .await
                .map_err(|error| match told::stopped_at(&done, target) {
                    None => error,
                    Some(text) => error.context(text),
                })?;
        }
        Ok(done)
    }

    async fn apply_one(
        &self,
        context: &Context,
        source: &Source,
        target: &Target,
        done: &mut Vec<Replicated>,
        standing: &mut interrupt::Step,
    ) -> anyhow::Result<()> {
        // The new words are there before the old ones go.
        let mut stands = |words: Failure| *standing = interrupt::told(&context.output, || words);
        stands(stopped::before(done, target));
        let ground = match self.refresh {
            Some(_) => Ground::Running,
            None => Ground::Stopped,
        };
        if !target.is_done() && ground == Ground::Stopped {
            self.service.stop(context, &target.folder).await?;
        }
        if !target.is_done() {
            stands(stopped::during(done, target));
        }
        let replicated = target.apply(source, ground)?;
        let changed = [done.as_slice(), std::slice::from_ref(&replicated)].concat();
        stands(stopped::after(&changed));
        if ground == Ground::Stopped {
            self.service.start(context, &target.folder).await?;
        }
        done.push(replicated);
        Ok(())
    }
}
