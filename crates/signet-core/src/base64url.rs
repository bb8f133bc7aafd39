//! Strict base64url without padding (RFC 4648, section 5), as JOSE uses it (RFC 7515, section 2).
//!
//! Exactly one text stands for each sequence of bytes: padding, white space, the other alphabet, unused bits that are
//! not zero and impossible lengths are refused.
//! Decoding is on the way of every request, so it is done with the processor's wide registers (`base64-simd`).

use base64_simd::{Out, URL_SAFE_NO_PAD};

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
    URL_SAFE_NO_PAD.decode(text, Out::from_slice(into)).ok()
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
    URL_SAFE_NO_PAD.encode_append(bytes, onto);
}

/// Encodes `bytes`.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
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
