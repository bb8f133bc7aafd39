//! `signet token explain`

use std::fmt::Write as _;

use secrecy::{ExposeSecret as _, SecretString};
use signet_core::UnixSeconds;

use super::explanation::{CHECKS, Explanation};
use crate::command::Outcome;
use crate::context::Context;
use crate::output::{Meaning, visible};
use crate::table::table;
use crate::{instance, moment};

pub(super) async fn run(context: &Context, token: &SecretString) -> anyhow::Result<Outcome> {
    let now = context.now();
    let instance = instance::open(context).await?;
    let explanation = Explanation::of(token.expose_secret(), &instance.site(), now).await?;
    instance.site().repository.close().await;
    context
        .output
        .answer(&explanation, &text(context, &explanation, now))?;
    Ok(match explanation.denied() {
        None => Outcome::Done,
        Some(_) => Outcome::Denied,
    })
}

fn text(context: &Context, explanation: &Explanation, now: UnixSeconds) -> String {
    let output = &context.output;
    let mut text = format!("{}\n\n", explanation.what());
    // Writing to a string does not fail.
    for check in CHECKS {
        let Some(step) = explanation.step(check) else {
            let _ = writeln!(text, "  {check:<14}  –       not looked at");
            continue;
        };
        let _ = match step.denied {
            None => writeln!(text, "  {check:<14}  {}", output.paint("ok", Meaning::Good)),
            Some(denied) => writeln!(
                text,
                "  {check:<14}  {}  {}: {denied}",
                output.paint("denied", Meaning::Bad),
                denied.code()
            ),
        };
        for line in step.advice.iter().flat_map(|advice| advice.lines()) {
            let _ = writeln!(text, "  {:<14}          {line}", "");
        }
    }
    let claims = explanation.claims();
    if !claims.is_empty() {
        let rows = claims.iter().map(|claim| {
            let value = match claim.time() {
                Some(time) => moment::seen_from(now, time),
                None => visible(&claim.text()),
            };
            vec![claim.name.to_owned(), value, claim.meaning.to_owned()]
        });
        let _ = write!(text, "\n{}", table(&["claim", "value", "meaning"], rows));
    }
    let verdict = match explanation.denied() {
        None => output.paint("ok", Meaning::Good),
        Some(denied) => format!(
            "{}: {}",
            output.paint("denied", Meaning::Bad),
            denied.code()
        ),
    };
    let _ = write!(text, "\nVerdict at {}: {verdict}", moment::utc(now));
    text
}
