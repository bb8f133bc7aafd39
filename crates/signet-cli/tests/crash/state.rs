//! What a program leaves behind that is killed, from step to step.

use std::collections::BTreeSet;

use crate::step::Step;

/// The files before a step. Two that are equal cannot be told apart by whoever comes next, so one of them is tried.
///
/// Flushing changes no file. A database that is only read is opened and closed again, often many times: an empty log
/// (`-wal`) and its index (`-shm`) come and go, and nothing else is different. The index is memory that SQLite shares;
/// however far it has grown, whoever opens the database next cuts it to nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct State {
    /// The last step that made it unlike everything before.
    changed: usize,
    /// Logs and indexes that are there.
    beside: BTreeSet<String>,
    /// Logs that are not empty.
    written: BTreeSet<String>,
}

impl State {
    /// What it is after `step`.
    pub(crate) fn follow(&mut self, step: &Step) {
        let (call, path) = (step.call.as_str(), &step.path);
        let is_index = path.ends_with("-shm");
        let is_new = match call {
            "fsync" | "fdatasync" => false,
            "open" if is_index || path.ends_with("-wal") => {
                self.beside.insert(path.clone());
                false
            }
            "unlink" if self.beside.remove(path) => self.written.remove(path),
            _ if is_index => false,
            _ => {
                if self.beside.contains(path) {
                    self.written.insert(path.clone());
                }
                true
            }
        };
        if is_new {
            self.changed = step.number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each step leaves what none before it has left.
    fn news(steps: &[(&str, &str)]) -> Vec<bool> {
        let mut state = State::default();
        let mut seen = BTreeSet::from([state.clone()]);
        let step = |(index, (call, path)): (usize, &(&str, &str))| {
            state.follow(&Step {
                number: index + 1,
                call: (*call).to_owned(),
                bytes: 0,
                unflushed: 0,
                path: (*path).to_owned(),
            });
            seen.insert(state.clone())
        };
        steps.iter().enumerate().map(step).collect()
    }

    #[test]
    fn a_database_that_is_only_read_is_soon_known() {
        let reads = [
            ("open", "db-wal"),
            ("open", "db-shm"),
            ("pwrite", "db-shm"),
            ("unlink", "db-shm"),
            ("unlink", "db-wal"),
        ];
        let once = [true, true, false, false, false];
        assert_eq!(news(&reads), once);
        assert_eq!(news(&[reads, reads].concat())[5..], [false; 5]);
        // After a change all of it is new.
        let change = [("write", "key"), ("fsync", "key")];
        let again = news(&[&reads[..], &change, &reads].concat());
        assert_eq!(again[5..], [&[true, false][..], &once].concat());
    }

    #[test]
    fn a_log_that_was_written_is_no_empty_one() {
        let steps = [
            ("open", "db-wal"),
            ("pwrite", "db-wal"),
            ("pwrite", "db"),
            ("unlink", "db-wal"),
            ("open", "db-wal"),
            ("rename", "db-wal"),
        ];
        assert_eq!(news(&steps), [true; 6]);
    }
}
