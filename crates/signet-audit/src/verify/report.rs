//! What was found.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::{Head, Origin};

/// What came of checking the chain.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Verification {
    /// How many entries there are.
    pub entries: u64,
    /// Number and hash of the last of them: worth keeping elsewhere.
    pub head: Option<Head>,
    /// What is wrong, in the order in which it was found; the first hundred.
    pub problems: Vec<Problem>,
    /// How much is wrong.
    pub problem_count: u64,
    /// What is no sign of tampering and still worth a look; the first hundred.
    pub notes: Vec<Note>,
}

impl Verification {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.problem_count == 0
    }
}

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// The line of the file, from 1; for what is missing at its end, the one after the last.
    pub line: u64,
    /// What is wrong.
    #[serde(flatten)]
    pub reason: Reason,
}

/// What is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// The bytes are no line of this log, and no note tells of a crash.
    Foreign,
    /// The line's hash is not that of what it says.
    Altered {
        /// The number that the line has.
        seq: u64,
    },
    /// Lines are missing before this one.
    Missing {
        /// The number of the first of them.
        first: u64,
        /// The number of the last of them.
        last: u64,
    },
    /// The line stands after a later one, or is there twice.
    Misplaced {
        /// The number that the line has.
        seq: u64,
        /// The number that was expected.
        expected: u64,
    },
    /// The line was not written after the one that stands before it.
    Replaced {
        /// The number that the line has.
        seq: u64,
    },
    /// The end of the log is gone: a line was written that is not there.
    CutOff {
        /// The number of the first line that is gone.
        first: u64,
        /// The number of the last line that is known to have been written.
        last: u64,
    },
    /// A line is another one than was kept in mind.
    Other {
        /// The number of the line.
        seq: u64,
    },
    /// The hash of a line was kept, and the line is in an earlier file.
    Unchecked {
        /// The number of the line.
        seq: u64,
    },
    /// The file beside the log that says where it ends is missing or says nothing, so a cut end would not show.
    NoHead,
}

impl Reason {
    /// A stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Foreign => "AUDIT_FOREIGN",
            Self::Altered { .. } => "AUDIT_ALTERED",
            Self::Missing { .. } => "AUDIT_MISSING",
            Self::Misplaced { .. } => "AUDIT_MISPLACED",
            Self::Replaced { .. } => "AUDIT_REPLACED",
            Self::CutOff { .. } => "AUDIT_CUT_OFF",
            Self::Other { .. } => "AUDIT_OTHER",
            Self::Unchecked { .. } => "AUDIT_UNCHECKED",
            Self::NoHead => "AUDIT_NO_HEAD",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("this is no line of the log, and no crash is noted after it"),
            Self::Altered { seq } => write!(
                f,
                "number {seq} was altered: its hash is not that of what it says"
            ),
            Self::Missing { first, last } if first == last => {
                write!(f, "number {first} is missing before this line")
            }
            Self::Missing { first, last } => {
                write!(f, "the numbers {first} to {last} are missing before this line")
            }
            Self::Misplaced { seq, expected } => write!(
                f,
                "number {seq} stands where number {expected} belongs: it was moved, or is there twice"
            ),
            Self::Replaced { seq } => write!(
                f,
                "number {seq} was not written after what stands before it: one of the two was replaced or inserted"
            ),
            Self::CutOff { first, last } if first == last => {
                write!(f, "number {first} was written and is gone: the end was cut off")
            }
            Self::CutOff { first, last } => write!(
                f,
                "the numbers {first} to {last} were written and are gone: the end was cut off"
            ),
            Self::Other { seq } => write!(
                f,
                "number {seq} is not the line whose hash was kept: it, or everything up to it, was written anew"
            ),
            Self::Unchecked { seq } => write!(
                f,
                "number {seq}, whose hash was kept, is in an earlier file, so it was not checked"
            ),
            Self::NoHead => f.write_str(
                "audit.head is missing or says nothing, so it cannot be told whether the end was cut off",
            ),
        }
    }
}

/// Something that is no sign of tampering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "note", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Note {
    /// A crash left a line unfinished, and the next line says so.
    Torn {
        /// The line of the file, from 1.
        line: u64,
        /// How many bytes it left.
        bytes: u64,
    },
    /// A crash left the last line unfinished; the next one will say so.
    Unfinished {
        /// The line of the file, from 1.
        line: u64,
    },
    /// The head is older than the last line: a crash came between the two, or it could not be written.
    HeadBehind {
        /// The number that the head has.
        seq: u64,
    },
    /// The first line says that the ones before it were put away, and they are in none of the files that were looked at.
    Continues {
        /// The number of the last of them.
        last: u64,
        /// What the file was called into which they were put.
        file: String,
    },
    /// A change was interrupted before it was recorded; the next line will say so.
    Interrupted {
        /// The words of the command, or of the one that would do the same, if they can be read.
        command: Option<String>,
        /// From where it came, if that can be read.
        from: Option<Origin>,
    },
}

impl Note {
    pub(crate) fn interrupted(told: Option<(String, Origin)>) -> Self {
        let (command, from) = told.unzip();
        Self::Interrupted { command, from }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn { line, bytes } => write!(
                f,
                "line {line}: {bytes} bytes of a line that a crash left unfinished; the log says so itself"
            ),
            Self::Unfinished { line } => write!(
                f,
                "line {line} at the end is unfinished, after a crash; the next change notes it"
            ),
            Self::HeadBehind { seq } => write!(
                f,
                "audit.head is at number {seq}, an earlier line: a crash came before it was written, and the next change brings it up to date"
            ),
            Self::Continues { last: 1, file } => write!(
                f,
                "number 1 was put away in {file} and not looked at; `signet audit verify FILE` checks it as well"
            ),
            Self::Continues { last, file } => write!(
                f,
                "the numbers up to {last} were put away, the last of them in {file}, and not looked at; `signet audit verify FILE…` checks them as well"
            ),
            Self::Interrupted { command, from } => {
                match (command, from) {
                    (Some(command), Some(Origin::Page { .. })) => {
                        write!(f, "a change on a page ({command})")?;
                    }
                    (Some(command), Some(Origin::Instance)) => {
                        write!(f, "what the instance did by itself ({command})")?;
                    }
                    (Some(command), _) => write!(f, "`signet {command}`")?,
                    (None, _) => f.write_str("a command")?,
                }
                f.write_str(
                    " was interrupted before it recorded what it had changed, if anything; the next change notes it",
                )
            }
        }
    }
}
