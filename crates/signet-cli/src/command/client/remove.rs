//! `signet client remove`

use serde_json::json;
use signet_oauth::{ClientName, CredentialKind, credential_place};

use super::book;
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::prompt;

pub(super) async fn run(
    context: &Context,
    name: &ClientName,
    yes: bool,
) -> anyhow::Result<Outcome> {
    let place = context.place()?;
    let is_configured = place.config().client.contains_key(name);
    let present = place
        .with_repository(async |repository| Ok(repository.client(name.as_str()).await?.is_some()))
        .await?;
    if !present {
        let failure = Failure::new(format!("the repository has no client {name}"));
        let hint = match is_configured {
            true => "signet.toml defines it: take the section out there",
            false => "signet client list shows those there are",
        };
        return Err(failure.hint(hint).into());
    }
    if !yes {
        ask(name)?;
    }
    place.begin_change()?;
    let now = context.now();
    place
        .with_repository(async |repository| {
            let secret = credential_place(name, CredentialKind::Secret);
            repository
                .remove_client(name.as_str(), secret.as_str(), now)
                .await?;
            let key = credential_place(name, CredentialKind::PrivateKey);
            let tidied = async {
                repository.remove_secret(key.as_str(), now).await?;
                book::settle(repository).await
            };
            // The client is gone, whatever comes of that.
            tidied.await.inspect_err(|_| place.leave_change())
        })
        .await?;
    place.record(
        context,
        "client.remove",
        &format!("client/{name}"),
        &json!({}),
    )?;
    let says = place.poke().await;
    let document = json!({ "name": name, "removed": true, "instance": says });
    let text = match is_configured {
        true => format!(
            "Removed the client {name} from the repository; the one in signet.toml counts now."
        ),
        false => format!("Removed the client {name}, its secret and its token."),
    };
    context.output.answer(&document, &text)?;
    Ok(Outcome::Done)
}

/// A secret that is gone cannot be brought back, so no script loses one for want of a terminal.
fn ask(name: &ClientName) -> anyhow::Result<()> {
    if prompt::is_possible() {
        return prompt::confirm(&format!(
            "Remove the client {name} and its secret for ever?"
        ));
    }
    let message = "a removed secret cannot be brought back, and there is no terminal to ask at";
    Err(Failure::new(message).hint("add --yes").into())
}
