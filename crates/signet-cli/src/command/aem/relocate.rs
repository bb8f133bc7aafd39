//! `signet aem relocate`

mod narrator;
mod plan;
mod rehearse;
mod standstill;
mod stopped;
mod told;
mod undo;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use signet_aem::Running;
use signet_aem::console::{Console, InstanceUrl};
use signet_aem::relocation::{Fetched, Relocation, RelocationError, Source, Standing};

use super::access::Reach;
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::prompt;
use narrator::Narrator;

const HELP: &str = "\
Up to version 6.2, and after upgrades from there, hmac and master are binary properties of /etc/key in the repository. This \
moves them into the data folder of the bundle com.adobe.granite.crypto.file, as Adobe's article KA-23909 describes in fifteen \
steps, and lets storage of com.adobe.granite.crypto say so.

Everything that changes is copied into a backup first, while AEM still runs. Then AEM is stopped (--stop, or by you), the keys \
are written and compared, and storage is switched last: a crash at any moment leaves an AEM that starts with its keys, and the \
same command goes on where it stopped. With --finish the keys are removed from /etc/key, but only when AEM was started \
afterwards, runs on this folder with both bundles active, and what it seals opens with the master of the file. A move that \
was made by hand is finished as well: --finish --url URL, when AEM was started after it.

The keys may also come from files that were downloaded from /etc/key: --hmac and --master. Then no instance is asked until \
--finish.

Rehearse it first: --dry-run shows every step and changes nothing, --rehearse does all of it on a copy of the bundles.";

/// Run this on the machine of the installation, as the user who owns it, or as root.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct Relocate {
    /// The crx-quickstart folder, the one above it, or any folder with a Felix cache
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Fetch the keys from /etc/key of the instance that runs on the folder
    #[arg(long, value_name = "URL", conflicts_with_all = ["hmac", "master"])]
    from_url: Option<InstanceUrl>,

    /// A file that holds hmac, as it was downloaded
    #[arg(long, value_name = "FILE", requires = "master")]
    hmac: Option<PathBuf>,

    /// A file that holds master, as it was downloaded
    #[arg(long, value_name = "FILE", requires = "hmac")]
    master: Option<PathBuf>,

    /// Run this to stop AEM ($SIGNET_AEM_DIR names the folder); without it you are asked to stop it
    #[arg(long, value_name = "COMMAND")]
    stop: Option<String>,

    /// Run this to start AEM again; it must return
    #[arg(long, value_name = "COMMAND")]
    start: Option<String>,

    /// Remove the keys from /etc/key when AEM runs on the files
    #[arg(long)]
    finish: bool,

    /// The instance for --finish, --start and --undo, unless it is the one that the keys were fetched from
    #[arg(long, value_name = "URL", conflicts_with = "from_url")]
    url: Option<InstanceUrl>,

    /// Show every step, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Do all of it on a copy of the bundles, which is removed afterwards; AEM may run
    #[arg(long, conflicts_with_all = ["dry_run", "finish", "stop", "start"])]
    rehearse: bool,

    /// Put everything back as it was before
    #[arg(long, value_name = "BACKUP", conflicts_with_all = ["from_url", "hmac", "master", "finish", "dry_run", "rehearse", "backup"])]
    undo: Option<PathBuf>,

    /// Where the backup is kept [default: signet-relocation in DIR]
    #[arg(long, value_name = "BACKUP")]
    backup: Option<PathBuf>,

    /// How long AEM may take to stop, and to start
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u32,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    reach: Reach,
}

/// What was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// There was nothing to do.
    Nothing,
    /// It was only shown.
    Shown,
    /// It went well on a copy.
    Rehearsed,
    /// The keys are in files; AEM is stopped.
    Switched,
    /// AEM runs on them.
    Proven,
    /// They are nowhere else.
    Finished,
    /// Everything is as it was.
    Undone,
}

impl Relocate {
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let mut narrator = Narrator::new(context);
        let reached = self.go(context, &mut narrator).await?;
        let relocation = self.open()?;
        let text = self.told(reached, &relocation);
        let document = told::document(reached, &relocation, &narrator);
        context.output.answer(&document, &text)?;
        Ok(Outcome::Done)
    }

    async fn go(&self, context: &Context, narrator: &mut Narrator<'_>) -> anyhow::Result<Reached> {
        if self.undo.is_some() {
            return self.take_back(context, narrator).await;
        }
        let mut relocation = self.open()?;
        narrator.stands(self.standing(&relocation));
        let standing = relocation.standing();
        if standing == Standing::GoingBack {
            return Err(RelocationError::GoingBack(relocation.backup().to_owned()).into());
        }
        if matches!(standing, Standing::InFiles | Standing::Finished) {
            relocation.survey(narrator);
            if self.finish && !self.dry_run && standing == Standing::InFiles {
                return self.finish_by_hand(context, relocation, narrator).await;
            }
            self.look_for_properties(context, &relocation).await?;
            return Ok(Reached::Nothing);
        }
        let console = self.console(&relocation)?;
        if self.dry_run {
            self.show(&relocation, console.as_ref(), narrator).await?;
            return Ok(Reached::Shown);
        }
        if self.rehearse {
            self.rehearse(relocation, console.as_ref(), narrator)
                .await?;
            return Ok(Reached::Rehearsed);
        }
        if matches!(standing, Standing::Switched | Standing::Removing) {
            // Somebody may have changed what was written.
            relocation.switch(narrator)?;
            return self
                .after_the_switch(context, relocation, console.as_ref(), narrator)
                .await;
        }
        relocation.survey(narrator);
        match standing {
            Standing::NotBegun => {
                let fetched = self.fetch(&relocation, console.as_ref(), narrator).await?;
                self.ask(&relocation)?;
                narrator.stands(self.keeping(&relocation));
                relocation.keep(&fetched, narrator)?;
                narrator.stands(self.standing(&relocation));
            }
            _ => context.output.note(&format!(
                "An earlier run kept the keys in {}; this one goes on from there.",
                relocation.backup().display()
            )),
        }
        self.stand_still(context, &relocation, narrator).await?;
        narrator.stands(self.writing(&relocation));
        relocation.switch(narrator)?;
        narrator.stands(self.standing(&relocation));
        self.after_the_switch(context, relocation, console.as_ref(), narrator)
            .await
    }

    /// Finishes a move that the administrator made as the article describes it.
    async fn finish_by_hand(
        &self,
        context: &Context,
        mut relocation: Relocation,
        narrator: &mut Narrator<'_>,
    ) -> anyhow::Result<Reached> {
        let Some(console) = self.console(&relocation)? else {
            return Ok(Reached::Nothing);
        };
        narrator.stands(self.taking_over(&relocation));
        let is_left = {
            let _bar = narrator.bar("Waiting for AEM");
            let patience = Duration::from_secs(self.wait.into());
            relocation.take_over(&console, patience, narrator).await?
        };
        if !is_left {
            return Ok(Reached::Nothing);
        }
        narrator.stands(self.standing(&relocation));
        self.after_the_switch(context, relocation, Some(&console), narrator)
            .await
    }

    /// Starts AEM, if that was asked for, sees that it runs on the files, and removes the keys from the repository.
    async fn after_the_switch(
        &self,
        context: &Context,
        mut relocation: Relocation,
        console: Option<&Console>,
        narrator: &mut Narrator<'_>,
    ) -> anyhow::Result<Reached> {
        if let (Some(command), Running::No) = (&self.start, relocation.running()) {
            self.start_again(command, narrator).await?;
        } else if !self.finish {
            return Ok(Reached::Switched);
        }
        let Some(console) = console else {
            if !self.finish {
                return Ok(Reached::Switched);
            }
            let failure = Failure::new("the instance is needed to remove the keys from /etc/key");
            return Err(failure.hint("name it: --url http://localhost:4502").into());
        };
        let proof = {
            let _bar = narrator.bar("Waiting for AEM");
            let patience = Duration::from_secs(self.wait.into());
            relocation.prove(console, patience, narrator).await?
        };
        if !self.finish {
            return Ok(Reached::Proven);
        }
        let names: Vec<_> = proof.in_repository().map(|name| name.as_str()).collect();
        if !names.is_empty() && !self.yes {
            self.confirm_removal(context, &names.join(" and "), console.url())?;
        }
        narrator.stands(self.removing(&relocation));
        relocation.remove(console, &proof, narrator).await?;
        Ok(Reached::Finished)
    }

    fn open(&self) -> Result<Relocation, RelocationError> {
        let backup = self.undo.as_ref().or(self.backup.as_ref());
        Relocation::open(&self.folder, backup.map(PathBuf::as_path))
    }

    /// The instance that was named, or is known from an earlier run; none where none is needed.
    fn console(&self, relocation: &Relocation) -> anyhow::Result<Option<Console>> {
        let named = self.from_url.clone().or_else(|| self.url.clone());
        let is_needed = self.finish || self.start.is_some() || self.undo.is_some();
        let known = || relocation.instance().filter(|_| is_needed);
        let url = named.or_else(known);
        url.map(|url| self.reach.console(&url)).transpose()
    }

    async fn fetch(
        &self,
        relocation: &Relocation,
        console: Option<&Console>,
        narrator: &mut Narrator<'_>,
    ) -> anyhow::Result<Fetched> {
        let Some(source) = self.source(console) else {
            if self.finish {
                return Err(RelocationError::NotBegun(relocation.backup().to_owned()).into());
            }
            let failure = Failure::new("nothing says where the keys come from");
            let hint = "name the instance with --from-url, or files with --hmac and --master";
            return Err(failure.hint(hint).into());
        };
        Ok(relocation.fetch(source, narrator).await?)
    }

    fn source<'s>(&'s self, console: Option<&'s Console>) -> Option<Source<'s>> {
        match (&self.from_url, console, &self.hmac, &self.master) {
            (Some(_), Some(console), ..) => Some(Source::Instance(console)),
            (None, _, Some(hmac), Some(master)) => Some(Source::Files { hmac, master }),
            _ => None,
        }
    }

    /// It can be undone, so a script without a terminal is not held up.
    fn ask(&self, relocation: &Relocation) -> anyhow::Result<()> {
        if self.yes || !prompt::is_possible() {
            return Ok(());
        }
        prompt::confirm(&format!(
            "Move the keys of {} into files? A backup goes to {}.",
            self.folder.display(),
            relocation.backup().display()
        ))
    }

    /// What is removed is in the backup, but another instance of a cluster may still need it.
    fn confirm_removal(
        &self,
        context: &Context,
        names: &str,
        url: &InstanceUrl,
    ) -> anyhow::Result<()> {
        let question = format!("Remove {names} from /etc/key of {url}?");
        if prompt::is_possible() {
            return prompt::confirm(&question).inspect_err(|_| {
                context
                    .output
                    .note("AEM runs on the files; what is in /etc/key does no harm.");
            });
        }
        let failure = Failure::new("nothing was removed: there is nobody to ask");
        Err(failure.hint("with --yes nobody is asked").into())
    }

    /// Says whether keys in files are still in the repository, too, where that can be asked.
    async fn look_for_properties(
        &self,
        context: &Context,
        relocation: &Relocation,
    ) -> anyhow::Result<()> {
        let Some(url) = self.from_url.as_ref().or(self.url.as_ref()) else {
            return Ok(());
        };
        let console = self.reach.console(url)?;
        for key in &relocation.inspection().keys {
            let there = console.repository_key(key.name).await?;
            let Some(there) = there else { continue };
            let name = key.name.as_str();
            let in_file = key.found.as_ref().map(|found| &found.sha256);
            match in_file == Some(&there.key.digests().sha256) {
                true => context.output.warning(&format!(
                    "/etc/key of {url} still holds the same {name}: it can be removed there"
                )),
                false => context.output.warning(&format!(
                    "/etc/key of {url} holds another {name} than the file: find out which one was in use before you remove any"
                )),
            }
        }
        Ok(())
    }
}
