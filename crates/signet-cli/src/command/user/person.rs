//! A user as commands show them.

use serde::Serialize;
use signet_core::GroupSet;
use signet_login::password::HashKind;
use signet_repository::{Account, PasswordKind};

/// What is shown of a user. The hash of the password is no part of it.
#[derive(Debug, Serialize)]
pub(super) struct Person<'a> {
    pub(super) id: &'a str,
    pub(super) state: &'static str,
    pub(super) name: Option<&'a str>,
    pub(super) mail: Option<&'a str>,
    pub(super) groups: Vec<&'a str>,
    pub(super) password: &'static str,
    pub(super) generation: u32,
    pub(super) created: u64,
    pub(super) changed: u64,
}

impl<'a> From<&'a Account> for Person<'a> {
    fn from(account: &'a Account) -> Self {
        let record = &account.record;
        Self {
            id: record.subject.as_str(),
            state: match (record.deleted, record.enabled) {
                (true, _) => "removed",
                (false, true) => "enabled",
                (false, false) => "disabled",
            },
            name: account.profile.name.as_deref(),
            mail: account.profile.mail.as_deref(),
            groups: names(&record.groups),
            password: password(account),
            generation: record.generation.0,
            created: account.created.0,
            changed: account.changed.0,
        }
    }
}

pub(super) fn names(groups: &GroupSet) -> Vec<&str> {
    groups.iter().map(signet_core::GroupName::as_str).collect()
}

fn password(account: &Account) -> &'static str {
    let Some(password) = &account.password else {
        return "none";
    };
    match (password.kind, HashKind::of(password.hash.as_str())) {
        (_, HashKind::Unusable) => "unusable",
        (PasswordKind::OneTime, _) => "one-time",
        (PasswordKind::Lasting, HashKind::Foreign) => "imported",
        (PasswordKind::Lasting, HashKind::Argon2) => "set",
    }
}
