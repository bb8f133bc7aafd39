//! Strict base64url without padding (RFC 4648, section 5), as JOSE uses it (RFC 7515, section 2).
//!
//! Exactly one text stands for each sequence of bytes: padding, white space, the other alphabet, unused bits that are
//! not zero and impossible lengths are refused.
//! Decoding is on the way of every request, so it works on four characters at a time through tables.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// In a table: this character is not of the alphabet.
const FOREIGN: u32 = 1 << 31;

/// For each of the four places in a group: what a character contributes to the 24 bits.
static PLACES: [[u32; 256]; 4] = [places(18), places(12), places(6), places(0)];

const fn places(shift: u32) -> [u32; 256] {
    let mut table = [FOREIGN; 256];
    let mut value = 0;
    while value < 64 {
        table[ALPHABET[value as usize] as usize] = value << shift;
        value += 1;
    }
    table
}

/// How many bytes a text of `length` characters stands for; `None` if no text has that length.
#[must_use]
pub const fn decoded_len(length: usize) -> Option<usize> {
    match length % 4 {
        0 => Some(length / 4 * 3),
        2 => Some(length / 4 * 3 + 1),
        3 => Some(length / 4 * 3 + 2),
        _ => None,
    }
}

/// Decodes `text` into the front of `into` and returns that part; `None` if the text is not strict or does not fit.
#[must_use]
pub fn decode_into<'b>(text: &[u8], into: &'b mut [u8]) -> Option<&'b mut [u8]> {
    let length = decoded_len(text.len())?;
    let into = into.get_mut(..length)?;
    let (groups, rest) = text.as_chunks::<4>();
    let (triples, tail) = into.as_chunks_mut::<3>();
    let mut seen = 0;
    for (group, triple) in groups.iter().zip(triples) {
        let bits = gather(*group);
        seen |= bits;
        let [_, a, b, c] = bits.to_be_bytes();
        *triple = [a, b, c];
    }
    let tail_bits = match (rest, tail) {
        ([], []) => 0,
        (&[a, b], [first]) => {
            let bits = gather([a, b, b'A', b'A']);
            *first = bits.to_be_bytes()[1];
            bits | unused(bits & 0xffff)
        }
        (&[a, b, c], [first, second]) => {
            let bits = gather([a, b, c, b'A']);
            [_, *first, *second, _] = bits.to_be_bytes();
            bits | unused(bits & 0xff)
        }
        _ => FOREIGN,
    };
    ((seen | tail_bits) & FOREIGN == 0).then_some(into)
}

/// Decodes `text` into a new vector; `None` if it is not strict.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; decoded_len(text.len())?];
    decode_into(text, &mut bytes)?;
    Some(bytes)
}

/// Encodes `bytes` and appends the text to `onto`.
pub fn encode_onto(bytes: &[u8], onto: &mut String) {
    data_encoding::BASE64URL_NOPAD.encode_append(bytes, onto);
}

/// Encodes `bytes`.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes)
}

#[inline]
fn gather([a, b, c, d]: [u8; 4]) -> u32 {
    PLACES[0][a as usize] | PLACES[1][b as usize] | PLACES[2][c as usize] | PLACES[3][d as usize]
}

fn unused(bits: u32) -> u32 {
    if bits == 0 { 0 } else { FOREIGN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_text_for_each_sequence() {
        assert_eq!(decode(b""), Some(vec![]));
        assert_eq!(decode(b"AA"), Some(vec![0]));
        for bad in [
            "A", "AB", "AAB", "AAAAA", "AA==", "AA A", "AA\nA", "A+AA", "A/AA", "\u{e9}A", "AA=",
        ] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_an_independent_codec(text in "[A-Za-z0-9_=+/ -]{0,40}") {
            let theirs = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok();
            prop_assert_eq!(decode(text.as_bytes()), theirs);
        }

        #[test]
        fn round_trips(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(decode(encode(&bytes).as_bytes()), Some(bytes));
        }
    }
}
