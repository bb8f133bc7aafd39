//! `signet restore`

mod told;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use signet_backup::{
    Existing, Identity, OpenedBackup, Present, RestoreAide, RestoreError, RestoreOptions, Restored,
    SealKind, Sessions, Unready, restore,
};
use signet_bundle::NodeId;

use super::Outcome;
use super::backup::Opening;
use super::node;
use crate::context::Context;
use crate::failure::{Failure, Told};
use crate::interrupt;
use crate::moment;
use crate::place::Place;
use crate::progress::Bar;
use crate::prompt;

const HELP: &str = "\
Everything is prepared and checked beside the data directory first, and then put in its place in one step: whenever the \
command dies, there is either what was there before or all of the backup, and running it again does the rest. Stop the \
instance first.

Nothing that ended is taken back. With --replace, sessions that were ended, users who were removed or disabled, passwords \
that were changed and keys that were revoked since the backup stay so, and no key is lost. Where nothing is there to ask, \
or what is there does not go on from the backup, everybody has to log in again, because sessions that were ended after the backup would live again otherwise.";

/// Put a backup back
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Restore {
    /// The backup that signet backup made
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Put it in the place of the installation that is there, which is kept beside it
    #[arg(long)]
    replace: bool,

    #[command(flatten)]
    opening: Opening,

    /// Accept it only if this instance made it: its card in a file, or its id
    #[arg(long, value_name = "CARD|ID")]
    from: Option<String>,

    /// Leave the sessions alone where nobody knows which were ended after the backup: those live again
    #[arg(long)]
    keep_sessions: bool,

    /// Do not take the identity of the instance from the backup: for a second instance beside the one it was made of
    #[arg(long)]
    new_identity: bool,
}

impl Restore {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let file = self.file.display().to_string();
        let from = self.from.as_deref().map(maker).transpose()?;
        let unseal = self.opening.unseal(context, &self.file)?;
        let backup = OpenedBackup::open(&self.file, &unseal)
            .with_context(|| format!("the backup {file} cannot be used"))?;
        if from.is_none() {
            confirm_maker(context, &backup)?;
        }
        let options = RestoreOptions {
            existing: if self.replace {
                Existing::Replace
            } else {
                Existing::Refuse
            },
            sessions: if self.keep_sessions {
                Sessions::Keep
            } else {
                Sessions::End
            },
            identity: if self.new_identity {
                Identity::New
            } else {
                Identity::Restored
            },
            from,
            now: context.now(),
        };
        if self.replace {
            // What is there may have no log, or none that can be written to.
            let _ = context.place().and_then(|place| place.settle_log());
        }
        let _step = interrupt::told(&context.output, || {
            Failure::new("in its place is what was there before, or all of the backup")
                .hint("the same command again does the rest")
        });
        let mut attendant = Attendant {
            context,
            bar: Bar::bytes("Restoring", backup.manifest().bytes()),
            prepared: None,
        };
        let restored = restore(backup, context.data(), &options, &mut attendant)
            .await
            .map_err(|error| attendant.failed(error, &file))?;
        let Attendant { bar, prepared, .. } = attendant;
        drop(bar);
        record(context, &file, &restored, prepared)?;
        let document = told::document(&file, &restored);
        context.output.answer(
            &document,
            &told::text(&file, context.now(), &restored, &options),
        )?;
        told::warn(context, &restored);
        Ok(Outcome::Done)
    }
}

/// Draws how far it is, and notes in the log that is prepared what is about to change.
struct Attendant<'c> {
    context: &'c Context,
    bar: Bar,
    /// What is prepared, with a change that has begun.
    prepared: Option<Place>,
}

impl RestoreAide for Attendant<'_> {
    fn reached(&mut self, bytes: u64) {
        self.bar.reach(bytes);
    }

    fn prepared(&mut self, prepared: &Path) -> Result<(), Unready> {
        let place = self.context.place_at(prepared);
        let begun = place.and_then(|place| place.begin_change().map(|()| place));
        let place = begun.map_err(|error| Unready {
            hint: Told::of(&error).hint.unwrap_or_default(),
            source: error.into(),
        })?;
        self.prepared = Some(place);
        Ok(())
    }
}

impl Attendant<'_> {
    fn failed(&self, error: RestoreError, file: &str) -> anyhow::Error {
        let has_begun = error.has_begun();
        let error = anyhow::Error::new(error);
        if has_begun {
            if let Some(place) = &self.prepared {
                place.leave_change();
            }
            return error;
        }
        error.context(format!("nothing was restored from {file}"))
    }
}

/// One that was only finished now was prepared by a run that died, of which the log tells.
fn record(
    context: &Context,
    file: &str,
    restored: &Restored,
    prepared: Option<Place>,
) -> anyhow::Result<()> {
    let place = match prepared {
        Some(place) => place.moved_to(&restored.path)?,
        None => {
            let place = context.place_at(&restored.path)?;
            place.begin_change()?;
            place
        }
    };
    let detail = json!({
        "node": restored.manifest.node_id().to_string(),
        "made": restored.manifest.made.0,
        "replaced": restored.aside.is_some(),
        "logged_out": restored.ended,
    });
    place.record(context, "backup.restore", file, &detail)
}

/// The id of the instance that made the backup, as it is given or as its card says.
fn maker(text: &str) -> anyhow::Result<NodeId> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    Ok(node::card(Path::new(text))?.id())
}

/// A passphrase proves who made a backup, since they knew it; for a key, anybody can seal one.
fn confirm_maker(context: &Context, backup: &OpenedBackup) -> anyhow::Result<()> {
    let manifest = backup.manifest();
    let is_known = match Present::look(context.data()) {
        Ok(Present::Installation(here)) => here.trusts(manifest.node_id()),
        _ => false,
    };
    if backup.kind() == SealKind::Passphrase || is_known {
        return Ok(());
    }
    let (id, name) = (manifest.node_id(), manifest.node.name());
    if prompt::is_possible() {
        return prompt::confirm(&format!(
            "Anybody can seal a backup for a key. This one was made {} by the instance {id} ({name}). Is that the one you mean",
            moment::utc(manifest.made)
        ));
    }
    let message = format!(
        "the backup was made by the instance {id} ({name}), which nobody has vouched for here"
    );
    Err(Failure::new(message)
        .hint(format!("if that is the one you mean, add --from {id}"))
        .into())
}
