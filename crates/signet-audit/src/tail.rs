//! The end of the file: the last line that counts, and what a crash may have left behind it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::line::{LONGEST_LINE, Line};
use crate::{Digest, Head};

/// How far back the last line is looked for. What crashes leave is shorter than one line each.
const FURTHEST: u64 = 128 * LONGEST_LINE as u64;

/// The end of the file.
#[derive(Debug)]
pub(crate) struct Tail {
    /// The last line, if there is any.
    pub(crate) last: Option<Head>,
    /// What comes after it.
    pub(crate) rest: Rest,
}

/// What comes after the last line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing: the file ends with a line.
    Nothing,
    /// Only the end of the last line is missing.
    LineEnd,
    /// The beginning of a line, or several, that were never finished: their bytes, the missing end of the last included.
    Torn {
        bytes: u64,
        digest: Digest,
        is_ended: bool,
    },
}

impl Tail {
    /// Reads the end of `file`, which is `length` bytes long; `None` if no line of a log is near.
    pub(crate) fn read(file: &File, length: u64) -> io::Result<Option<Self>> {
        let mut window = (2 * LONGEST_LINE as u64).min(length);
        loop {
            let start = length - window;
            let mut bytes = vec![0; usize::try_from(window).map_err(io::Error::other)?];
            file.read_exact_at(&mut bytes, start)?;
            // A window that begins within a line begins after it.
            let whole = match start {
                0 => bytes.as_slice(),
                _ => match bytes.iter().position(|byte| *byte == b'\n') {
                    Some(end) => bytes.get(end + 1..).unwrap_or_default(),
                    None => &[],
                },
            };
            if let Some(tail) = Self::last_line(whole) {
                return Ok(Some(tail));
            }
            if start == 0 {
                return Ok(Some(Self {
                    last: None,
                    rest: Rest::torn(whole),
                }));
            }
            if window >= FURTHEST {
                return Ok(None);
            }
            window = (2 * window).min(length);
        }
    }

    /// The last line within `bytes`, which begin where a line does.
    fn last_line(bytes: &[u8]) -> Option<Self> {
        let mut end = bytes.len();
        let mut is_last = true;
        while end > 0 {
            let text = bytes.get(..end)?;
            let text = text.strip_suffix(b"\n").unwrap_or(text);
            let start = text.iter().rposition(|byte| *byte == b'\n');
            let start = start.map_or(0, |place| place + 1);
            let line = text.get(start..).and_then(Line::read);
            let is_ended = text.len() < end;
            // Of the very last one, without its end, every byte must be proven to be there.
            if let Some(line) = line.filter(|line| is_ended || (is_last && line.is_intact)) {
                let after = bytes.get(end..)?;
                return Some(Self {
                    last: Some(line.head()),
                    rest: match is_ended {
                        true => Rest::torn(after),
                        false => Rest::LineEnd,
                    },
                });
            }
            is_last = false;
            end = start;
        }
        None
    }
}

impl Rest {
    fn torn(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::Nothing;
        }
        let is_ended = bytes.ends_with(b"\n");
        let end: &[u8] = if is_ended { b"" } else { b"\n" };
        Self::Torn {
            bytes: (bytes.len() + end.len()) as u64,
            digest: Digest::of(&[bytes, end]),
            is_ended,
        }
    }
}
