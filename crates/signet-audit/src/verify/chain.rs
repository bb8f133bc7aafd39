//! The chain as it is walked along, line by line.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::report::{Note, Problem, Reason, Verification};
use crate::head::Kept;
use crate::line::Line;
use crate::lines::Ended;
use crate::log::{ARCHIVED, MEND, TORN};
use crate::{Digest, Head};

/// So many findings are named; the rest is counted.
const NAMED: usize = 100;

#[derive(Debug)]
pub(super) struct Chain {
    found: Verification,
    kept: Kept,
    /// Heads that must be met: that of the file beside the log, and those kept elsewhere.
    anchors: Vec<Anchor>,
    path: PathBuf,
    line: u64,
    /// What the next line must come after.
    before: Head,
    /// The number of the last line that is in none of the files, because they begin after it.
    start: u64,
    torn: Option<Torn>,
    /// Of all bytes since the last entry, in case they turn out to be no line.
    digest: Sha256,
    /// The same without the line that is being read, in case that is the note about them.
    digest_before: Sha256,
    /// How long the line is that is being read.
    bytes: u64,
}

#[derive(Debug)]
struct Anchor {
    head: Head,
    is_met: bool,
}

/// Lines since the last entry that are none.
#[derive(Debug)]
struct Torn {
    line: u64,
    bytes: u64,
}

impl Chain {
    pub(super) fn new(kept: Kept, known: &[Head]) -> Self {
        let beside = match kept {
            Kept::Head(head) => Some(head),
            _ => None,
        };
        let anchors = beside.into_iter().chain(known.iter().copied());
        Self {
            found: Verification::default(),
            kept,
            anchors: anchors
                .map(|head| Anchor {
                    head,
                    is_met: false,
                })
                .collect(),
            path: PathBuf::new(),
            line: 0,
            before: Head {
                seq: 0,
                hash: Digest::START,
            },
            start: 0,
            torn: None,
            digest: Sha256::new(),
            digest_before: Sha256::new(),
            bytes: 0,
        }
    }

    pub(super) fn begin(&mut self, path: PathBuf) {
        self.path = path;
        self.line = 0;
    }

    /// Bytes of the next line, its end included.
    pub(super) fn see(&mut self, bytes: &[u8]) {
        if self.bytes == 0 {
            self.digest_before = self.digest.clone();
        }
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    pub(super) fn line(&mut self, bytes: &[u8], ended: Ended) {
        self.line += 1;
        let length = std::mem::take(&mut self.bytes);
        match Line::read(bytes).filter(|line| ended == Ended::Whole || line.is_intact) {
            Some(line) => self.entry(&line),
            None => self.not_a_line(length),
        }
    }

    fn entry(&mut self, line: &Line) {
        self.digest = Sha256::new();
        if let Some(torn) = self.torn.take() {
            self.after_torn(&torn, line);
        }
        if self.found.entries == 0 {
            self.begin_after_archive(line);
        }
        self.found.entries += 1;
        let head = line.head();
        let expected = self.before.seq.saturating_add(1);
        self.meet(head);
        if !line.is_intact {
            self.problem(Reason::Altered { seq: head.seq });
        }
        if head.seq < expected {
            self.problem(Reason::Misplaced {
                seq: head.seq,
                expected,
            });
            return;
        }
        if head.seq > expected {
            self.problem(Reason::Missing {
                first: expected,
                last: head.seq - 1,
            });
        } else if line.prev != self.before.hash {
            self.problem(Reason::Replaced { seq: head.seq });
        }
        self.before = head;
        self.found.head = Some(head);
    }

    /// The first line of all may say that the ones before it were put away: then the chain begins with it.
    fn begin_after_archive(&mut self, line: &Line) {
        let Some(file) = archived(line) else {
            return;
        };
        self.before = Head {
            seq: line.entry.seq - 1,
            hash: line.prev,
        };
        // What was kept of the last line there shows here.
        self.meet(self.before);
        self.start = self.before.seq;
        self.note(Note::Continues {
            last: self.start,
            file,
        });
    }

    fn not_a_line(&mut self, length: u64) {
        let torn = self.torn.get_or_insert(Torn {
            line: self.line,
            bytes: 0,
        });
        torn.bytes += length;
    }

    pub(super) fn end_of_file(&mut self) {
        self.digest = Sha256::new();
        // Whether a crash left it will be said by the next entry; what was lost by it shows in the head.
        if let Some(torn) = self.torn.take() {
            self.note(Note::Unfinished { line: torn.line });
        }
    }

    /// The line after torn ones must tell of exactly them.
    fn after_torn(&mut self, torn: &Torn, line: &Line) {
        let told = line.entry.detail.get(TORN);
        let digest = std::mem::take(&mut self.digest_before).finalize();
        let digest = Digest(digest.into()).to_string();
        let is_told = line.entry.action == MEND
            && told.is_some_and(|told| {
                told.get("bytes").and_then(serde_json::Value::as_u64) == Some(torn.bytes)
                    && told.get("sha256").and_then(serde_json::Value::as_str) == Some(&digest)
            });
        match is_told {
            true => self.note(Note::Torn {
                line: torn.line,
                bytes: torn.bytes,
            }),
            false => self.problem_at(torn.line, Reason::Foreign),
        }
    }

    fn meet(&mut self, head: Head) {
        let mut is_other = false;
        for anchor in &mut self.anchors {
            if anchor.head.seq == head.seq {
                is_other |= anchor.head.hash != head.hash && !anchor.is_met;
                anchor.is_met = true;
            }
        }
        if is_other {
            self.problem(Reason::Other { seq: head.seq });
        }
    }

    pub(super) fn end(mut self, path: &Path) -> Verification {
        self.path = path.to_owned();
        self.line += 1;
        let last = self.found.head.map_or(0, |head| head.seq);
        let furthest = self.anchors.iter().map(|anchor| anchor.head.seq).max();
        if let Some(furthest) = furthest.filter(|furthest| *furthest > last) {
            self.problem(Reason::CutOff {
                first: last + 1,
                last: furthest,
            });
        }
        let unseen: Vec<_> = self
            .anchors
            .iter()
            .filter(|anchor| !anchor.is_met && anchor.head.seq < self.start)
            .map(|anchor| anchor.head.seq)
            .collect();
        for seq in unseen {
            self.problem(Reason::Unchecked { seq });
        }
        match self.kept {
            Kept::Head(head) if head.seq < last => self.note(Note::HeadBehind { seq: head.seq }),
            Kept::Head(_) => {}
            // A crash may have come between the first line of all and its head.
            Kept::Missing if last <= 1 => {}
            Kept::Missing | Kept::Unreadable => self.problem(Reason::NoHead),
        }
        self.found
    }

    fn problem(&mut self, reason: Reason) {
        self.problem_at(self.line, reason);
    }

    fn problem_at(&mut self, line: u64, reason: Reason) {
        self.found.problem_count += 1;
        if self.found.problems.len() < NAMED {
            self.found.problems.push(Problem {
                path: self.path.clone(),
                line,
                reason,
            });
        }
    }

    fn note(&mut self, note: Note) {
        if self.found.notes.len() < NAMED {
            self.found.notes.push(note);
        }
    }
}

/// Where the lines before this one were put away, if it says so, and is what it was when it was written.
fn archived(line: &Line) -> Option<String> {
    let detail = &line.entry.detail;
    let last = detail.get("last")?.as_u64()?;
    let is_so = line.is_intact
        && line.entry.action == ARCHIVED
        && last > 0
        && last.checked_add(1) == Some(line.entry.seq);
    is_so.then(|| line.entry.object.clone())
}
