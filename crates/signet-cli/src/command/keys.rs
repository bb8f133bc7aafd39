//! `signet keys`

mod consequence;
mod export;
mod import;
mod list;
mod name;
mod prove;
mod relocate;
mod revoke;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use signet_core::{KeyId, RingName};
use signet_keys::{KeyStore, ProviderName, Retirement, RotateMode};

use super::Outcome;
use crate::choice::one_of;
use crate::context::Context;
use crate::failure::Failure;
use crate::moment;
use crate::place::{InstanceSays, Place};
use crate::prompt;
use consequence::Consequence;
use name::KeyName;
use revoke::active;

/// List, rotate, revoke and retire keys
///
/// The keys are files in keys/hmac and keys/master of the data directory, one each. A running instance is told of every
/// change and notices copied files by itself within 2 seconds. Until instances synchronise, a change is made on this
/// instance only: copy the files to the others. A key is named by its kid or by the first 6 or more digits of it.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the keys, and what is wrong with their files
    List,
    /// Make a new key, which makes tokens from now on; the former keys only verify
    Rotate {
        /// The ring: hmac makes tokens, master seals secrets
        #[arg(long, value_name = "RING", default_value = "hmac", value_parser = one_of::<RingName>(&["hmac", "master"]))]
        ring: RingName,

        /// Let it only verify until it is activated, so that it can be copied to the other instances first
        #[arg(long)]
        pending: bool,
    },
    /// Let a pending key make tokens; the former keys only verify
    Activate {
        #[command(flatten)]
        key: KeyName,
    },
    /// Remove a key that nothing needs any more, from its file or the repository
    Retire {
        #[command(flatten)]
        key: KeyName,

        /// Remove it although what it made may still be in use: whoever holds a token of it is logged out
        #[arg(long)]
        force: bool,
    },
    Revoke(revoke::Revoke),
    /// Make the running instance read the keys now, and say what it found
    Refresh,
    /// Move the keys to another place, with a backup, and prove that nothing was lost
    Relocate(relocate::Relocate),
    /// Seal keys into a bundle for other instances
    Export(export::Export),
    /// Take in a bundle, or raw key files, from elsewhere
    Import(import::Import),
    /// Show that two instances hold equal keys, without revealing one
    Prove(prove::Prove),
}

impl Keys {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let place = context.place()?;
        // Not opened for a move of the keys, which finds them where nobody else does.
        let store = || place.keys();
        match self.action {
            Action::List => list::run(context, &place, &store()?).await,
            Action::Rotate { ring, pending } => {
                rotate(context, &place, &store()?, ring, pending).await
            }
            Action::Activate { key } => activate(context, &place, &store()?, &key).await,
            Action::Retire { key, force } => retire(context, &place, &store()?, &key, force).await,
            Action::Revoke(revoke) => revoke.run(context, &place, &store()?).await,
            Action::Refresh => refresh(context, &place, &store()?).await,
            Action::Relocate(relocate) => relocate.run(context, &place).await,
            Action::Export(export) => export.run(context, &place).await,
            Action::Import(import) => import.run(context, &place).await,
            Action::Prove(prove) => prove.run(context, &place).await,
        }
    }
}

async fn rotate(
    context: &Context,
    place: &Place,
    store: &KeyStore,
    ring: RingName,
    pending: bool,
) -> anyhow::Result<Outcome> {
    let mode = match pending {
        true => RotateMode::Pending,
        false => RotateMode::Activate,
    };
    place.begin_change()?;
    let former = match mode {
        RotateMode::Pending => json!([]),
        _ => active(store, ring)?,
    };
    let id = store.rotate(ring, mode, context.now())?;
    let state = if pending { "pending" } else { "active" };
    let detail = json!({ "ring": ring.as_str(), "state": state, "former": former });
    place.record(context, "key.rotate", &id.to_string(), &detail)?;
    let (bring, it) = match store.in_use()? {
        ProviderName::File => {
            let file = store.place_of(ring, id)?;
            (
                format!("copy {}", file.display()),
                file.display().to_string(),
            )
        }
        _ => (
            "bring it (signet keys export)".to_owned(),
            "it (signet keys export)".to_owned(),
        ),
    };
    let text = match mode {
        RotateMode::Pending => format!(
            "Made key {id}, pending.\n\
             Next: {bring} to the other instances, `signet keys refresh` there,\n\
             and when all have it, on each: signet keys activate {id}"
        ),
        _ => format!(
            "Made key {id}; ring {ring} uses it from now on.\n\
             Other instances refuse what it makes until they have {it}.{}",
            match ring {
                RingName::Master =>
                    "\nNext: signet secret reseal, which seals with it what is sealed with former keys.",
                _ => "",
            }
        ),
    };
    let document = json!({ "kid": id.to_string(), "ring": ring.as_str(), "state": state });
    changed(context, place, document, &text).await
}

async fn activate(
    context: &Context,
    place: &Place,
    store: &KeyStore,
    key: &KeyName,
) -> anyhow::Result<Outcome> {
    let id = key.find(store)?;
    place.begin_change()?;
    let loaded = store.load(None)?;
    let ring = loaded.keys.iter().find(|key| key.id == id);
    let former = match ring {
        Some(key) => active(store, key.ring)?,
        None => json!([]),
    };
    store.activate(id, context.now())?;
    let detail = json!({ "ring": ring.map(|key| key.ring.as_str()), "former": former });
    place.record(context, "key.activate", &id.to_string(), &detail)?;
    let does = match ring.map(|key| key.ring) {
        Some(RingName::Master) => "seals secrets",
        _ => "makes tokens",
    };
    let text = format!("Key {id} is active: it {does} from now on.");
    let document = json!({ "kid": id.to_string(), "state": "active" });
    changed(context, place, document, &text).await
}

async fn retire(
    context: &Context,
    place: &Place,
    store: &KeyStore,
    key: &KeyName,
    force: bool,
) -> anyhow::Result<Outcome> {
    let id = key.find(store)?;
    place.ready_to_record()?;
    let now = context.now();
    let when = retirement(context, place, store, id, force).await?;
    place.begin_change()?;
    let retired = match store.retire(id, when) {
        Err(signet_keys::KeyError::TooEarly {
            removable_at: Some(at),
            ..
        }) => {
            let message = format!(
                "key {id} may still be needed until {}",
                moment::seen_from(now, at)
            );
            let hint = "wait, or add --force: whoever holds a token of it is logged out";
            return Err(Failure::new(message).hint(hint).into());
        }
        retired => retired?,
    };
    let detail = json!({ "forced": force });
    place.record(context, "key.retire", &id.to_string(), &detail)?;
    if let Some(left) = retired.left {
        place.poke().await;
        // To repeat it would find no key.
        let hint = "stop the instance once, and whatever else reads the repository: the last one that closes it empties its log";
        let message =
            format!("key {id} is removed, but bytes of it can still be in the repository's files");
        return Err(anyhow::Error::new(left).context(Failure::new(message).hint(hint)));
    }
    let text = match retired.from {
        ProviderName::File => format!("The file of key {id} is removed."),
        from => format!(
            "Key {id} is removed from {}, and no byte of it is left there.",
            from.in_words()
        ),
    };
    let document =
        json!({ "kid": id.to_string(), "state": "retired", "provider": retired.from.as_str() });
    changed(context, place, document, &text).await
}

/// A key that makes tokens goes by the clock, one that seals secrets when nothing is sealed with it any more.
async fn retirement(
    context: &Context,
    place: &Place,
    store: &KeyStore,
    id: KeyId,
    force: bool,
) -> anyhow::Result<Retirement> {
    let loaded = store.load(None)?;
    let is_master = loaded.of(RingName::Master).any(|key| key.id == id);
    let sealed = match is_master {
        true => Consequence::of(context, place, RingName::Master, id).await?,
        false => Consequence::Secrets { count: 0 },
    };
    let named = match sealed {
        Consequence::Secrets { count: 0 } => None,
        Consequence::Secrets { count: 1 } => Some("1 secret is".to_owned()),
        Consequence::Secrets { count } => Some(format!("{count} secrets are")),
        _ => Some("an unknown number of secrets is".to_owned()),
    };
    match (named, force) {
        (Some(named), false) => Err(Failure::new(format!("{named} sealed with the key {id}"))
            .hint("signet secret reseal seals them anew; or give them up for ever: add --force")
            .into()),
        (Some(named), true) if prompt::is_possible() => {
            let question = format!("{named} sealed with the key {id}. Give them up for ever?");
            prompt::confirm(&question).map(|()| Retirement::Forced)
        }
        (_, true) => Ok(Retirement::Forced),
        (None, false) if is_master => Ok(Retirement::NothingSealed),
        (None, false) => Ok(Retirement::WhenUnneeded {
            now: context.now(),
            inactivity: place.config().token.inactivity.0,
            skew: place.config().token.skew.0,
        }),
    }
}

async fn refresh(context: &Context, place: &Place, store: &KeyStore) -> anyhow::Result<Outcome> {
    let loaded = store.load(None)?;
    let says = place.poke().await;
    match says {
        InstanceSays::Refused { reason } => {
            let mut failure = Failure::new("the running instance read the keys and complains")
                .details(reason.lines().map(ToOwned::to_owned));
            if let Some(problem) = loaded.problems.first() {
                failure = failure.hint(problem.hint());
            }
            Err(failure.into())
        }
        InstanceSays::Silent => Err(Failure::new("the running instance did not answer")
            .hint("it looks by itself within 2 seconds; if it goes on, its log says why")
            .into()),
        InstanceSays::Applied | InstanceSays::NotRunning => {
            let count = loaded.keys.len();
            let text = match says {
                InstanceSays::Applied => {
                    format!("The running instance has read the keys; there are {count}.")
                }
                _ => format!(
                    "No instance is running on this data; the next start reads the keys, of which there are {count}."
                ),
            };
            let document = json!({
                "keys": count,
                "problems": loaded.problems,
                "instance": says,
            });
            context.output.answer(&document, &text)?;
            list::warn(context, &loaded);
            Ok(Outcome::Done)
        }
    }
}

/// Answers with what was changed, and with what the running instance says to it.
async fn changed(
    context: &Context,
    place: &Place,
    mut document: Value,
    text: &str,
) -> anyhow::Result<Outcome> {
    let says = place.poke().await;
    let object = document.as_object_mut().context("an answer is no object")?;
    object.insert("instance".to_owned(), serde_json::to_value(&says)?);
    context.output.answer(&document, text)?;
    says.tell(&context.output);
    Ok(Outcome::Done)
}
