//! Finding protected strings in content, without reading a file into memory.
//!
//! `{` hexadecimal digits `}`, at least 64 of them and a multiple of 32; in XML of the content repository and in `.config` files the
//! braces have a backslash before them.

use std::io::{self, Read};

use memchr::memchr;

/// So much is read at once, in bytes: little enough to stay in the processor's cache until it was searched.
const CHUNK: usize = 128 * 1024;
/// The fewest digits: an initialisation vector and one block.
const FEWEST_DIGITS: usize = 64;
/// Digits of one block.
const BLOCK_DIGITS: usize = 32;
/// More digits than any value has that is read.
const MOST_DIGITS: usize = 2 * (64 * 1024 + 32);
/// What a value may take that is not whole yet: its digits, braces and backslashes.
const MOST_KEPT: usize = MOST_DIGITS + 4;

/// A protected string in a stream, or what looks like one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// Where its first digit is, in bytes from the start.
    pub(crate) offset: u64,
    /// The line it is in, from 1.
    pub(crate) line: u64,
    /// Its digits.
    pub(crate) digits: Vec<u8>,
}

/// Searches one stream after the other, with the same memory.
#[derive(Debug)]
pub(crate) struct Scanner {
    room: Vec<u8>,
}

impl Scanner {
    pub(crate) fn new() -> Self {
        Self {
            room: vec![0; CHUNK + MOST_KEPT],
        }
    }

    /// Hands every sighting in `input` to `take`, in order, and how much was read to `progress`.
    ///
    /// What only looks like one is passed over: hashes and type prefixes (`{SHA-256}…`, `{String}`), interpolations (`${…}`), JSON
    /// objects, and braces of which only one has a backslash.
    pub(crate) fn scan<E: From<io::Error>>(
        &mut self,
        mut input: impl Read,
        mut progress: impl FnMut(u64),
        mut take: impl FnMut(Sighting) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut window = Window {
            room: &mut self.room,
            end: 0,
            next: 0,
            start: 0,
            lines: 0,
            counted: 0,
        };
        loop {
            let read = window.fill(&mut input)?;
            progress(read as u64);
            let stream = match read {
                0 => Stream::Ended,
                _ => Stream::GoesOn,
            };
            while let Some(sighting) = window.next(stream) {
                take(sighting)?;
            }
            if stream == Stream::Ended {
                return Ok(());
            }
        }
    }
}

/// What is in memory of a stream, and how far it was searched.
#[derive(Debug)]
struct Window<'r> {
    room: &'r mut [u8],
    /// How much of `room` is filled.
    end: usize,
    /// The next byte to look at.
    next: usize,
    /// Where the first byte is in the stream.
    start: u64,
    /// How many lines ended before `counted`.
    lines: u64,
    /// How far lines were counted.
    counted: usize,
}

/// Whether there is more of it than what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    GoesOn,
    Ended,
}

/// What stands at a brace.
enum Look {
    /// Nothing of interest; go on behind this many bytes.
    Nothing(usize),
    /// A value with its digits at this range.
    Value(usize, usize),
    /// That cannot be told before more is read.
    Unknown,
}

impl Window<'_> {
    /// Reads the next part, after forgetting what was searched. The byte before the next one stays: it may be a backslash.
    fn fill(&mut self, input: &mut impl Read) -> io::Result<usize> {
        let forget = self.next.saturating_sub(1);
        self.count_lines(forget);
        self.room.copy_within(forget..self.end, 0);
        self.start += forget as u64;
        self.end -= forget;
        self.next -= forget;
        self.counted = self.counted.saturating_sub(forget);
        loop {
            let room = self.room.get_mut(self.end..).unwrap_or_default();
            match input.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(read) => {
                    self.end += read;
                    return Ok(read);
                }
            }
        }
    }

    /// What was read.
    fn bytes(&self) -> &[u8] {
        self.room.get(..self.end).unwrap_or_default()
    }

    fn next(&mut self, stream: Stream) -> Option<Sighting> {
        loop {
            let rest = self.bytes().get(self.next..)?;
            let Some(brace) = memchr(b'{', rest) else {
                self.next = self.end;
                return None;
            };
            let brace = self.next + brace;
            match self.look(brace, stream) {
                Look::Nothing(end) => self.next = end,
                Look::Unknown => {
                    self.next = brace;
                    return None;
                }
                Look::Value(start, end) => {
                    self.count_lines(start);
                    let sighting = Sighting {
                        offset: self.start + start as u64,
                        line: self.lines + 1,
                        digits: self.bytes().get(start..end)?.to_vec(),
                    };
                    self.next = end;
                    return Some(sighting);
                }
            }
        }
    }

    /// Whether a value begins with the brace at this place.
    fn look(&self, brace: usize, stream: Stream) -> Look {
        let start = brace + 1;
        let before = brace
            .checked_sub(1)
            .and_then(|place| self.bytes().get(place));
        if before == Some(&b'$') {
            return Look::Nothing(start);
        }
        let rest = self.bytes().get(start..).unwrap_or_default();
        let digits = rest
            .iter()
            .take(MOST_DIGITS + 1)
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        let end = start + digits;
        let closing: &[u8] = match before {
            Some(b'\\') => b"\\}",
            _ => b"}",
        };
        let tail = rest.get(digits..).unwrap_or_default();
        if digits > MOST_DIGITS {
            return Look::Nothing(end);
        }
        if tail.len() < closing.len() && closing.starts_with(tail) && stream == Stream::GoesOn {
            return Look::Unknown;
        }
        let is_value = tail.starts_with(closing)
            && digits >= FEWEST_DIGITS
            && digits.is_multiple_of(BLOCK_DIGITS);
        match is_value {
            true => Look::Value(start, end),
            false => Look::Nothing(end),
        }
    }

    fn count_lines(&mut self, until: usize) {
        if let Some(bytes) = self.bytes().get(self.counted..until) {
            self.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
            self.counted = until;
        }
    }
}

#[cfg(test)]
mod tests;
