//! One line of the log: an entry, chained to the line before.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signet_core::UnixSeconds;

use crate::{Action, Actor, Digest, Event, Head, Origin};

/// The version of the format that is written.
const VERSION: u32 = 1;
/// No line that is written is longer, its end included. In bytes.
pub(crate) const LONGEST_LINE: usize = 32 * 1_024;
/// What is kept of an object, of the name of an instance and of names of users, in bytes before they are escaped.
const LONGEST_NAME: usize = 512;
/// What is kept of a detail, in bytes.
const LONGEST_DETAIL: usize = 8 * 1_024;

/// What one line of the log says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// The number of the line in the whole log: one more than the one before, from 1.
    pub seq: u64,
    /// When the change was made, in seconds since 1970.
    #[serde(serialize_with = "seconds")]
    pub time: UnixSeconds,
    /// Who made it.
    pub who: Actor,
    /// From where.
    pub from: Origin,
    /// What was done.
    pub action: Action,
    /// To what.
    pub object: String,
    /// What else matters about it.
    pub detail: Value,
    /// What the instance was called.
    pub instance: String,
    /// The hash of this line.
    #[serde(serialize_with = "digits")]
    pub hash: Digest,
}

/// A line as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) entry: Entry,
    /// The hash of the line before, as this line names it.
    pub(crate) prev: Digest,
    /// Whether the hash of the line is that of its bytes.
    pub(crate) is_intact: bool,
}

/// The members of a line, in their order, the hash aside.
#[derive(Serialize, Deserialize)]
struct Members {
    v: u32,
    seq: u64,
    time: u64,
    who: Actor,
    from: Origin,
    action: Action,
    object: String,
    #[serde(default)]
    detail: Value,
    instance: String,
    prev: String,
}

impl Line {
    /// Reads a line without its end; `None` for what is no line of this log.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (body, hash) = split(bytes)?;
        let members: Members = serde_json::from_slice(bytes).ok()?;
        if members.v != VERSION {
            return None;
        }
        Some(Self {
            is_intact: Digest::of(&[body, b"}"]) == hash,
            prev: members.prev.parse().ok()?,
            entry: Entry {
                seq: members.seq,
                time: UnixSeconds(members.time),
                who: members.who,
                from: members.from,
                action: members.action,
                object: members.object,
                detail: members.detail,
                instance: members.instance,
                hash,
            },
        })
    }

    pub(crate) fn head(&self) -> Head {
        Head {
            seq: self.entry.seq,
            hash: self.entry.hash,
        }
    }
}

/// The bytes of the line that comes after `before`, its end included, and its own head.
pub(crate) fn write(
    event: &Event,
    before: Head,
    now: UnixSeconds,
) -> Result<(Vec<u8>, Head), serde_json::Error> {
    let seq = before.seq.saturating_add(1);
    let members = Members {
        v: VERSION,
        seq,
        time: now.0,
        who: shortened(&event.who),
        from: event.from,
        action: event.action.clone(),
        object: short(&event.object),
        detail: small(&event.detail)?,
        instance: short(&event.instance),
        prev: before.hash.to_string(),
    };
    let mut line = visible(&serde_json::to_string(&members)?).into_bytes();
    let hash = Digest::of(&[&line]);
    line.pop();
    line.extend_from_slice(format!("{BEFORE_HASH}{hash}{AFTER_HASH}\n").as_bytes());
    Ok((line, Head { seq, hash }))
}

/// JSON escapes what could end a line. This escapes the rest of what could move a cursor or hide something, so that the file
/// may be looked at as it is; all of it stands within strings.
fn visible(json: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) {
            // Writing to a string does not fail.
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

/// None of these needs two units in UTF-16.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

const BEFORE_HASH: &str = ",\"hash\":\"";
const AFTER_HASH: &str = "\"}";

/// What is hashed of a line, its closing brace aside, and the hash that it names.
fn split(bytes: &[u8]) -> Option<(&[u8], Digest)> {
    let rest = bytes.strip_suffix(AFTER_HASH.as_bytes())?;
    let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(Digest::DIGITS)?)?;
    let body = rest.strip_suffix(BEFORE_HASH.as_bytes())?;
    Some((body, std::str::from_utf8(digits).ok()?.parse().ok()?))
}

/// A name of a length that a line has room for.
pub(crate) fn short(text: &str) -> String {
    if text.len() <= LONGEST_NAME {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LONGEST_NAME);
    format!("{}…", text.get(..end).unwrap_or_default())
}

pub(crate) fn shortened(who: &Actor) -> Actor {
    match who {
        Actor::System {
            user,
            uid,
            sudo_user,
        } => Actor::System {
            user: user.as_deref().map(short),
            uid: *uid,
            sudo_user: sudo_user.as_deref().map(short),
        },
        Actor::Subject { subject } => Actor::Subject {
            subject: short(subject),
        },
        Actor::Program { program } => Actor::Program {
            program: short(program),
        },
    }
}

/// The change was made already, so a detail that is too long costs the detail and not the line.
fn small(detail: &Value) -> Result<Value, serde_json::Error> {
    let length = visible(&serde_json::to_string(detail)?).len();
    Ok(match length <= LONGEST_DETAIL {
        true => detail.clone(),
        false => json!({ "not_kept": { "bytes": length } }),
    })
}

fn seconds<S: serde::Serializer>(time: &UnixSeconds, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.0)
}

fn digits<S: serde::Serializer>(hash: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(hash)
}

#[cfg(test)]
mod tests;
