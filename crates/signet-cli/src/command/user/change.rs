//! Commands that change one user.

use serde_json::{Value, json};
use signet_core::Subject;
use signet_repository::{Account, Repository, UserError};

use super::add::{kind, one_time, with_password};
use super::person::Person;
use crate::command::Outcome;
use crate::context::Context;
use crate::password::PasswordSource;
use crate::place::Place;
use crate::prompt;

pub(super) async fn disable(context: &Context, user: &Subject) -> anyhow::Result<Outcome> {
    let now = context.now();
    let text = format!("{user} is disabled, and all their sessions are ended.");
    let done = Done::new("user.disable", user, &text);
    change(context, &done, async |repository| {
        repository.disable_user(user, now).await
    })
    .await
}

pub(super) async fn enable(context: &Context, user: &Subject) -> anyhow::Result<Outcome> {
    let now = context.now();
    let text = format!("{user} may log in again.");
    let done = Done::new("user.enable", user, &text);
    change(context, &done, async |repository| {
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
    let done = Done::new("user.remove", user, &text);
    change(context, &done, async |repository| {
        repository.remove_user(user, now).await
    })
    .await
}

pub(super) async fn end_sessions(context: &Context, user: &Subject) -> anyhow::Result<Outcome> {
    let now = context.now();
    let text = format!("All sessions of {user} are ended; they may log in again.");
    let done = Done::new("user.end-sessions", user, &text);
    change(context, &done, async |repository| {
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
    place.ready_to_record()?;
    // Nobody likes to type a password for a user who does not exist.
    known(&place, user).await?;
    let given = source.take(user, place.config().login.password_least)?;
    let account = place
        .with_repository(async |repository| {
            place.begin_change()?;
            let stored = given.stored.clone();
            Ok(repository.set_password(user, stored, context.now()).await?)
        })
        .await?;
    let detail = json!({ "password": kind(&given) });
    place.record(context, "user.passwd", user.as_str(), &detail)?;
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

/// A change of one user, as it is told when it was made.
pub(super) struct Done<'d> {
    action: &'static str,
    user: &'d Subject,
    text: &'d str,
    detail: Value,
}

impl<'d> Done<'d> {
    pub(super) fn new(action: &'static str, user: &'d Subject, text: &'d str) -> Self {
        Self {
            action,
            user,
            text,
            detail: Value::Null,
        }
    }

    /// What else the audit log says of it.
    pub(super) fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

/// Makes one change, records it, tells the running instance, and answers.
pub(super) async fn change(
    context: &Context,
    done: &Done<'_>,
    make: impl AsyncFnOnce(&Repository) -> Result<Account, UserError>,
) -> anyhow::Result<Outcome> {
    let place = context.place()?;
    place.begin_change()?;
    let account = place
        .with_repository(async |repository| Ok(make(repository).await?))
        .await?;
    place.record(context, done.action, done.user.as_str(), &done.detail)?;
    let says = place.poke().await;
    let document = json!({ "user": Person::from(&account), "instance": says });
    context.output.answer(&document, done.text)?;
    says.tell(&context.output);
    Ok(Outcome::Done)
}

async fn known(place: &Place, user: &Subject) -> anyhow::Result<Account> {
    let found = place
        .with_repository(async |repository| Ok(repository.find_for_login(user).await?))
        .await?;
    Ok(found.ok_or_else(|| UserError::Unknown(user.clone()))?)
}
