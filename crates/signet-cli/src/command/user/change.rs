//! Commands that change one user.

use serde_json::json;
use signet_core::Subject;
use signet_repository::{Account, Repository, UserError};

use super::add::{one_time, with_password};
use super::person::Person;
use crate::command::Outcome;
use crate::context::Context;
use crate::password::PasswordSource;
use crate::place::Place;
use crate::prompt;

pub(super) async fn disable(context: &Context, user: &Subject) -> anyhow::Result<Outcome> {
    let now = context.now();
    let text = format!("{user} is disabled, and all their sessions are ended.");
    change(context, &text, async |repository| {
        repository.disable_user(user, now).await
    })
    .await
}

pub(super) async fn enable(context: &Context, user: &Subject) -> anyhow::Result<Outcome> {
    let now = context.now();
    let text = format!("{user} may log in again.");
    change(context, &text, async |repository| {
        repository.enable_user(user, now).await
    })
    .await
}

pub(super) async fn remove(
    context: &Context,
    user: &Subject,
    yes: bool,
) -> anyhow::Result<Outcome> {
    let place = context.place()?;
    known(&place, user).await?;
    if !yes && prompt::is_possible() {
        prompt::confirm(&format!("Remove {user} and end all their sessions?"))?;
    }
    let now = context.now();
    let text = format!("{user} is removed, and all their sessions are ended.");
    change(context, &text, async |repository| {
        repository.remove_user(user, now).await
    })
    .await
}

pub(super) async fn end_sessions(context: &Context, user: &Subject) -> anyhow::Result<Outcome> {
    let now = context.now();
    let text = format!("All sessions of {user} are ended; they may log in again.");
    change(context, &text, async |repository| {
        repository.end_sessions(user, now).await?;
        let account = repository.user(user).await?;
        account.ok_or_else(|| UserError::Unknown(user.clone()))
    })
    .await
}

pub(super) async fn passwd(
    context: &Context,
    user: &Subject,
    source: &PasswordSource,
) -> anyhow::Result<Outcome> {
    let place = context.place()?;
    // Nobody likes to type a password for a user who does not exist.
    known(&place, user).await?;
    let given = source.take(user, place.config().login.password_least)?;
    let account = place
        .with_repository(async |repository| {
            let stored = given.stored.clone();
            Ok(repository.set_password(user, stored, context.now()).await?)
        })
        .await?;
    let says = place.poke().await;
    let document = json!({
        "user": Person::from(&account),
        "one_time_password": one_time(&given),
        "instance": says,
    });
    let done = match given.stored {
        Some(_) => format!("{user} has a new password, and all their sessions are ended."),
        None => format!("{user} has no password any more, and all their sessions are ended."),
    };
    context
        .output
        .answer(&document, &with_password(done, &given))?;
    says.tell(&context.output);
    Ok(Outcome::Done)
}

/// Makes one change, tells the running instance, and answers.
pub(super) async fn change(
    context: &Context,
    text: &str,
    make: impl AsyncFnOnce(&Repository) -> Result<Account, UserError>,
) -> anyhow::Result<Outcome> {
    let place = context.place()?;
    let account = place
        .with_repository(async |repository| Ok(make(repository).await?))
        .await?;
    let says = place.poke().await;
    let document = json!({ "user": Person::from(&account), "instance": says });
    context.output.answer(&document, text)?;
    says.tell(&context.output);
    Ok(Outcome::Done)
}

async fn known(place: &Place, user: &Subject) -> anyhow::Result<Account> {
    let found = place
        .with_repository(async |repository| Ok(repository.find_for_login(user).await?))
        .await?;
    Ok(found.ok_or_else(|| UserError::Unknown(user.clone()))?)
}
