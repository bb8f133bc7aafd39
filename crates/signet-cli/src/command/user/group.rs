//! `signet user group`

use clap::Subcommand;
use serde_json::json;
use signet_core::{GroupName, GroupSet, Subject};
use signet_repository::UserError;

use super::change::{Done, change};
use super::person::names;
use crate::command::Outcome;
use crate::context::Context;
use crate::moment;
use crate::table::table;

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Put a user into groups, which are made if they do not exist yet
    Add {
        /// The user's id
        user: Subject,
        /// The groups
        #[arg(required = true, value_name = "GROUP")]
        groups: Vec<GroupName>,
    },
    /// Take a user out of groups
    Remove {
        /// The user's id
        user: Subject,
        /// The groups
        #[arg(required = true, value_name = "GROUP")]
        groups: Vec<GroupName>,
    },
    /// List all groups, or those of a user
    List {
        /// The user's id
        user: Option<Subject>,
    },
}

pub(super) async fn run(context: &Context, action: Action) -> anyhow::Result<Outcome> {
    match action {
        Action::Add { user, groups } => {
            let added: GroupSet = groups.into_iter().collect();
            let text = format!("{user} is in {}.", names(&added).join(", "));
            let done = Done::new("user.join-groups", &user, &text)
                .detail(json!({ "groups": names(&added) }));
            set(context, &done, &user, |before| {
                before.iter().chain(added.iter()).cloned().collect()
            })
            .await
        }
        Action::Remove { user, groups } => {
            let removed: GroupSet = groups.into_iter().collect();
            let text = format!("{user} is not in {}.", names(&removed).join(", "));
            let done = Done::new("user.leave-groups", &user, &text)
                .detail(json!({ "groups": names(&removed) }));
            set(context, &done, &user, |before| {
                let stays = |name: &&GroupName| !removed.contains(name.as_str());
                before.iter().filter(stays).cloned().collect()
            })
            .await
        }
        Action::List { user: None } => list_all(context).await,
        Action::List { user: Some(user) } => list_of(context, &user).await,
    }
}

async fn set(
    context: &Context,
    done: &Done<'_>,
    user: &Subject,
    next: impl FnOnce(&GroupSet) -> GroupSet,
) -> anyhow::Result<Outcome> {
    let now = context.now();
    change(context, done, async |repository| {
        let account = repository.find_for_login(user).await?;
        let account = account.ok_or_else(|| UserError::Unknown(user.clone()))?;
        let groups = next(&account.record.groups);
        repository.set_groups(user, groups, now).await
    })
    .await
}

async fn list_all(context: &Context) -> anyhow::Result<Outcome> {
    let groups = context
        .place()?
        .with_repository(async |repository| Ok(repository.groups().await?))
        .await?;
    let documents: Vec<_> = groups
        .iter()
        .map(|group| {
            json!({
                "name": group.name.as_str(),
                "members": group.members,
                "created": group.created.0,
            })
        })
        .collect();
    let rows = groups.iter().map(|group| {
        vec![
            group.name.to_string(),
            group.members.to_string(),
            moment::utc(group.created),
        ]
    });
    let text = match groups.is_empty() {
        true => "There are no groups; signet user group add makes them.".to_owned(),
        false => table(&["group", "members", "made"], rows),
    };
    context.output.answer(&documents, &text)?;
    Ok(Outcome::Done)
}

async fn list_of(context: &Context, user: &Subject) -> anyhow::Result<Outcome> {
    let account = context
        .place()?
        .with_repository(async |repository| Ok(repository.find_for_login(user).await?))
        .await?
        .ok_or_else(|| UserError::Unknown(user.clone()))?;
    let groups = names(&account.record.groups);
    if groups.is_empty() {
        context.output.note(&format!("{user} is in no group."));
    }
    if context.output.is_json() || !groups.is_empty() {
        context.output.answer(&groups, &groups.join("\n"))?;
    }
    Ok(Outcome::Done)
}
