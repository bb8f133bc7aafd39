//! `signet user show`

use signet_core::{Subject, UnixSeconds};
use signet_repository::{Account, UserError};

use super::person::Person;
use crate::command::Outcome;
use crate::context::Context;
use crate::moment;
use crate::output::visible;
use crate::table::facts;

pub(super) async fn run(context: &Context, user: &Subject) -> anyhow::Result<Outcome> {
    let account = context
        .place()?
        .with_repository(async |repository| Ok(repository.user(user).await?))
        .await?
        .ok_or_else(|| UserError::Unknown(user.clone()))?;
    let person = Person::from(&account);
    context
        .output
        .answer(&person, &text(&account, &person, context.now()))?;
    Ok(Outcome::Done)
}

fn text(account: &Account, person: &Person<'_>, now: UnixSeconds) -> String {
    let state = match person.state {
        "removed" => "removed: only id and generation are kept",
        state => state,
    };
    let password = match person.password {
        "one-time" => "for one login, at which another must be chosen",
        "imported" => "imported; its hash is made anew at the next login",
        "unusable" => "set, but its hash is of no known kind: give another with signet user passwd",
        password => password,
    };
    let known = |text: Option<&str>| text.map_or_else(|| "–".to_owned(), visible);
    let groups = match person.groups.is_empty() {
        true => "–".to_owned(),
        false => person.groups.join(", "),
    };
    facts([
        ("user", person.id.to_owned()),
        ("state", state.to_owned()),
        ("name", known(person.name)),
        ("mail", known(person.mail)),
        ("groups", groups),
        ("password", password.to_owned()),
        ("generation", person.generation.to_string()),
        ("created", moment::seen_from(now, account.created)),
        ("changed", moment::seen_from(now, account.changed)),
    ])
}
