//! `signet client show`

use serde_json::{Value, json};
use signet_oauth::{Client, ClientName};
use signet_repository::ClientToken;

use super::book;
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::moment;
use crate::output::visible;
use crate::table::facts;

pub(super) async fn run(context: &Context, name: &ClientName) -> anyhow::Result<Outcome> {
    let place = context.place()?;
    let (client, token) = place
        .with_repository(async |repository| {
            let client = book::find(&book::read(&place, repository).await?, name)?;
            Ok((client, repository.client_token(name.as_str()).await?))
        })
        .await?;
    let mut document = book::document(&client);
    if let Some(document) = document.as_object_mut() {
        let kept = token
            .as_ref()
            .map(|token| json!({ "until": token.expires.0 }));
        document.insert("token".to_owned(), kept.unwrap_or(Value::Null));
    }
    context
        .output
        .answer(&document, &text(context, &client, token.as_ref())?)?;
    Ok(Outcome::Done)
}

fn text(context: &Context, client: &Client, token: Option<&ClientToken>) -> anyhow::Result<String> {
    let fault = |fault: &signet_oauth::ClientFault| {
        Failure::new(visible(&book::whole(fault))).hint(fault.hint())
    };
    let definition = client.definition().map_err(fault)?;
    let credential = client.credential().map_err(fault)?;
    let now = context.now();
    let kept = match token {
        Some(token) if token.expires > now => {
            format!("kept until {}", moment::seen_from(now, token.expires))
        }
        _ => "none is kept; the next who asks gets one from the endpoint".to_owned(),
    };
    let text = |text: Option<&str>| text.map_or_else(|| "–".to_owned(), visible);
    let mut lines = vec![
        ("client", client.name.to_string()),
        ("defined in", client.origin.to_string()),
        ("preset", definition.preset.to_string()),
        ("endpoint", definition.endpoint()?.to_string()),
        ("client id", definition.client_id.to_string()),
        ("auth", definition.auth().to_string()),
        (
            definition.auth().credential().words(),
            visible(&book::credential_words(credential)),
        ),
        (
            "scope",
            text(definition.scope.as_ref().map(|scope| scope.as_str())),
        ),
    ];
    if let Some(key_id) = &definition.key_id {
        lines.push(("key id", visible(key_id)));
    }
    if let Some(audience) = &definition.audience {
        lines.push(("audience", visible(audience)));
    }
    if let Some(ca_file) = &definition.ca_file {
        lines.push(("trusts", visible(&ca_file.display().to_string())));
    }
    lines.push(("token", kept));
    Ok(facts(lines))
}
