//! `signet client list`

use serde_json::json;
use signet_oauth::Client;

use super::book;
use crate::command::Outcome;
use crate::context::Context;
use crate::output::visible;
use crate::table::table;

pub(super) async fn run(context: &Context) -> anyhow::Result<Outcome> {
    let place = context.place()?;
    let clients = place
        .with_repository(async |repository| book::read(&place, repository).await)
        .await?;
    let document = json!({ "clients": clients.iter().map(book::document).collect::<Vec<_>>() });
    let text = match clients.is_empty() {
        true => "There are no clients: signet client add makes one.".to_owned(),
        false => table(
            &[
                "name",
                "endpoint",
                "client id",
                "auth",
                "secret",
                "defined in",
            ],
            clients.iter().map(row),
        ),
    };
    context.output.answer(&document, &text)?;
    if !context.output.is_json() {
        for fault in clients
            .iter()
            .filter_map(|client| client.definition().err())
        {
            let (cause, remedy) = (visible(&book::whole(fault)), fault.hint());
            context.output.warning(&format!("{cause}\n  {remedy}"));
        }
    }
    Ok(Outcome::Done)
}

fn row(client: &Client) -> Vec<String> {
    let mut row = vec![client.name.to_string()];
    match (client.definition(), client.credential()) {
        (Ok(definition), Ok(credential)) => {
            let endpoint = definition.endpoint().map(|endpoint| endpoint.authority());
            row.extend([
                endpoint.unwrap_or_default(),
                definition.client_id.to_string(),
                definition.auth().to_string(),
                visible(&book::credential_words(credential)),
            ]);
        }
        _ => row.extend(["cannot be used", "", "", ""].map(ToOwned::to_owned)),
    }
    row.push(client.origin.to_string());
    row
}
