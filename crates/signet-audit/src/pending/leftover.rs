//! What the dead have left.

use std::fs::FileType;

use serde_json::{Map, Value, json};

use super::*;
use crate::{Action, Event};

/// Somebody died between a change and its line.
pub(crate) const INTERRUPTED: Action = Action::literal("change.interrupted");
/// So many are told at once: the room that is set aside for a line has room for them as well.
const MOST: usize = 4;
/// So many files are looked at.
const MOST_FILES: usize = 1_024;
/// No file that is written is longer, in bytes.
const LONGEST: u64 = 16 * 1_024;
/// So many lines of its own are told.
const MOST_LINES: usize = 32;

/// A file of a process that is gone.
#[derive(Debug)]
pub(crate) struct Leftover {
    path: PathBuf,
    /// Held, so that nobody else tells of it meanwhile; none of what is no file.
    file: Option<File>,
    told: Told,
}

/// What it says.
#[derive(Debug)]
enum Told {
    Begun {
        members: Box<Members>,
        lines: Vec<u64>,
    },
    Nothing {
        bytes: u64,
    },
}

/// What the dead have left in `directory`, some of it if it is much. To be called under the lock of the log.
pub(crate) fn leftovers(directory: &Path) -> Vec<Leftover> {
    dead(directory, true).take(MOST).collect()
}

/// The commands of which something is left in `directory`, and from where they came; none of what cannot be read. Nothing
/// is changed.
pub(crate) fn look(directory: &Path) -> Vec<Option<(String, Origin)>> {
    let command = |leftover: Leftover| match leftover.told {
        Told::Begun { members, .. } => Some((members.command, members.from)),
        Told::Nothing { .. } => None,
    };
    dead(directory, false)
        .take(MOST_LINES)
        .map(command)
        .collect()
}

fn dead(directory: &Path, for_good: bool) -> impl Iterator<Item = Leftover> {
    let is_there = directory.symlink_metadata().is_ok_and(|met| met.is_dir());
    let entries = is_there.then(|| fs::read_dir(directory).ok()).flatten();
    let entries = entries.into_iter().flatten().take(MOST_FILES).flatten();
    entries.filter_map(move |entry| Leftover::at(entry.path(), entry.file_type().ok()?, for_good))
}

impl Leftover {
    fn at(path: PathBuf, kind: FileType, for_good: bool) -> Option<Self> {
        if !kind.is_file() {
            let told = Told::Nothing { bytes: 0 };
            return Some(Self {
                path,
                file: None,
                told,
            });
        }
        let file = OpenOptions::new()
            .read(true)
            // Where locks are kept by a server, only whoever may write gets them.
            .append(for_good)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&path)
            .ok()?;
        match for_good {
            true => file.try_lock().ok()?,
            false => file.try_lock_shared().ok()?,
        }
        let told = Told::read(&file);
        Some(Self {
            path,
            file: Some(file),
            told,
        })
    }

    /// What the log says of it; `instance` where the file does not say so.
    ///
    /// What says nothing is no change that was made, because the file is whole before one is. So it is removed first, and
    /// told only if that succeeds: otherwise it would be told for ever.
    pub(crate) fn event(&self, instance: &str) -> Option<Event> {
        match &self.told {
            Told::Begun { members, lines } => {
                let mut detail = Map::new();
                detail.insert("began".to_owned(), json!(members.time));
                if !lines.is_empty() {
                    detail.insert("recorded".to_owned(), json!(lines));
                }
                Some(Event {
                    who: members.who.clone(),
                    from: members.from,
                    action: INTERRUPTED,
                    object: members.command.clone(),
                    detail: Value::Object(detail),
                    instance: members.instance.clone(),
                })
            }
            Told::Nothing { bytes } => {
                match self.file {
                    Some(_) => remove(&self.path),
                    None => fs::remove_file(&self.path).or_else(|_| fs::remove_dir(&self.path)),
                }
                .ok()?;
                Some(Event {
                    who: Actor::signet(),
                    from: Origin::Instance,
                    action: INTERRUPTED,
                    object: "unknown".to_owned(),
                    detail: json!({ "unreadable": { "bytes": bytes } }),
                    instance: instance.to_owned(),
                })
            }
        }
    }

    /// After its line is on the disk.
    pub(crate) fn forget(self) {
        if matches!(self.told, Told::Begun { .. }) {
            // If this fails, it is told once more.
            let _ = remove(&self.path);
        }
    }
}

impl Told {
    fn read(file: &File) -> Self {
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        let begun = (bytes <= LONGEST).then(|| Self::begun(file)).flatten();
        begun.unwrap_or(Self::Nothing { bytes })
    }

    fn begun(file: &File) -> Option<Self> {
        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text).ok()?;
        let (first, rest) = text.split_once('\n')?;
        let members: Members = serde_json::from_str(first).ok()?;
        if members.v != VERSION || !is_command(&members.command) {
            return None;
        }
        let lines = rest.lines().take(MOST_LINES);
        Some(Self::Begun {
            members: Box::new(members),
            lines: lines.map_while(|line| line.parse().ok()).collect(),
        })
    }
}
