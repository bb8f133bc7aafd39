//! `signet token verify`

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::explanation::Explanation;
use crate::command::Outcome;
use crate::context::Context;
use crate::output::{Meaning, visible};
use crate::{instance, moment};

pub(super) async fn run(context: &Context, token: &SecretString) -> anyhow::Result<Outcome> {
    let now = context.now();
    let instance = instance::open(context).await?;
    let explanation = Explanation::of(token.expose_secret(), &instance.site(), now).await?;
    instance.site().repository.close().await;
    if let Some(denied) = explanation.denied() {
        let document = json!({
            "verdict": "denied",
            "code": denied.code(),
            "reason": denied.to_string(),
        });
        let verdict = context.output.paint("denied", Meaning::Bad);
        let text = format!("{verdict}: {}: {denied}", denied.code());
        context.output.answer(&document, &text)?;
        context
            .output
            .note("`signet token explain` says more, and what to do.");
        return Ok(Outcome::Denied);
    }
    let subject = explanation.claim("sub").unwrap_or_default();
    let expires = explanation.expires_at().unwrap_or_default();
    let document = json!({
        "verdict": "ok",
        "user": subject,
        "kind": explanation.kind(),
        "expires": expires.0,
    });
    let verdict = context.output.paint("ok", Meaning::Good);
    let text = format!(
        "{verdict}: {} until {}",
        visible(subject),
        moment::seen_from(now, expires)
    );
    context.output.answer(&document, &text)?;
    Ok(Outcome::Done)
}
