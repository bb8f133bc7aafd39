//! `signet backup`

mod check;
mod opening;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use signet_backup::{Backup as Made, BackupOptions, Manifest, Receiver, Seal, back_up};

use super::Outcome;
use super::node;
use crate::artefact;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::visible;
use crate::place::Place;
use crate::progress::Bar;
use crate::prompt;
use crate::secret;

pub(crate) use opening::Opening;

const HELP: &str = "\
The backup is one file of mode 0600: an age file that only the passphrase or the named receivers open, signed by this \
instance. It holds the keys, the repository, the configuration, the identity of the instance and its audit log, all of \
one moment. An instance that runs meanwhile is not disturbed. A file that exists is never overwritten.

A key file that cannot be read is named, the backup is made without it, and the exit status is 1.

The passphrase is asked for, or read from a file. Keep it elsewhere: without it nobody opens the backup. With --for no \
passphrase is needed to make a backup, so that is what a nightly job uses: name the card of another instance (signet node \
show), or an age recipient whose private key lies in a safe.";

/// Put the whole installation away into one sealed file, while it runs
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Backup {
    /// The file to make, or with --check the one to look at
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Seal it for an instance (its card) or a person (age recipients); several may be named
    #[arg(long = "for", value_name = "FILE", num_args = 1.., conflicts_with_all = ["passphrase_file", "check"])]
    receivers: Vec<PathBuf>,

    /// Read FILE and say whether it is whole and what is in it, instead of making it
    #[arg(long)]
    check: bool,

    #[command(flatten)]
    opening: Opening,
}

impl Backup {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self.check {
            true => check::run(context, &self.file, &self.opening),
            false => self.make(context).await,
        }
    }

    async fn make(self, context: &Context) -> anyhow::Result<Outcome> {
        self.opening.refuse_identity()?;
        let place = context.place()?;
        let receivers = self.receivers()?;
        warn_if_only_for_itself(context, &place, &receivers);
        let seal = match receivers.as_slice() {
            [] => Seal::Passphrase(self.new_passphrase()?),
            some => Seal::Recipients(some.iter().map(|one| one.recipient().clone()).collect()),
        };
        place.begin_change()?;
        node::identity(context, &place)?;
        let options = BackupOptions {
            seal,
            name: node::name(&place),
            program: env!("CARGO_PKG_VERSION"),
            now: context.now(),
        };
        let copying = Bar::unknown("Copying the repository");
        let mut bar = None;
        let (directory, config) = (place.directory(), place.config());
        let made = back_up(directory, config, &self.file, &options, |done, total| {
            bar.get_or_insert_with(|| Bar::bytes("Sealing", total))
                .reach(done);
        })
        .await
        .context("no backup was made")?;
        drop((copying, bar));

        let file = self.file.display().to_string();
        let document = document(&file, &made, &receivers);
        let detail = json!({
            "sealed": document["sealed"],
            "for": document["for"],
            "bytes": made.size,
        });
        place.record(context, "backup.make", &file, &detail)?;
        context
            .output
            .answer(&document, &told(&place, &file, &made, &receivers))?;
        warn(context, &made);
        // Whoever makes backups at night reads the exit status and nothing else.
        match made.left_out.is_empty() {
            true => Ok(Outcome::Done),
            false => Ok(Outcome::Denied),
        }
    }

    fn receivers(&self) -> anyhow::Result<Vec<Receiver>> {
        const LARGEST: usize = 64 * 1_024;
        let mut receivers = Vec::new();
        for path in &self.receivers {
            let bytes = artefact::read(path, LARGEST, "receiver of the backup")?;
            let read = Receiver::read(&bytes)
                .with_context(|| format!("{} names no receiver", path.display()))?;
            for receiver in read {
                if !receivers.contains(&receiver) {
                    receivers.push(receiver);
                }
            }
        }
        Ok(receivers)
    }

    fn new_passphrase(&self) -> anyhow::Result<SecretString> {
        /// Whoever has the file can try as many as they like, at a second each.
        const SHORTEST: usize = 12;
        let passphrase = match &self.opening.passphrase_file {
            Some(path) => secret::from_file(path, "passphrase")?,
            None if prompt::is_possible() => prompt::new_passphrase("the backup")?,
            None => {
                let failure = Failure::new("there is no terminal to ask for a passphrase at");
                return Err(failure
                    .hint("add --passphrase-file FILE, or name receivers with --for FILE")
                    .into());
            }
        };
        if passphrase.expose_secret().chars().count() < SHORTEST {
            let message = format!("the passphrase has less than {SHORTEST} characters");
            return Err(Failure::new(message)
                .hint("take five words that nobody would put together")
                .into());
        }
        Ok(passphrase)
    }
}

/// What only this instance can open is lost together with it.
fn warn_if_only_for_itself(context: &Context, place: &Place, receivers: &[Receiver]) {
    let own = signet_bundle::NodeIdentity::open(&place.directory().node_directory());
    let Some(own) = own.ok().flatten().map(|identity| identity.recipient()) else {
        return;
    };
    if !receivers.is_empty() && receivers.iter().all(|one| *one.recipient() == own) {
        context.output.warning(
            "only this instance can open the backup: when its disk is lost, so is the backup; name another receiver, too",
        );
    }
}

fn document(file: &str, made: &Made, receivers: &[Receiver]) -> Value {
    let mut document = described(&made.manifest);
    let receivers: Vec<_> = receivers.iter().map(receiver).collect();
    let left_out: Vec<_> = made
        .left_out
        .iter()
        .map(|left| json!({ "file": left.path.display().to_string(), "reason": left.reason }))
        .collect();
    let strange: Vec<_> = made
        .strange
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    if let Some(object) = document.as_object_mut() {
        object.insert("file".into(), json!(file));
        object.insert("bytes".into(), json!(made.size));
        object.insert(
            "sealed".into(),
            json!(if receivers.is_empty() {
                "passphrase"
            } else {
                "receivers"
            }),
        );
        object.insert("for".into(), json!(receivers));
        object.insert("left_out".into(), json!(left_out));
        object.insert("not_included".into(), json!(strange));
    }
    document
}

fn receiver(receiver: &Receiver) -> Value {
    match receiver {
        Receiver::Instance { id, name, .. } => json!({ "id": id.to_string(), "name": name }),
        other => json!({ "recipient": other.recipient().to_string() }),
    }
}

fn told(place: &Place, file: &str, made: &Made, receivers: &[Receiver]) -> String {
    let data = place.directory().path().display();
    let mut text = format!(
        "Backed up {data} into {file}: {}.\nIt holds {}.\n",
        size(made.size),
        contents(&made.manifest)
    );
    if receivers.is_empty() {
        text.push_str("Keep the passphrase elsewhere: without it nobody opens the backup.\n");
    } else {
        text.push_str("These can open it:\n");
    }
    for receiver in receivers {
        text.push_str(&match receiver {
            Receiver::Instance { id, name, .. } => format!("  {id}  {name}\n"),
            other => format!("  {}\n", other.recipient()),
        });
    }
    text
}

fn warn(context: &Context, made: &Made) {
    for left in &made.left_out {
        let file = visible(&left.path.display().to_string());
        context
            .output
            .warning(&format!("{file} is not in the backup: {}", left.reason));
    }
    if !made.left_out.is_empty() {
        context.output.note(
            "The backup is good for everything else; `signet doctor` says what mends the rest. Then make another.",
        );
    }
    if !made.strange.is_empty() {
        let names: Vec<_> = made
            .strange
            .iter()
            .map(|path| visible(&path.display().to_string()))
            .collect();
        context.output.note(&format!(
            "Not in it, because it is no part of an installation: {}",
            names.join(", ")
        ));
    }
}

/// What a manifest says, for a document.
pub(crate) fn described(manifest: &Manifest) -> Value {
    json!({
        "made": manifest.made.0,
        "program": manifest.program,
        "farm": manifest.farm.as_ref().map(ToString::to_string),
        "node": {
            "id": manifest.node_id().to_string(),
            "name": manifest.node.name().as_str(),
        },
        "keys": keys(manifest),
        "entries": manifest.entries.len(),
        "content_bytes": manifest.bytes(),
    })
}

/// `4 keys and 9 other files, 231.5 KiB`
pub(crate) fn contents(manifest: &Manifest) -> String {
    let keys = keys(manifest);
    let others = manifest.entries.len() - keys;
    format!(
        "{} in files and {}, {} in all",
        counted(keys as u64, "key"),
        counted(others as u64, "other file"),
        size(manifest.bytes())
    )
}

fn keys(manifest: &Manifest) -> usize {
    let entries = manifest.entries.iter();
    entries
        .filter(|entry| {
            Path::new(entry.name.as_str())
                .extension()
                .is_some_and(|end| end == "jwk")
        })
        .count()
}

pub(crate) fn counted(count: u64, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        count => format!("{count} {thing}s"),
    }
}

/// A size for people.
pub(crate) fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    for (unit, bits) in units {
        if bytes >> bits > 0 {
            let tenths = (bytes >> (bits - 10)).saturating_mul(10) >> 10;
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    counted(bytes, "byte")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_easily() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1_023, "1023 bytes"),
            (1_024, "1.0 KiB"),
            (1_536, "1.5 KiB"),
            (5 << 20, "5.0 MiB"),
            ((7 << 30) + (1 << 29), "7.5 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
