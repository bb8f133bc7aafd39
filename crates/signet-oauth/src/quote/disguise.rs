//! The same words in other letters: what one side sent can come back escaped, encoded or with something in between.

use zeroize::Zeroizing;

/// Encodings can be inside each other; nobody means more of them than so many.
const DEEPEST: usize = 4;

/// `text`, and what it says once its escapes and encodings are taken off.
pub(super) fn readings(text: &str) -> Vec<Zeroizing<String>> {
    let mut readings = unescaped(text);
    for encoded in readings.clone() {
        for bytes in decoded(&encoded) {
            readings.extend(unescaped(&String::from_utf8_lossy(&bytes)));
        }
    }
    readings
}

/// What a whole text means if it is one encoded text and nothing else.
pub(super) fn meanings(text: &str) -> Vec<Zeroizing<String>> {
    let mut meanings = unescaped(text);
    for bytes in decoded(text) {
        if bytes.iter().all(|byte| matches!(byte, 0x20..=0x7e))
            && let Ok(meaning) = String::from_utf8(bytes.to_vec())
        {
            meanings.push(Zeroizing::new(meaning));
        }
    }
    meanings
}

/// A text reduced to what survives when it is written differently. Texts are compared in each form for itself.
pub(super) fn forms(text: &str) -> [Zeroizing<String>; 3] {
    let small = |keep: fn(char) -> bool| {
        let kept = text.chars().filter(|c| keep(*c));
        // Room for all of it at once, so that no copy of a secret is left behind by growing.
        let mut form = String::with_capacity(text.len() * 3);
        form.extend(kept.flat_map(char::to_lowercase));
        Zeroizing::new(form)
    };
    [
        small(|c| c.is_ascii_alphanumeric()),
        small(|c| c.is_ascii_graphic()),
        small(|c| !c.is_whitespace() && super::is_visible(c)),
    ]
}

/// Whether a text has letters that look like ASCII and are none: full width, in circles, of mathematics, or tags.
pub(super) fn is_dressed_up(text: &str) -> bool {
    text.chars().any(|c| {
        matches!(c, '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}'
            | '\u{2460}'..='\u{24ff}' | '\u{1d400}'..='\u{1d7ff}' | '\u{1f100}'..='\u{1f1ff}'
            | '\u{e0000}'..='\u{e007f}')
    })
}

/// The text, and what it is after one, two and more rounds of taking escapes off.
fn unescaped(text: &str) -> Vec<Zeroizing<String>> {
    let mut rounds = vec![Zeroizing::new(text.to_owned())];
    while rounds.len() <= DEEPEST
        && let Some(next) = rounds.last().and_then(|last| unescape(last))
    {
        rounds.push(next);
    }
    rounds
}

/// Takes off the escapes of URLs, HTML and JSON, wherever they stand; `None` if there are none.
fn unescape(text: &str) -> Option<Zeroizing<String>> {
    // No escape is shorter than what it stands for.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    let mut found = false;
    while let Some(c) = rest.chars().next() {
        match escape(rest) {
            Some((length, piece)) => {
                found = true;
                match piece {
                    Piece::Byte(byte) => bytes.push(byte),
                    Piece::Char(c) => {
                        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
                rest = rest.get(length..).unwrap_or_default();
            }
            None => {
                let (this, after) = rest.split_at(c.len_utf8());
                bytes.extend_from_slice(this.as_bytes());
                rest = after;
            }
        }
    }
    found.then(|| Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

enum Piece {
    Byte(u8),
    Char(char),
}

/// The escape that `text` begins with: how long it is, and what it stands for.
fn escape(text: &str) -> Option<(usize, Piece)> {
    let number = |start: usize, digits: usize| {
        let digits = text.get(start..start + digits)?;
        let are_digits = digits.bytes().all(|b| b.is_ascii_hexdigit());
        are_digits.then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let byte = |start| Some(Piece::Byte(u8::try_from(number(start, 2)?).ok()?));
    // Half of a pair stands for nothing that a secret is recognised by.
    let character = |code| Piece::Char(char::from_u32(code).unwrap_or(' '));
    match text.as_bytes() {
        [b'%', b'u' | b'U', ..] => Some((6, character(number(2, 4)?))),
        [b'%', ..] => Some((3, byte(1)?)),
        [b'\\', b'x', ..] => Some((4, byte(2)?)),
        [b'\\', b'u', b'{', ..] => {
            let end = text
                .get(3..)?
                .find('}')
                .filter(|length| (1..=6).contains(length))?;
            Some((3 + end + 1, character(number(3, end)?)))
        }
        [b'\\', b'u', ..] => Some((6, character(number(2, 4)?))),
        [b'\\', b'U', ..] => Some((10, character(number(2, 8)?))),
        [b'&', b'#', ..] => reference(text),
        [b'&', ..] => named(text),
        _ => None,
    }
}

/// `&#115;` or `&#x73;`; browsers do not insist on the semicolon.
fn reference(text: &str) -> Option<(usize, Piece)> {
    let is_hex = matches!(text.as_bytes().get(2), Some(b'x' | b'X'));
    let (start, radix) = if is_hex { (3, 16) } else { (2, 10) };
    let rest = text.get(start..)?;
    let length = rest
        .find(|c: char| !c.is_digit(radix))
        .unwrap_or(rest.len());
    let code = u32::from_str_radix(rest.get(..length)?, radix).ok()?;
    let semicolon = usize::from(rest.get(length..)?.starts_with(';'));
    let c = char::from_u32(code).unwrap_or(' ');
    Some((start + length + semicolon, Piece::Char(c)))
}

/// `&amp;` and the like. The other names are of signs, spaces and nothings.
fn named(text: &str) -> Option<(usize, Piece)> {
    let end = text.find(';').filter(|end| (3..=32).contains(end))?;
    let name = text.get(1..end)?;
    if !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => ' ',
    };
    Some((end + 1, Piece::Char(c)))
}

/// What stands in `text` in base64 or base16, wherever it begins and whatever is strewn in that is no digit of it.
fn decoded(text: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let with_signs = values(text, |b| {
        sextet(b).or(match b {
            b'+' | b'-' => Some(62),
            b'/' | b'_' => Some(63),
            _ => None,
        })
    });
    let without_signs = values(text, sextet);
    let hex = values(text, |b| {
        char::from(b)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    });
    let mut decoded = Vec::new();
    for (values, width, beginnings) in [(&with_signs, 6, 4), (&without_signs, 6, 4), (&hex, 4, 2)] {
        decoded.extend((0..beginnings).map(|skipped| regroup(values, width, skipped)));
    }
    decoded
}

fn values(text: &str, value: impl Fn(u8) -> Option<u8>) -> Zeroizing<Vec<u8>> {
    let mut values = Zeroizing::new(Vec::with_capacity(text.len()));
    values.extend(text.bytes().filter_map(value));
    values
}

const fn sextet(b: u8) -> Option<u8> {
    match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        _ => None,
    }
}

/// Bytes from values of `width` bits.
fn regroup(values: &[u8], width: u32, skipped: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(values.len()));
    let (mut bits, mut count) = (0_u32, 0);
    for value in values.iter().skip(skipped) {
        bits = (bits << width | u32::from(*value)) & 0xffff;
        count += width;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> String {
        let rounds = unescaped(text);
        rounds.last().unwrap().to_string()
    }

    #[test]
    fn escapes_are_taken_off() {
        for (text, expected) in [
            ("a%62c%C3%A9", "abcé"),
            ("a%u0062c", "abc"),
            ("a%2562c", "abc"),
            ("a&#98;c&#x64e", "abc\u{64e}"),
            ("&amp;#97;&lt;&zwnj;", "a< "),
            (r"\u0061\x62\u{63}\U00000064", "abcd"),
            (
                "100% &; &# \\u12 \\u{} %zz &é;",
                "100% &; &# \\u12 \\u{} %zz &é;",
            ),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(unescape("nothing at all"), None);
    }

    #[test]
    fn encoded_bytes_are_found() {
        for text in [
            "aGVsbG8=",
            "x aGVs bG8",
            "aGVs\u{200b}bG8",
            "68656c6c6f",
            "68:65:6C:6c:6f",
        ] {
            let found = decoded(text);
            assert!(
                found
                    .iter()
                    .any(|bytes| bytes.windows(5).any(|piece| piece == b"hello")),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "(%|&|#|x|u|\\\\|\\{|\\}|;|[0-9a-f]|.){0,60}") {
            let _ = (readings(&text), meanings(&text), is_dressed_up(&text));
        }

        #[test]
        fn base64_is_base64(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let text = data_encoding::BASE64.encode(&bytes);
            let decoded = decoded(&text);
            prop_assert_eq!(&**decoded.first().unwrap(), &bytes);
        }
    }
}
