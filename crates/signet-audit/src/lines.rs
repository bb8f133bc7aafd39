//! Lines of a file one after the other, in memory that does not grow with the file or with a line.

use std::io::{self, BufRead};

use crate::line::LONGEST_LINE;

/// Reads a file line by line; of a line that is too long to be one of the log only the beginning is kept.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A line with its end.
    Whole,
    /// The file ends within the line.
    Short,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
        }
    }

    /// The next line without its end; every byte of it, the end included, is also shown to `see`.
    pub(crate) fn next(
        &mut self,
        mut see: impl FnMut(&[u8]),
    ) -> io::Result<Option<(&[u8], Ended)>> {
        self.buffer.clear();
        let mut seen = false;
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                let line = (self.buffer.as_slice(), Ended::Short);
                return Ok(seen.then_some(line));
            }
            seen = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(chunk.len(), |end| end + 1);
            let bytes = chunk.get(..length).unwrap_or_default();
            see(bytes);
            let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            // One byte more than any line has, so that a longer one is none.
            let room = LONGEST_LINE.saturating_sub(self.buffer.len());
            self.buffer
                .extend_from_slice(text.get(..room).unwrap_or(text));
            self.reader.consume(length);
            if end.is_some() {
                return Ok(Some((&self.buffer, Ended::Whole)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_stays_small() {
        let mut bytes = vec![b'a'; 3 * LONGEST_LINE];
        bytes.extend_from_slice(b"\nb\nc");
        let mut lines = Lines::new(bytes.as_slice());
        let mut seen = 0;
        let (first, ended) = lines.next(|bytes| seen += bytes.len()).unwrap().unwrap();
        assert_eq!((first.len(), ended), (LONGEST_LINE, Ended::Whole));
        assert_eq!(seen, 3 * LONGEST_LINE + 1);
        let next = lines.next(|_| {}).unwrap();
        assert_eq!(next, Some((&b"b"[..], Ended::Whole)));
        let next = lines.next(|_| {}).unwrap();
        assert_eq!(next, Some((&b"c"[..], Ended::Short)));
        assert_eq!(lines.next(|_| {}).unwrap(), None);
    }
}
