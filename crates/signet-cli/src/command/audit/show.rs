//! `signet audit show`

use std::collections::VecDeque;

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;
use signet_audit::{Action, Entry};
use signet_core::UnixSeconds;

use super::moments::Moment;
use crate::command::Outcome;
use crate::context::Context;
use crate::moment;
use crate::output::visible;
use crate::progress::Bar;
use crate::table::Pages;

/// So many lines are laid out at a time, however many there are.
const PAGE: usize = 500;

/// Show the changes, the oldest first
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Only from then on: a date, a date and time in UTC, or how long ago (2026-11-22, 2026-11-22T06:30, 12h, 7d)
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,

    /// Only before then, in the same forms
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,

    /// Only this action (key.rotate), or all of a noun (key)
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,

    /// Only by this user: of the system, by name or number, of sudo, or of the site; "signet" is the instance itself
    #[arg(long, value_name = "NAME")]
    who: Option<String>,

    /// Only about this key, user, secret or client; the beginning will do
    #[arg(long, value_name = "OBJECT")]
    object: Option<String>,

    /// Only the last so many of those
    #[arg(long, value_name = "COUNT")]
    last: Option<usize>,
}

impl Show {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let log = context.place()?.directory().audit_log();
        let now = context.now();
        let filter = Filter {
            since: self.since.map(|moment| moment.at(now)),
            until: self.until.map(|moment| moment.at(now)),
            show: self,
        };
        let path = log.path().to_owned();
        let entries = log
            .entries()?
            .map(|entry| entry.with_context(|| format!("{} could not be read", path.display())))
            .filter(|entry| entry.as_ref().map_or(true, |entry| filter.takes(entry)));
        let entries: Box<dyn Iterator<Item = _>> = match self.last {
            None => Box::new(entries),
            Some(count) => Box::new(last(entries, count)?.into_iter().map(Ok)),
        };
        match context.output.is_json() {
            true => documents(context, entries)?,
            false => table(context, entries)?,
        }
        Ok(Outcome::Done)
    }
}

struct Filter<'s> {
    since: Option<UnixSeconds>,
    until: Option<UnixSeconds>,
    show: &'s Show,
}

impl Filter<'_> {
    fn takes(&self, entry: &Entry) -> bool {
        self.since.is_none_or(|since| entry.time >= since)
            && self.until.is_none_or(|until| entry.time < until)
            && is_named(self.show.action.as_deref(), |name| {
                is_action(&entry.action, name)
            })
            && is_named(self.show.who.as_deref(), |name| entry.who.is_called(name))
            && is_named(self.show.object.as_deref(), |name| {
                entry.object.starts_with(name)
            })
    }
}

fn is_named(wanted: Option<&str>, is_it: impl FnOnce(&str) -> bool) -> bool {
    wanted.is_none_or(is_it)
}

fn is_action(action: &Action, wanted: &str) -> bool {
    let action = action.as_str();
    action == wanted || action.split('.').next() == Some(wanted)
}

/// The last `count` of the entries; no more than so many are ever held.
fn last(
    entries: impl Iterator<Item = anyhow::Result<Entry>>,
    count: usize,
) -> anyhow::Result<VecDeque<Entry>> {
    let _bar = Bar::unknown("reading the audit log");
    let mut last = VecDeque::new();
    for entry in entries {
        if last.len() == count {
            last.pop_front();
        }
        if count > 0 {
            last.push_back(entry?);
        }
    }
    Ok(last)
}

/// One array, written while the log is read.
fn documents(
    context: &Context,
    entries: impl Iterator<Item = anyhow::Result<Entry>>,
) -> anyhow::Result<()> {
    let mut separator = "[\n  ";
    for entry in entries {
        let document = serde_json::to_string(&entry?)?;
        context.output.raw(&format!("{separator}{document}"))?;
        separator = ",\n  ";
    }
    let is_empty = separator.starts_with('[');
    context.output.raw(if is_empty { "[]\n" } else { "\n]\n" })
}

fn table(
    context: &Context,
    mut entries: impl Iterator<Item = anyhow::Result<Entry>>,
) -> anyhow::Result<()> {
    let mut pages = Pages::new(&["no", "when", "who", "from", "action", "object", "detail"]);
    let mut is_empty = true;
    loop {
        let rows: Vec<_> = entries
            .by_ref()
            .take(PAGE)
            .map(|entry| Ok(row(&entry?)))
            .collect::<anyhow::Result<_>>()?;
        if rows.is_empty() {
            break;
        }
        is_empty = false;
        context.output.raw(&pages.page(rows))?;
    }
    if is_empty {
        context.output.note("There are no such changes.");
    }
    Ok(())
}

fn row(entry: &Entry) -> Vec<String> {
    vec![
        entry.seq.to_string(),
        moment::utc(entry.time),
        visible(&entry.who.to_string()),
        entry.from.to_string(),
        entry.action.to_string(),
        visible(&entry.object),
        visible(&interruption(entry).unwrap_or_else(|| sentence(&entry.detail))),
    ]
}

/// What a command that was killed had begun, and whether anything is known of it.
fn interruption(entry: &Entry) -> Option<String> {
    const INTERRUPTED: &str = "change.interrupted";
    if entry.action.as_str() != INTERRUPTED {
        return None;
    }
    let began = moment::utc(UnixSeconds(entry.detail.get("began")?.as_u64()?));
    Some(match entry.detail.get("recorded") {
        None => format!("began {began}; what it had changed, if anything, was not recorded"),
        Some(lines) => {
            let lines = word(lines);
            format!(
                "began {began}; what it had changed was recorded in {lines}, and nothing after that"
            )
        }
    })
}

/// `ring=hmac state=active`: the members of an object, as short as they are understood.
fn sentence(detail: &Value) -> String {
    let mut words = Vec::new();
    tell("", detail, &mut words);
    words.join(" ")
}

fn tell(name: &str, value: &Value, words: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (inner, value) in members {
                let name = match name {
                    "" => inner.clone(),
                    _ => format!("{name}.{inner}"),
                };
                tell(&name, value, words);
            }
        }
        value if name.is_empty() => words.push(word(value)),
        value => words.push(format!("{name}={}", word(value))),
    }
}

fn word(value: &Value) -> String {
    const DIGEST: usize = 64;
    match value {
        // Enough of a digest to know it again.
        Value::String(text) if text.len() == DIGEST && text.bytes().all(is_digit) => {
            let beginning: String = text.chars().take(12).collect();
            format!("{beginning}…")
        }
        Value::String(text) if !text.contains([' ', '=', ',']) => text.clone(),
        Value::Array(values) => {
            const SHOWN: usize = 5;
            let mut words: Vec<_> = values.iter().take(SHOWN).map(word).collect();
            let more = values.len().saturating_sub(SHOWN);
            if more > 0 {
                words.push(format!("({more} more)"));
            }
            words.join(",")
        }
        other => other.to_string(),
    }
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_detail_is_short() {
        assert_eq!(sentence(&Value::Null), "");
        assert_eq!(
            sentence(&json!({ "ring": "hmac", "groups": ["a", "b"], "count": 3 })),
            "count=3 groups=a,b ring=hmac"
        );
        assert_eq!(
            sentence(&json!({ "users": ["a", "b", "c", "d", "e", "f", "g"] })),
            "users=a,b,c,d,e,(2 more)"
        );
        assert_eq!(
            sentence(&json!({ "name": "two words", "none": null })),
            "name=\"two words\""
        );
        assert_eq!(
            sentence(&json!({ "cost": { "sessions": 3 }, "sha256": "ab".repeat(32) })),
            "cost.sessions=3 sha256=abababababab…"
        );
    }

    #[test]
    fn an_interruption_is_told_in_words() {
        let entry = |detail: Value| {
            let directory = tempfile::tempdir().unwrap();
            let log = signet_audit::AuditLog::at(&directory.path().join("audit.log"));
            let event = signet_audit::Event {
                who: signet_audit::Actor::signet(),
                from: signet_audit::Origin::Instance,
                action: Action::literal("change.interrupted"),
                object: "keys relocate".to_owned(),
                detail,
                instance: "a".to_owned(),
            };
            log.append(&event, UnixSeconds(1)).unwrap();
            log.entries().unwrap().next().unwrap().unwrap()
        };
        assert_eq!(
            row(&entry(json!({ "began": 1_767_225_600 })))[6],
            "began 2026-01-01 00:00:00 UTC; what it had changed, if anything, was not recorded"
        );
        assert_eq!(
            row(&entry(
                json!({ "began": 1_767_225_600, "recorded": [3, 4] })
            ))[6],
            "began 2026-01-01 00:00:00 UTC; what it had changed was recorded in 3,4, and nothing after that"
        );
        assert_eq!(
            row(&entry(json!({ "unreadable": { "bytes": 3 } })))[6],
            "unreadable.bytes=3"
        );
    }

    #[test]
    fn a_noun_stands_for_all_its_verbs() {
        let action: Action = "key.rotate".parse().unwrap();
        assert!(is_action(&action, "key") && is_action(&action, "key.rotate"));
        assert!(!is_action(&action, "key.r") && !is_action(&action, "ke"));
    }
}
