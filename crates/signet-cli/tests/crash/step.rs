//! One call by which a program changes files, and the ways in which a crash there makes a difference.

use std::collections::BTreeSet;
use std::fmt;

use crate::state::State;

/// One line of the shim's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) number: usize,
    pub(crate) call: String,
    /// How many bytes it writes.
    pub(crate) bytes: usize,
    /// How many changes before it were not flushed to the disk.
    pub(crate) unflushed: usize,
    /// The file, below the watched directory.
    pub(crate) path: String,
}

/// How the crash comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Killed before the call.
    Before,
    /// Killed after half of what the call writes.
    Torn,
    /// The power goes before the call, and the disk has nothing that was not flushed.
    Lost,
    /// The power goes before the call, and the disk has the names of files, but no content that was not flushed.
    Hollow,
}

impl How {
    /// What the shim calls it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Torn => "torn",
            Self::Lost => "lost",
            Self::Hollow => "hollow",
        }
    }
}

impl Step {
    pub(crate) fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.splitn(5, '\t').collect();
        let [number, call, bytes, unflushed, path] = fields[..] else {
            panic!("not a line of the shim: {line}");
        };
        Self {
            number: number.parse().unwrap(),
            call: call.to_owned(),
            bytes: bytes.parse().unwrap(),
            unflushed: unflushed.parse().unwrap(),
            path: path.to_owned(),
        }
    }

    /// Every way that leaves something else behind than another way at another step; `seen` is what was left by others.
    ///
    /// What a loss of power leaves behind changes only where something is flushed, so it goes just before that, and at the
    /// end of the program, when everything must be on the disk.
    pub(crate) fn ways(&self, before: &State, seen: &mut BTreeSet<State>) -> Vec<How> {
        let mut ways = Vec::new();
        if seen.insert(before.clone()) || self.is_end() {
            ways.push(How::Before);
        }
        if self.bytes > 1 {
            ways.push(How::Torn);
        }
        let is_flush = matches!(self.call.as_str(), "fsync" | "fdatasync");
        if (is_flush || self.is_end()) && self.unflushed > 0 {
            ways.extend([How::Lost, How::Hollow]);
        }
        ways
    }

    /// Whether it writes a page of the database: there are many, and all alike.
    pub(crate) fn is_page(&self) -> bool {
        self.call == "pwrite" && self.path.contains(".db")
    }

    /// The end of the program.
    pub(crate) fn is_end(&self) -> bool {
        self.call == "exit"
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4}  {:<10}", self.number, self.call)?;
        match self.bytes {
            0 => write!(f, "{:>8}", "")?,
            bytes => write!(f, "{bytes:>8}")?,
        }
        write!(f, "  {}", self.path)
    }
}
