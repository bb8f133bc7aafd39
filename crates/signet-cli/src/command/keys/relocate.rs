//! `signet keys relocate`

mod narrator;

use std::path::Path;

use anyhow::Context as _;
use clap::{ArgGroup, Args};
use serde_json::{Value, json};
use signet_keys::{
    Aftermath, Deed, Destination, Intent, ProviderName, Relocated, RelocationFailure,
    RelocationOrder,
};
use signet_server::{Config, DataDirectory, Rehearsal, chain};

use crate::choice::one_of;
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt;
use crate::place::Place;
use crate::prompt;
use narrator::Narrator;

const HELP: &str = "\
The keys are found wherever they are, whatever keys/storage says; where both places have some, they are united, and the \
later state of a key wins. They are sealed into a backup, written into the new place, read there and compared; then \
keys/storage is switched. A token of each key and every sealed value are tried with the keys of the new place before the \
old copy is removed, and the files of the database are searched for what could be left of it.

A step that fails puts everything back. A crash loses nothing: the instance starts with all keys, and the same command \
goes on where it stopped. A running instance follows by itself.

The backup stays in backups/ of the data directory until you remove it. It is sealed to this instance (node/).";

/// Move the keys to another place, with a backup, and prove that nothing was lost
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
#[command(group(ArgGroup::new("destination").required(true).args(["to", "undo"])))]
pub(crate) struct Relocate {
    /// Where to: into files in keys/, or into the repository, the legacy place
    #[arg(long, value_name = "PLACE", value_parser = one_of::<ProviderName>(&["file", "repository"]))]
    to: Option<ProviderName>,

    /// Go back to where they were before they were moved last; what the backup has besides is added
    #[arg(long)]
    undo: bool,

    /// Show every step, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Do all of it on a copy of the data directory beside it, which is removed afterwards
    #[arg(long, conflicts_with = "dry_run")]
    rehearse: bool,

    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Relocate {
    pub(super) async fn run(self, context: &Context, place: &Place) -> anyhow::Result<Outcome> {
        if self.rehearse {
            return self.rehearse(context, place).await;
        }
        let mut narrator = Narrator::new(context, place.directory(), place.config());
        if self.dry_run {
            let shown = self.go(context, place.directory(), place.config(), &mut narrator)?;
            let text = match shown.deed {
                Deed::Nothing => nothing(&shown),
                _ => "Nothing was changed: without --dry-run these steps are taken.".to_owned(),
            };
            context
                .output
                .answer(&self.document(&shown, &narrator), &text)?;
            return Ok(Outcome::Done);
        }
        place.ready_to_record()?;
        self.ask(place)?;
        place.begin_change()?;
        let again = self.words();
        let _step = interrupt::told(&context.output, move || {
            Failure::new("no key is lost, and the instance starts with all of them")
                .hint(format!("`{again}` goes on from here"))
        });
        let moved = self.move_keys(context, place.directory(), place.config(), &mut narrator);
        let moved = moved.map_err(|failure| {
            if matches!(failure.aftermath, Aftermath::Unfinished(_)) {
                place.leave_change();
            }
            explained(failure)
        })?;
        if moved.deed == Deed::Nothing {
            let document = self.document(&moved, &narrator);
            context.output.answer(&document, &nothing(&moved))?;
            return Ok(Outcome::Done);
        }
        let detail = json!({
            "keys": moved.keys,
            "undo": self.undo,
            "backup": moved.backup.as_ref().and_then(|path| path.file_name()?.to_str()),
        });
        place.record(context, "key.relocate", moved.to.as_str(), &detail)?;
        let says = place.poke().await;
        let mut document = self.document(&moved, &narrator);
        let object = document.as_object_mut().context("an answer is no object")?;
        object.insert("instance".to_owned(), serde_json::to_value(&says)?);
        context.output.answer(&document, &self.told(&moved))?;
        says.tell(&context.output);
        Ok(Outcome::Done)
    }

    /// All of it on a copy, and back again.
    async fn rehearse(&self, context: &Context, place: &Place) -> anyhow::Result<Outcome> {
        let mut step = None;
        let output = context.output;
        let begun = |copy: &Path| {
            let copy = copy.to_owned();
            step = Some(interrupt::told(&output, move || abandoned(&copy)));
        };
        let rehearsal = Rehearsal::of(place.directory(), place.config(), begun).await?;
        let (data, config) = (rehearsal.data(), rehearsal.config());
        let mut narrator = Narrator::new(context, data, config);
        let moved = self.go(context, data, config, &mut narrator)?;
        let mut text = match moved.deed {
            Deed::Nothing => nothing(&moved),
            _ => "It goes well, on a copy that is removed again; here nothing was changed."
                .to_owned(),
        };
        if moved.deed == Deed::Moved && !self.undo {
            let back = Self {
                to: None,
                undo: true,
                ..*self
            };
            let mut silent = Narrator::silent(context, data, config);
            back.go(context, data, config, &mut silent)
                .context("on the copy the keys moved, but did not go back")?;
            text.push_str("\nGoing back with --undo goes well, too.");
        }
        let document = self.document(&moved, &narrator);
        drop(rehearsal);
        drop(step);
        context.output.answer(&document, &text)?;
        Ok(Outcome::Done)
    }

    /// What is typed to do the same.
    fn words(&self) -> String {
        match self.to {
            Some(to) => format!("signet keys relocate --to {to}", to = to.as_str()),
            None => "signet keys relocate --undo".to_owned(),
        }
    }

    fn go(
        &self,
        context: &Context,
        data: &DataDirectory,
        config: &Config,
        narrator: &mut Narrator<'_>,
    ) -> anyhow::Result<Relocated> {
        self.move_keys(context, data, config, narrator)
            .map_err(explained)
    }

    fn move_keys(
        &self,
        context: &Context,
        data: &DataDirectory,
        config: &Config,
        narrator: &mut Narrator<'_>,
    ) -> Result<Relocated, RelocationFailure> {
        let order = RelocationOrder {
            to: match self.to {
                Some(to) => Destination::Place(to),
                None => Destination::Back,
            },
            intent: match self.dry_run {
                true => Intent::Show,
                false => Intent::Do,
            },
            backups: data.backups_directory(),
            now: context.now(),
        };
        data.relocation(config)
            .run(&order, &data.backup_sealer(), narrator)
    }

    /// It can be undone, so a script without a terminal is not held up.
    fn ask(&self, place: &Place) -> anyhow::Result<()> {
        if self.yes || !prompt::is_possible() {
            return Ok(());
        }
        let data = place.directory().path().display();
        prompt::confirm(&match self.to {
            Some(to) => format!("Move the keys of {data} into {}?", to.in_words()),
            None => format!("Move the keys of {data} back to where they were?"),
        })
    }

    fn told(&self, moved: &Relocated) -> String {
        let mut text = format!(
            "Done: {} in {} now, and nowhere else.",
            keys(moved.keys),
            moved.to.in_words()
        );
        if let Some(backup) = &moved.backup {
            let backup = backup.display();
            text.push_str(&format!(
                "\nTheir backup is {backup}: remove it when all is well."
            ));
            if !self.undo {
                text.push_str(" Until then, signet keys relocate --undo goes back.");
            }
        }
        text
    }

    fn document(&self, moved: &Relocated, narrator: &Narrator<'_>) -> Value {
        let outcome = match (moved.deed, self.rehearse) {
            (Deed::Nothing, _) => "nothing-to-do",
            (Deed::Shown, _) => "shown",
            (_, true) => "rehearsed",
            _ => "moved",
        };
        // That of a rehearsal is gone already.
        let backup = moved.backup.as_ref().filter(|_| !self.rehearse);
        json!({
            "to": moved.to.as_str(),
            "outcome": outcome,
            "keys": moved.keys,
            "backup": backup.map(|path| path.to_string_lossy()),
            "steps": narrator.steps(),
        })
    }
}

/// Removes the copy of a rehearsal that is stopped.
fn abandoned(copy: &Path) -> Failure {
    match Rehearsal::abandon(copy) {
        Ok(()) => Failure::new("nothing was changed, and the copy is removed"),
        Err(error) => Failure::new(format!(
            "nothing was changed, but {}, the copy with its keys, could not be removed: {error}",
            copy.display()
        ))
        .hint("the next rehearsal removes it"),
    }
}

fn nothing(found: &Relocated) -> String {
    format!(
        "There is nothing to do: {} in {}, and nowhere else.",
        keys(found.keys),
        found.to.in_words()
    )
}

fn keys(count: usize) -> String {
    match count {
        1 => "the one key is".to_owned(),
        several => format!("all {several} keys are"),
    }
}

/// With a line for each thing that is wrong, where there are several.
fn explained(failure: RelocationFailure) -> anyhow::Error {
    let mut details = failure.error.details();
    if let Aftermath::Unfinished(Some(error)) = &failure.aftermath {
        details.push(format!("putting it back failed: {}", chain(error)));
    }
    if details.is_empty() {
        return failure.into();
    }
    Failure::new(format!("{failure}: {}", failure.error))
        .details(details)
        .hint(failure.hint())
        .into()
}
