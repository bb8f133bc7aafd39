//! `signet secret protect`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use signet_repository::{Repository, SettingName};
use signet_secret::{MasterKeys, Place as SecretPlace, SealedValue};
use signet_server::Config;
use signet_server::secrets::{SecretInventory, Standing};
use zeroize::Zeroizing;

use super::input;
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::place::Place;
use crate::prompt;

/// Seal a secret for one place
///
/// The secret comes from a prompt, from standard input or from a file, never from an argument. What is printed is to be
/// written into signet.toml; with --store it is kept in the repository instead.
#[derive(Debug, Args)]
pub(crate) struct Protect {
    /// Where it belongs, for example client/ims/secret
    #[arg(value_name = "PLACE")]
    place: SecretPlace,

    /// Read the secret from a file; `-` is standard input. The end of a lone line is no part of it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Keep it in the repository instead of printing it
    #[arg(long)]
    store: bool,

    /// Do not ask before another secret of this place is replaced
    #[arg(long, requires = "store")]
    yes: bool,
}

impl Protect {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let place = context.place()?;
        let master = MasterKeys::new(&place.keys()?.load(None)?);
        if !self.store {
            return self.print(context, &place, &master);
        }
        place.ready_to_record()?;
        place
            .with_repository(async |repository| {
                self.store(context, &place, &master, repository).await
            })
            .await
    }

    fn print(
        &self,
        context: &Context,
        place: &Place,
        master: &MasterKeys,
    ) -> anyhow::Result<Outcome> {
        let sealed = self.seal(master, &self.secret()?)?;
        let lines = lines_in_configuration(&self.place, place.config());
        let document = json!({
            "place": self.place,
            "key": sealed.key().to_string(),
            "value": sealed,
            "write": lines.as_ref().map(|lines| &lines.text),
        });
        context.output.answer(&document, &sealed.to_string())?;
        if let Some(lines) = &lines {
            context.output.note(&lines.told());
        } else if setting(&self.place).is_some() {
            context
                .output
                .note("Settings are in the repository; with --store it is kept there.");
        }
        self.warn_of_a_slip(context);
        Ok(Outcome::Done)
    }

    async fn store(
        &self,
        context: &Context,
        place: &Place,
        master: &MasterKeys,
        repository: &Repository,
    ) -> anyhow::Result<Outcome> {
        let is_replaced = self.stored(repository).await?.is_some();
        if is_replaced && !self.yes {
            self.ask_to_replace()?;
        }
        let sealed = self.seal(master, &self.secret()?)?;
        place.begin_change()?;
        let written = self.write(context, repository, &sealed).await;
        written.inspect_err(|_| place.leave_change())?;
        let key = sealed.key().to_string();
        let detail = json!({ "key": key, "replaced": is_replaced });
        place.record(context, "secret.protect", self.place.as_str(), &detail)?;
        let says = place.poke().await;
        let document = json!({
            "place": self.place,
            "key": key,
            "replaced": is_replaced,
            "instance": says,
        });
        let text = format!(
            "The secret of {} is {} in the repository, sealed with the key {key}.",
            self.place,
            if is_replaced { "replaced" } else { "kept" },
        );
        context.output.answer(&document, &text)?;
        says.tell(&context.output);
        self.warn_of_a_slip(context);
        let inventory = SecretInventory::of(place.directory(), repository)?;
        if let Some((_, standing)) = inventory.configured(&self.place) {
            context.output.warning(&format!(
                "{standing} has a value for this place, too: remove one of the two"
            ));
        }
        Ok(Outcome::Done)
    }

    /// A value for a place that nobody asks for opens for ever, and helps nobody.
    fn warn_of_a_slip(&self, context: &Context) {
        if !is_asked_for(&self.place) {
            context.output.warning(&format!(
                "nothing in this version asks for the secret of {}; those of an OAuth client are client/NAME/secret and client/NAME/private-key",
                self.place
            ));
        }
    }

    fn secret(&self) -> anyhow::Result<Zeroizing<String>> {
        input::secret(self.file.as_deref(), self.place.as_str())
    }

    fn seal(&self, master: &MasterKeys, secret: &str) -> anyhow::Result<SealedValue> {
        master
            .seal(&self.place, secret.as_bytes())
            .with_context(|| format!("the secret of {} was not sealed", self.place))
    }

    async fn stored(&self, repository: &Repository) -> anyhow::Result<Option<String>> {
        Ok(stored(repository, &self.place)
            .await?
            .map(|(value, _)| value))
    }

    async fn write(
        &self,
        context: &Context,
        repository: &Repository,
        sealed: &SealedValue,
    ) -> anyhow::Result<()> {
        let value = sealed.to_string();
        match setting(&self.place) {
            Some(name) => {
                repository.set_setting(&name, &Value::String(value)).await?;
            }
            None => {
                let place = self.place.as_str();
                repository.set_secret(place, &value, context.now()).await?;
            }
        }
        // What was there before is not left behind in the log of recent writes.
        repository.checkpoint().await.or_else(|error| match error {
            signet_repository::RepositoryError::Busy
            | signet_repository::RepositoryError::LogInUse => Ok(()),
            error => Err(error.into()),
        })
    }

    fn ask_to_replace(&self) -> anyhow::Result<()> {
        let place = &self.place;
        if prompt::is_possible() {
            return prompt::confirm(&format!("Replace the secret of {place} for ever?"));
        }
        let message =
            format!("the repository has a secret of {place}, and there is no terminal to ask at");
        Err(Failure::new(message).hint("add --yes to replace it").into())
    }
}

/// What the repository has for a place, and where.
pub(super) async fn stored(
    repository: &Repository,
    place: &SecretPlace,
) -> anyhow::Result<Option<(String, Standing)>> {
    let Some(name) = setting(place) else {
        let value = repository.secret(place.as_str()).await?;
        return Ok(value.map(|value| (value, Standing::Repository)));
    };
    let value = repository.setting(&name).await?;
    let text = value.as_ref().and_then(Value::as_str);
    Ok(text.map(|text| (text.to_owned(), Standing::Setting)))
}

/// The setting that a place is, if it is one.
fn setting(place: &SecretPlace) -> Option<SettingName> {
    let (first, name) = place.as_str().split_once('/')?;
    (first == "setting").then(|| name.parse().ok()).flatten()
}

fn is_asked_for(place: &SecretPlace) -> bool {
    let names: Vec<_> = place.segments().collect();
    matches!(
        names.as_slice(),
        ["client", _, "secret" | "private-key"] | ["setting", _]
    )
}

/// What is to be written into the configuration for the value of a place.
#[derive(Debug, PartialEq, Eq)]
struct Lines {
    client: String,
    /// With the table and what else it needs, if the configuration does not have the client.
    text: String,
    is_whole: bool,
}

/// Only values of clients stand there: with any other line the configuration would be refused.
fn lines_in_configuration(place: &SecretPlace, config: &Config) -> Option<Lines> {
    let names: Vec<_> = place.segments().collect();
    let (client, line, auth) = match names.as_slice() {
        ["client", client, "secret"] => (*client, "secret", ""),
        ["client", client, "private-key"] => {
            (*client, "private_key", "auth = \"private_key_jwt\"\n")
        }
        _ => return None,
    };
    let line = format!("{line} = \"sealed:v1:…\"");
    let is_whole = config.client.keys().all(|name| name.as_str() != client);
    let text = match is_whole {
        true => format!(
            "{}\ntoken_endpoint = \"https://…\"\nclient_id = \"…\"\n{auth}{line}",
            table(client)
        ),
        false => line,
    };
    Some(Lines {
        client: client.to_owned(),
        text,
        is_whole,
    })
}

impl Lines {
    fn told(&self) -> String {
        let (client, text) = (&self.client, &self.text);
        match self.is_whole {
            false => format!(
                "Write it into the table {} of signet.toml:\n\n{text}",
                table(client)
            ),
            true => format!(
                "Write it into signet.toml, with the endpoint and the id of the client; preset = \"adobe-ims\" stands for the endpoint of Adobe:\n\n{text}\n\nOr let the repository keep all of it: signet client add {client} --help. The secret alone goes there with --store.",
            ),
        }
    }
}

/// The head of a client's table.
fn table(client: &str) -> String {
    match client.contains('.') {
        true => format!("[client.\"{client}\"]"),
        false => format!("[client.{client}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_written_is_a_whole_table() {
        let path = std::path::Path::new("signet.toml");
        let value = format!("sealed:v1:{}:{}", "0".repeat(32), "A".repeat(48));
        for place in ["client/ims/secret", "client/my.app/private-key"] {
            let place = place.parse().unwrap();
            let lines = lines_in_configuration(&place, &Config::default()).unwrap();
            assert!(lines.told().contains(&lines.text));
            let text = lines
                .text
                .replace("https://…", "https://id.example/token")
                .replace("sealed:v1:…", &value)
                .replace('…', "4c6a1f");
            let config = Config::parse(&text, path).unwrap();
            // What is there needs the one line.
            let lines = lines_in_configuration(&place, &config).unwrap();
            assert_eq!(lines.text.lines().count(), 1);
            let words = format!(
                "into the table [client.{}",
                if lines.client == "ims" {
                    "ims]"
                } else {
                    "\"my.app\"]"
                }
            );
            assert!(lines.told().contains(&words), "{}", lines.told());
        }
        for other in ["name", "setting/mail.password", "client/ims/secrt"] {
            let place = other.parse().unwrap();
            assert_eq!(lines_in_configuration(&place, &Config::default()), None);
        }
    }

    #[test]
    fn a_slip_is_told_from_a_place() {
        for (place, asked_for) in [
            ("client/ims/secret", true),
            ("client/jwt/private-key", true),
            ("setting/mail.password", true),
            ("client/ims/secrt", false),
            ("clients/ims/secret", false),
            ("client/ims", false),
        ] {
            assert_eq!(is_asked_for(&place.parse().unwrap()), asked_for, "{place}");
        }
    }

    #[test]
    fn only_places_of_settings_are_settings() {
        let name = |place: &str| setting(&place.parse().unwrap()).map(|name| name.to_string());
        assert_eq!(
            name("setting/mail.password").as_deref(),
            Some("mail.password")
        );
        for place in ["setting", "setting/a/b", "settings/a", "client/setting/a"] {
            assert_eq!(name(place), None, "{place}");
        }
    }
}
