//! `signet secret unprotect`

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use signet_keys::Custody;
use signet_keys::granite::{GraniteKey, GraniteKeys};
use signet_secret::{GraniteValue, MasterKeys, Place as SecretPlace, SealedValue};
use signet_server::secrets::SecretInventory;
use zeroize::Zeroizing;

use super::{input, protect};
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::place::Place;
use crate::prompt;

/// Open a sealed value and print the secret
///
/// Without a file it is the value that stands in signet.toml or in the repository for this place. Printing a secret is
/// recorded in the audit log.
#[derive(Debug, Args)]
pub(crate) struct Unprotect {
    /// Where it belongs, for example client/ims/secret
    #[arg(value_name = "PLACE", required_unless_present = "granite")]
    place: Option<SecretPlace>,

    /// The file that holds the sealed value; `-` is standard input
    #[arg(value_name = "VALUE-FILE", conflicts_with = "stored")]
    value: Option<PathBuf>,

    /// Take the value that the repository has, though signet.toml may have another
    #[arg(long)]
    stored: bool,

    /// Open a protected string of AEM, {…}, from a file instead (`-` is standard input), with a master imported from there
    #[arg(long, value_name = "VALUE-FILE", conflicts_with_all = ["place", "value", "stored"])]
    granite: Option<PathBuf>,

    /// Do not ask before the secret is shown on this terminal
    #[arg(long)]
    yes: bool,
}

/// A secret that was opened.
struct Opened {
    /// Of what.
    object: String,
    /// Where the sealed value came from.
    from: String,
    key: String,
    secret: Zeroizing<String>,
}

impl Unprotect {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let place = context.place()?;
        place.ready_to_record()?;
        let opened = match (&self.granite, &self.place) {
            (Some(path), _) => granite(&place, path)?,
            (None, Some(belongs)) => self.sealed(&place, belongs).await?,
            (None, None) => return Err(Failure::new("no place is given").into()),
        };
        if !self.yes {
            ask_to_show(&opened.object)?;
        }
        // First the line in the log: nobody has read what is not recorded.
        let detail = json!({ "key": opened.key, "from": opened.from });
        place.record(context, "secret.unprotect", &opened.object, &detail)?;
        if context.output.is_json() {
            let document = json!({
                "place": opened.object,
                "from": opened.from,
                "key": opened.key,
                "secret": opened.secret.as_str(),
            });
            context.output.document(&document)?;
            return Ok(Outcome::Done);
        }
        context.output.raw(&opened.secret)?;
        if !opened.secret.ends_with('\n') {
            context.output.raw("\n")?;
        }
        Ok(Outcome::Done)
    }

    async fn sealed(&self, place: &Place, belongs: &SecretPlace) -> anyhow::Result<Opened> {
        let (value, from) = match &self.value {
            Some(path) => {
                let value = input::from(path, "sealed value")?;
                (value.trim().to_owned(), source(path))
            }
            None => self.standing(place, belongs).await?,
        };
        let master = MasterKeys::new(&place.keys()?.load(None)?);
        let does_not_open = || format!("the value of {belongs} from {from} does not open");
        let value: SealedValue = value
            .parse()
            .map_err(signet_secret::OpenError::from)
            .with_context(does_not_open)?;
        let secret = master.open(belongs, &value).with_context(does_not_open)?;
        let secret = std::str::from_utf8(&secret)
            .map_err(|_| Failure::new("it opens, but what is in it is not text"))?;
        Ok(Opened {
            object: belongs.to_string(),
            key: value.key().to_string(),
            secret: Zeroizing::new(secret.to_owned()),
            from,
        })
    }

    /// The value that stands in the configuration or in the repository.
    async fn standing(
        &self,
        place: &Place,
        belongs: &SecretPlace,
    ) -> anyhow::Result<(String, String)> {
        let found = place
            .with_repository(async |repository| {
                if !self.stored {
                    let inventory = SecretInventory::of(place.directory(), repository)?;
                    if let Some((value, standing)) = inventory.configured(belongs) {
                        return Ok(Some((value.to_owned(), standing)));
                    }
                }
                protect::stored(repository, belongs).await
            })
            .await?;
        let (value, standing) = found.ok_or_else(|| {
            let message = match self.stored {
                true => format!("the repository has no value for {belongs}"),
                false => format!("neither signet.toml nor the repository has a value for {belongs}"),
            };
            Failure::new(message).hint("signet secret check --json counts the values there are; a value from elsewhere is given as a file")
        })?;
        Ok((value, standing.to_string()))
    }
}

/// Opens a protected string of Granite with each master that was imported.
fn granite(place: &Place, path: &Path) -> anyhow::Result<Opened> {
    let text = input::from(path, "Granite value")?;
    let value: GraniteValue = text
        .trim()
        .parse()
        .with_context(|| format!("{} holds no protected string of AEM", source(path)))?;
    let custody = match place.config().keys.custody {
        signet_server::config::Custody::Mounted => Custody::Mounted,
        signet_server::config::Custody::Private => Custody::Private,
    };
    let imported = GraniteKeys::load(place.keys()?.directory(), custody)?;
    let opens = |key: &GraniteKey| Some((key.id(), value.open(key).ok()?));
    let mut opened: Vec<_> = imported.keys.iter().filter_map(opens).collect();
    match (opened.pop(), opened.is_empty()) {
        (Some((id, secret)), true) => Ok(Opened {
            object: "granite".to_owned(),
            from: source(path),
            key: id.to_string(),
            secret,
        }),
        (Some(_), false) => Err(Failure::new(
            "several masters open it, and this format cannot tell which is right",
        )
        .details(imported.keys.iter().map(|key| key.id().to_string()))
        .hint("keep only the master of that installation in keys/granite, and repeat it")
        .into()),
        (None, _) => Err(not_opened(&imported)),
    }
}

fn not_opened(imported: &GraniteKeys) -> anyhow::Error {
    let problems = imported.problems.iter().map(ToString::to_string);
    let hint = "import the master of the installation that protected it: signet keys import --granite-master FILE";
    let failure = match imported.keys.as_slice() {
        [] => Failure::new("no master of AEM was imported here"),
        _ => Failure::new(
            "it opens with no master that was imported here: the key is another one, or the value is damaged",
        )
        .details(imported.keys.iter().map(|key| format!("tried {}", key.id()))),
    };
    failure.details(problems).hint(hint).into()
}

/// On a screen a secret is seen by whoever stands behind, and stays in the terminal's memory.
fn ask_to_show(object: &str) -> anyhow::Result<()> {
    if !io::stdout().is_terminal() {
        return Ok(());
    }
    if prompt::is_possible() {
        return prompt::confirm(&format!("Show the secret of {object} on this terminal?"));
    }
    Err(Failure::new("the secret would be shown on this terminal")
        .hint("add --yes, or send the output to a program or a file of mode 0600")
        .into())
}

fn source(path: &Path) -> String {
    match path == Path::new("-") {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}
