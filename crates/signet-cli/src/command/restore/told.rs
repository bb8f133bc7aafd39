//! What a restore did, in words and as a document.

use serde_json::{Value, json};
use signet_backup::{Identity, Kept, RestoreOptions, Restored};
use signet_core::UnixSeconds;

use crate::command::backup::{contents, counted, described};
use crate::context::Context;
use crate::moment;

pub(super) fn document(file: &str, restored: &Restored) -> Value {
    let mut document = described(&restored.manifest);
    if let Some(object) = document.as_object_mut() {
        object.insert("file".into(), json!(file));
        object.insert("data".into(), json!(restored.path.display().to_string()));
        let aside = restored
            .aside
            .as_ref()
            .map(|path| path.display().to_string());
        object.insert("aside".into(), json!(aside));
        object.insert("kept".into(), json!(restored.kept.as_ref().map(kept)));
        object.insert("logged_out".into(), json!(restored.ended));
        object.insert("finished_earlier_run".into(), json!(restored.was_finished));
    }
    document
}

fn kept(kept: &Kept) -> Value {
    json!({
        "keys": kept.keys,
        "advanced_keys": kept.advanced,
        "revoked_keys": kept.revoked,
        "audit_log": kept.audit,
        "repository": kept.repository.map(|united| json!({
            "ended_sessions": united.marks,
            "users_logged_out": united.raised,
            "removed_users": united.removed,
            "disabled_users": united.disabled,
            "continues_backup": united.continues,
            "changed_passwords": united.passwords,
            "new_users": united.new,
        })),
    })
}

pub(super) fn text(
    file: &str,
    now: UnixSeconds,
    restored: &Restored,
    options: &RestoreOptions,
) -> String {
    let manifest = &restored.manifest;
    let data = restored.path.display();
    let mut lines = Vec::new();
    if restored.was_finished {
        lines.push(format!(
            "An earlier run had been cut short when all was prepared; it is finished now.\n{data} is restored from {file}."
        ));
    } else {
        lines.push(format!(
            "Restored {data} from {file}, made {}.",
            moment::seen_from(now, manifest.made)
        ));
        lines.push(format!("It holds {}.", contents(manifest)));
    }
    if let Some(aside) = &restored.aside {
        let aside = aside.display();
        lines.push(format!(
            "What was there before is in {aside}. It holds keys in the clear: remove it when all is well."
        ));
    }
    if let Some(kept) = &restored.kept {
        lines.extend(kept_in_words(kept));
    }
    if let Some(users) = restored.ended {
        let why = match is_another(restored) {
            true => {
                "what was there does not go on from this backup, so nobody knows which sessions ended after it"
            }
            false => "nobody knows here which sessions ended after the backup",
        };
        lines.push(format!(
            "Everybody has to log in again ({}): {why}.",
            counted(users, "user")
        ));
    }
    if restored.aside.is_none() && options.identity == Identity::Restored {
        lines.push(format!(
            "It is the instance {} again. If that one still runs elsewhere, this is a clone of it: restore with --new-identity.",
            manifest.node_id()
        ));
    }
    lines.push("Next: start the instance, then `signet health` and `signet secret check`.".into());
    lines.join("\n")
}

/// Whether there was a repository that knows nothing of what became of the one in the backup.
fn is_another(restored: &Restored) -> bool {
    let kept = restored.kept.as_ref();
    kept.is_some_and(|kept| kept.repository.is_some() && !kept.tells_what_ended())
}

/// What was taken over from the installation that was there, if there is anything to say.
fn kept_in_words(kept: &Kept) -> Option<String> {
    let united = kept.repository.unwrap_or_default();
    let things: Vec<_> = [
        (
            kept.keys,
            "key that the backup does not have",
            "keys that the backup does not have",
        ),
        (
            kept.advanced,
            "key in its later state",
            "keys in their later states",
        ),
        (kept.revoked, "revoked key", "revoked keys"),
        (united.marks, "ended session", "ended sessions"),
        (
            united.raised,
            "user logged out everywhere",
            "users logged out everywhere",
        ),
        (united.removed, "removed user", "removed users"),
        (united.disabled, "disabled user", "disabled users"),
        (united.passwords, "changed password", "changed passwords"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
    .collect();
    let mut lines = Vec::new();
    if !things.is_empty() {
        lines.push(format!("Not taken back: {}.", things.join(", ")));
    } else if kept.tells_what_ended() {
        lines.push("Nothing had happened since that must not be taken back.".to_owned());
    }
    if united.new > 0 {
        lines.push(format!(
            "{} made after the backup and {} gone now: add them again, with `signet user add`.",
            if united.new == 1 {
                "1 user was".to_owned()
            } else {
                format!("{} users were", united.new)
            },
            if united.new == 1 { "is" } else { "are" },
        ));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

pub(super) fn warn(context: &Context, restored: &Restored) {
    if restored
        .kept
        .as_ref()
        .is_some_and(|kept| kept.repository.is_none())
    {
        context.output.warning(
            "the repository that was there is gone or damaged: what became of users and sessions after the backup is not known",
        );
    }
    if is_another(restored) && restored.ended.is_none() {
        context.output.warning(
            "what was there does not go on from this backup: sessions that were ended after it live again until their time",
        );
    }
    if let Some(path) = &restored.repository_moved_from {
        context.output.warning(&format!(
            "the configuration had the repository at {}, outside the data directory: the restored one is in it, and signet.toml says so now",
            path.display()
        ));
    }
}
