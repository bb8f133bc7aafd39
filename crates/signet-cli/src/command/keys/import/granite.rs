//! Raw key files, as AEM's tools make them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};
use signet_core::{Issuer, Key, KeyId, KeyMaterial, RingName};
use signet_keys::granite::{
    GraniteKey, GraniteKeys, MAX_RAW_KEY_BYTES, RawKeyKind, parse_raw_hmac, parse_raw_master,
};
use signet_keys::{Custody, Insertion, KeyError, KeyFault, KeyStore};
use signet_server::config;
use zeroize::Zeroizing;

use crate::artefact;
use crate::command::Outcome;
use crate::command::keys::revoke::active;
use crate::context::Context;
use crate::failure::Failure;
use crate::place::Place;

/// The files that were named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Files<'f> {
    pub(super) hmac: Option<&'f Path>,
    pub(super) master: Option<&'f Path>,
}

pub(super) async fn run(
    context: &Context,
    place: &Place,
    files: Files<'_>,
    activate: bool,
) -> anyhow::Result<Outcome> {
    let store = place.keys()?;
    // Both are read, and their places looked at, before either is written.
    let hmac = files.hmac.map(hmac).transpose()?;
    let master = files.master.map(master).transpose()?;
    let hmac = match hmac {
        Some(material) => {
            let farm = farm(&store)?;
            Some(Key::new(RingName::Hmac, farm, material, context.now()))
        }
        None => None,
    };
    let master = master.map(|bits| GraniteKey::new(bits, context.now()));
    // What is mounted is refused as such by whatever would write.
    if let Some(key) = &master
        && place.config().keys.custody == config::Custody::Private
    {
        check_place(&store, key)?;
    }
    place.begin_change()?;
    let import = Import {
        context,
        place,
        store: &store,
    };
    let mut taken = Taken::default();
    let stopped = import.take(&mut taken, hmac, master, activate);
    // What was taken in is here, whatever else went wrong.
    let says = place.poke().await;
    if let Err(error) = stopped {
        if !taken.told.is_empty() {
            context.output.aside(&taken.told.join("\n"));
            says.tell(&context.output);
        }
        return Err(error);
    }
    let document = json!({ "keys": taken.keys, "instance": says });
    context.output.answer(&document, &taken.told.join("\n"))?;
    says.tell(&context.output);
    for path in [files.hmac, files.master].into_iter().flatten() {
        after(context, path);
    }
    Ok(Outcome::Done)
}

/// What is here now, and as what.
#[derive(Debug, Default)]
struct Taken {
    told: Vec<String>,
    keys: Vec<Value>,
}

/// Where it goes.
struct Import<'i> {
    context: &'i Context,
    place: &'i Place,
    store: &'i KeyStore,
}

impl Import<'_> {
    /// Each change is recorded before the next one is made.
    fn take(
        &self,
        taken: &mut Taken,
        hmac: Option<Key>,
        master: Option<GraniteKey>,
        activate: bool,
    ) -> anyhow::Result<()> {
        if let Some(key) = hmac {
            self.take_hmac(taken, &key, activate)?;
        }
        if let Some(key) = master {
            let insertion = self.store.insert_granite(&key)?;
            let id = key.id().to_string();
            taken.told.push(format!(
                "The master of Granite is {} as {id}, kept apart in keys/granite: it opens values of Granite, nothing else.",
                place_word(insertion)
            ));
            let document = json!({ "ring": "granite", "kid": id, "change": word(insertion) });
            self.record(&id, insertion, &document)?;
            taken.keys.push(document);
        }
        Ok(())
    }

    fn take_hmac(&self, taken: &mut Taken, key: &Key, activate: bool) -> anyhow::Result<()> {
        let id = key.id.to_string();
        let insertion = self.store.insert(key)?;
        let document = json!({ "ring": "hmac", "kid": id, "change": word(insertion) });
        let mut done = self.record(&id, insertion, &document);
        if done.is_ok() && activate {
            done = self.activate(key.id);
        }
        taken.told.push(told_hmac(self.store, key, insertion)?);
        let activated = activate && done.is_ok();
        taken.keys.push(
            json!({ "ring": "hmac", "kid": id, "change": word(insertion), "activated": activated }),
        );
        done
    }

    /// As `signet keys activate` does.
    fn activate(&self, id: KeyId) -> anyhow::Result<()> {
        let former = active(self.store, RingName::Hmac)?;
        self.store.activate(id, self.context.now())?;
        let detail = json!({ "ring": "hmac", "former": former });
        self.place
            .record(self.context, "key.activate", &id.to_string(), &detail)
    }

    fn record(&self, id: &str, insertion: Insertion, detail: &Value) -> anyhow::Result<()> {
        match insertion {
            Insertion::Unchanged => Ok(()),
            _ => self.place.record(self.context, "key.import", id, detail),
        }
    }
}

/// Whether the master can be written: where keys/granite, or a file of it there, is not as it should be, nothing is taken.
fn check_place(store: &KeyStore, key: &GraniteKey) -> anyhow::Result<()> {
    let here = GraniteKeys::load(store.directory(), Custody::Private)?;
    let file = format!("{}.jwk", key.id());
    let in_the_way = here.problems.into_iter().find(|problem| {
        problem.path.ends_with(&file) && !matches!(problem.fault, KeyFault::Content(_))
    });
    in_the_way.map_or(Ok(()), |problem| {
        Err(KeyError::Unusable {
            path: problem.path,
            fault: problem.fault,
        }
        .into())
    })
}

fn hmac(path: &Path) -> anyhow::Result<KeyMaterial> {
    let bytes = raw(path)?;
    parse_raw_hmac(&bytes).with_context(|| refused(path, RawKeyKind::Hmac))
}

fn master(path: &Path) -> anyhow::Result<Zeroizing<[u8; 16]>> {
    let bytes = raw(path)?;
    parse_raw_master(&bytes).with_context(|| refused(path, RawKeyKind::Master))
}

fn raw(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let bytes = artefact::read(path, MAX_RAW_KEY_BYTES, "raw key")?;
    if bytes.len() > MAX_RAW_KEY_BYTES {
        let message = format!(
            "{} is larger than {MAX_RAW_KEY_BYTES} bytes: it is no raw key",
            path.display()
        );
        return Err(Failure::new(message).into());
    }
    Ok(bytes)
}

fn refused(path: &Path, kind: RawKeyKind) -> String {
    format!("{} is not a raw {kind} of Granite", path.display())
}

/// The farm that the key becomes one of.
fn farm(store: &KeyStore) -> anyhow::Result<Issuer> {
    let loaded = store.load(None)?;
    let newest = loaded.keys.iter().max_by_key(|key| (key.created, key.id));
    let Some(newest) = newest else {
        let failure = Failure::new(
            "this instance has no keys yet, so it belongs to no farm that the key could be for",
        );
        return Err(failure
            .hint("import it on the author, and bring it here with signet keys export and import")
            .into());
    };
    Ok(newest.farm.clone())
}

fn told_hmac(store: &KeyStore, key: &Key, insertion: Insertion) -> anyhow::Result<String> {
    let id = key.id;
    let loaded = store.load(None)?;
    let state = loaded
        .keys
        .iter()
        .find(|key| key.id == id)
        .map(|key| key.state);
    let state = state.map_or_else(String::new, |state| format!(", {state}"));
    let mut text = format!(
        "The hmac of Granite is {} as key {id}{state}.",
        place_word(insertion)
    );
    if state == ", pending" {
        text.push_str(&format!(
            "\nTo let it make tokens: signet keys activate {id}"
        ));
    }
    Ok(text)
}

/// What is left to do with the file that it came from.
fn after(context: &Context, path: &Path) {
    let file = path.display();
    let mode = std::fs::metadata(path).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        context.output.warning(&format!(
            "others than its owner can read {file}: remove it, and if they should not have the key, make a new one"
        ));
    } else if path != Path::new("-") {
        context.output.note(&format!(
            "{file} still holds the key: remove it when it is not needed any more."
        ));
    }
}

const fn place_word(insertion: Insertion) -> &'static str {
    match insertion {
        Insertion::Unchanged => "here already",
        Insertion::Repaired => "here again",
        _ => "here",
    }
}

fn word(insertion: Insertion) -> &'static str {
    match insertion {
        Insertion::Added => "added",
        Insertion::Advanced => "advanced",
        Insertion::Repaired => "repaired",
        _ => "unchanged",
    }
}
