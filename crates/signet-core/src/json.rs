//! A strict reader of the one JSON document Signet reads on the way of a request: the claims of a token (RFC 8259).
//!
//! It hands out values in the order they stand, borrows every string that has no escape, and keeps no tree.

mod write;

use std::borrow::Cow;

pub(crate) use write::{write_string, write_string_array};

/// How deep unknown values may nest.
const MAX_DEPTH: u8 = 8;

/// The text is not strict JSON, or the value is not of the type asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

type Parsed<T> = Result<T, Malformed>;

/// Reads one document from front to back.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Reads `{"name": value, …}` to the end of the document; `member` must read the value.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Parsed<()>,
    ) -> Parsed<()> {
        self.members(&mut member)?;
        self.skip_space();
        self.is_at_end().then_some(()).ok_or(Malformed)
    }

    fn members(&mut self, member: &mut dyn FnMut(&mut Self, &str) -> Parsed<()>) -> Parsed<()> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let name = self.string()?;
            self.expect(b':')?;
            member(self, &name)?;
            if self.take(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// Reads a string.
    #[inline]
    pub(crate) fn string(&mut self) -> Parsed<Cow<'a, str>> {
        self.expect(b'"')?;
        self.string_behind_quote()
    }

    /// Reads the rest of a string whose opening quote was read.
    #[inline]
    pub(crate) fn string_behind_quote(&mut self) -> Parsed<Cow<'a, str>> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).ok_or(Malformed)?;
        let stop = plain_length(rest);
        match rest.get(stop) {
            Some(b'"') => {
                self.at = start + stop + 1;
                let text = self.text.get(start..start + stop).ok_or(Malformed)?;
                Ok(Cow::Borrowed(text))
            }
            Some(b'\\') => self
                .string_with_escapes(start, start + stop)
                .map(Cow::Owned),
            _ => Err(Malformed),
        }
    }

    fn string_with_escapes(&mut self, start: usize, first_escape: usize) -> Parsed<String> {
        let mut out = String::from(self.text.get(start..first_escape).ok_or(Malformed)?);
        self.at = first_escape;
        loop {
            let c = self
                .text
                .get(self.at..)
                .and_then(|rest| rest.chars().next())
                .ok_or(Malformed)?;
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(out),
                '\\' => out.push(self.escape()?),
                c if c < ' ' => return Err(Malformed),
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let escape = self.byte().ok_or(Malformed)?;
        self.at += 1;
        Ok(match escape {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return Err(Malformed),
        })
    }

    fn unicode_escape(&mut self) -> Parsed<char> {
        let first = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or(Malformed);
        }
        if self.text.get(self.at..self.at + 2) != Some("\\u") {
            return Err(Malformed);
        }
        self.at += 2;
        let second = self.four_digits()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(Malformed);
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(Malformed)
    }

    fn four_digits(&mut self) -> Parsed<u32> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(Malformed)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Malformed);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| Malformed)
    }

    /// Reads a whole number from 0 to 2^64-1, without sign, fraction or exponent.
    #[inline]
    pub(crate) fn number(&mut self) -> Parsed<u64> {
        self.skip_space();
        let rest = self.text.as_bytes().get(self.at..).ok_or(Malformed)?;
        let (mut value, mut length) = match rest.as_chunks::<8>().0.first() {
            Some(word) => eight_digits(*word).map_or((0, 0), |value| (value, 8)),
            None => (0, 0),
        };
        while let Some(digit) = rest.get(length).filter(|b| b.is_ascii_digit()) {
            value = value
                .checked_mul(10)
                .and_then(|value| value.checked_add(u64::from(digit - b'0')))
                .ok_or(Malformed)?;
            length += 1;
        }
        let leading_zero = length > 1 && rest.first() == Some(&b'0');
        let goes_on = matches!(rest.get(length), Some(b'.' | b'e' | b'E' | b'-' | b'+'));
        if length == 0 || leading_zero || goes_on {
            return Err(Malformed);
        }
        self.at += length;
        Ok(value)
    }

    /// Reads an array of strings and returns its text, brackets included, for reading again later.
    #[inline]
    pub(crate) fn string_array(&mut self) -> Parsed<&'a str> {
        self.skip_space();
        let start = self.at;
        self.each_string(|_| ())?;
        self.text.get(start..self.at).ok_or(Malformed)
    }

    /// Reads an array of strings and hands out each.
    pub(crate) fn each_string(&mut self, mut each: impl FnMut(Cow<'a, str>)) -> Parsed<()> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            each(self.string()?);
            if self.take(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// Reads a value of any type and forgets it.
    pub(crate) fn skip_value(&mut self) -> Parsed<()> {
        self.skip_nested(MAX_DEPTH)
    }

    fn skip_nested(&mut self, depth: u8) -> Parsed<()> {
        let deeper = depth.checked_sub(1).ok_or(Malformed)?;
        self.skip_space();
        match self.byte().ok_or(Malformed)? {
            b'"' => self.string().map(|_| ()),
            b'{' => self.members(&mut |reader, _| reader.skip_nested(deeper)),
            b'[' => self.skip_array(deeper),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.skip_number(),
        }
    }

    fn skip_array(&mut self, depth: u8) -> Parsed<()> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.skip_nested(depth)?;
            if self.take(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn skip_number(&mut self) -> Parsed<()> {
        self.step(b'-');
        if self.step(b'0') {
            // A number that begins with 0 has no further digit before the point.
        } else {
            self.digits()?;
        }
        if self.step(b'.') {
            self.digits()?;
        }
        if self.step(b'e') || self.step(b'E') {
            let _ = self.step(b'+') || self.step(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Parsed<()> {
        let start = self.at;
        while self.byte().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(()).ok_or(Malformed)
    }

    /// Steps over `literal`, which must stand exactly here.
    #[inline]
    pub(crate) fn literal(&mut self, literal: &str) -> Parsed<()> {
        let rest = self.text.as_bytes().get(self.at..).ok_or(Malformed)?;
        if !rest.starts_with(literal.as_bytes()) {
            return Err(Malformed);
        }
        self.at += literal.len();
        Ok(())
    }

    /// Whether nothing is left.
    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over `wanted` if it stands exactly here.
    #[inline]
    fn step(&mut self, wanted: u8) -> bool {
        let found = self.byte() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Steps over `wanted` if it comes next, white space aside.
    #[inline]
    fn take(&mut self, wanted: u8) -> bool {
        self.step(wanted) || {
            self.skip_space();
            self.step(wanted)
        }
    }

    #[inline]
    fn expect(&mut self, wanted: u8) -> Parsed<()> {
        self.take(wanted).then_some(()).ok_or(Malformed)
    }

    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
}

/// The number that eight decimal digits stand for; `None` if one of them is none.
///
/// Digits are added up in pairs, then pairs of pairs, then their pairs: three multiplications instead of eight.
#[inline]
fn eight_digits(digits: [u8; 8]) -> Option<u64> {
    const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const BEYOND_NINE: u64 = u64::from_ne_bytes([0x80 - 10; 8]);
    let word = u64::from_le_bytes(digits);
    let values = word ^ ZEROS;
    // No place carries into the next unless one of them is no digit, and then it is found all the same.
    if (values | values.wrapping_add(BEYOND_NINE)) & HIGH != 0 {
        return None;
    }
    let pairs = (values.wrapping_mul(10).wrapping_add(values >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xffff_ffff)
}

/// How many bytes of a string stand before the first quote, backslash or control character; all, if there is none.
///
/// Looks at eight bytes at a time: a byte below `n` borrows from the top bit of its place when `n` is subtracted.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let below = |word: u64, n: u64| word.wrapping_sub(LOW * n) & !word & HIGH;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut length = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quote = below(word ^ (LOW * u64::from(b'"')), 1);
        let backslash = below(word ^ (LOW * u64::from(b'\\')), 1);
        let found = quote | backslash | below(word, 0x20);
        if found != 0 {
            // Borrows can only make places above the first one look found, never below it.
            return length + found.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let special = |b: &u8| *b == b'"' || *b == b'\\' || *b < 0x20;
    length + rest.iter().position(special).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests;
