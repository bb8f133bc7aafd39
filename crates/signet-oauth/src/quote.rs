//! Words of the other side in our messages.

use core::fmt;

use zeroize::Zeroizing;

/// So much of what the other side says is repeated, in characters.
const LONGEST: usize = 200;

/// So many characters of a secret in a row are enough to recognise it.
const TRACE: usize = 8;

/// Something that the other side said, made harmless: at most 200 printable characters on one line, and nothing that
/// holds a piece of what was sent in confidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote(String);

impl Quote {
    /// The words as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was sent in confidence and must not come back in a message.
#[derive(Default)]
pub(crate) struct Confidential(Vec<Zeroizing<String>>);

impl fmt::Debug for Confidential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Confidential({} texts)", self.0.len())
    }
}

impl Confidential {
    pub(crate) fn add(&mut self, text: &str) {
        if !text.is_empty() {
            self.0.push(Zeroizing::new(text.to_owned()));
        }
    }

    /// `text` as it may be repeated.
    pub(crate) fn quote(&self, text: &str) -> Quote {
        if self.is_in(text) {
            return Quote("(not repeated: it holds a piece of the secret)".to_owned());
        }
        let parts = text.split(|c: char| c.is_whitespace() || c.is_control());
        let parts = parts.map(|part| part.chars().filter(|c| is_visible(*c)).collect());
        let words: Vec<String> = parts.filter(|part: &String| !part.is_empty()).collect();
        let words = words.join(" ");
        match words.char_indices().nth(LONGEST) {
            Some((end, _)) => Quote(format!("{}…", words.get(..end).unwrap_or_default())),
            None => Quote(words),
        }
    }

    fn is_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| {
            let characters: Vec<(usize, char)> = secret.char_indices().collect();
            let trace = TRACE.min(characters.len());
            characters.windows(trace).any(|piece| {
                let (Some((start, _)), Some((last, c))) = (piece.first(), piece.last()) else {
                    return false;
                };
                let piece = secret.get(*start..last + c.len_utf8());
                piece.is_some_and(|piece| text.contains(piece))
            })
        })
    }
}

/// Neither moves the cursor nor hides or turns around what stands beside it.
fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_made_harmless() {
        let none = Confidential::default();
        assert_eq!(
            none.quote(" a\r\n\x1b[2Jb\u{202e}\tc ").as_str(),
            "a [2Jb c"
        );
        let long = none.quote(&"x".repeat(300));
        assert_eq!(long.as_str().chars().count(), 201);
        assert!(long.as_str().ends_with('…'));
    }

    // Invariant 4
    #[test]
    fn no_piece_of_a_secret_comes_back() {
        let mut confidential = Confidential::default();
        confidential.add("correct-horse-battery");
        for text in [
            "correct-horse-battery",
            "wrong: `rect-horse`",
            "battery is correct-horse",
        ] {
            let quote = confidential.quote(text);
            assert!(quote.as_str().starts_with("(not repeated"), "{text}");
        }
        assert_eq!(confidential.quote("a battery").as_str(), "a battery");
        assert!(!format!("{confidential:?}").contains("horse"));
    }

    proptest! {
        #[test]
        fn any_text_can_be_quoted(secret in ".{0,20}", text in ".{0,400}") {
            let mut confidential = Confidential::default();
            confidential.add(&secret);
            let quote = confidential.quote(&text);
            prop_assert!(quote.as_str().chars().count() <= LONGEST + 1);
            prop_assert!(quote.as_str().chars().all(is_visible));
        }
    }
}
