//! What the log says, entry by entry.

use std::fs::File;
use std::io::{self, BufReader, Read, Take};

use crate::Entry;
use crate::line::Line;
use crate::lines::{Ended, Lines};

/// The entries of a log in their order, read one by one.
///
/// What is no entry is passed over here; [`verify`](crate::AuditLog::verify) names it.
#[derive(Debug)]
pub struct Entries {
    lines: Option<Lines<BufReader<Take<File>>>>,
}

impl Entries {
    /// The entries in the first `length` bytes; none of no file.
    pub(crate) fn new(file: Option<(File, u64)>) -> Self {
        let reader = |(file, length): (File, u64)| Lines::new(BufReader::new(file.take(length)));
        Self {
            lines: file.map(reader),
        }
    }
}

impl Iterator for Entries {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        let lines = self.lines.as_mut()?;
        loop {
            match lines.next(|_| {}) {
                Ok(Some((bytes, Ended::Whole))) => {
                    if let Some(line) = Line::read(bytes) {
                        return Some(Ok(line.entry));
                    }
                }
                Ok(Some((_, Ended::Short)) | None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
