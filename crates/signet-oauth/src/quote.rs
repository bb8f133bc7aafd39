//! Words of the other side in our messages.

mod disguise;

use core::fmt;
use std::collections::HashSet;

use zeroize::Zeroizing;

/// So much of what the other side says is repeated, in characters.
const LONGEST: usize = 200;

/// So many characters of a secret in a row, as bytes, are enough to recognise it.
const TRACE: usize = 8;

/// So many letters are worth comparing without the signs between them; of fewer, every second sentence has a piece.
const FEWEST: usize = 4;

/// Something that the other side said, made harmless: at most 200 printable characters on one line, and nothing that
/// holds a piece of what was sent in confidence, in whichever of the usual ways of writing it.
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

/// What was sent in confidence and must not come back in a message, reduced as texts are to be compared.
#[derive(Default)]
pub(crate) struct Confidential(Vec<[Zeroizing<String>; 3]>);

impl fmt::Debug for Confidential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Confidential({} texts)", self.0.len())
    }
}

impl Confidential {
    /// Keeps `text` from being repeated.
    pub(crate) fn add(&mut self, text: &str) {
        let forms = disguise::forms(text);
        if forms.iter().any(|form| !form.is_empty()) {
            self.0.push(forms);
        }
    }

    /// Keeps a secret from being repeated, and what it means if it is an encoded text.
    pub(crate) fn add_secret(&mut self, secret: &str) {
        for meaning in disguise::meanings(secret) {
            self.add(&meaning);
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

    /// In doubt it is: words that are not repeated cost less than a secret that is.
    fn is_in(&self, text: &str) -> bool {
        !self.0.is_empty()
            && (disguise::is_dressed_up(text)
                || disguise::readings(text)
                    .iter()
                    .any(|reading| self.is_among(&disguise::forms(reading))))
    }

    fn is_among(&self, text: &[Zeroizing<String>; 3]) -> bool {
        let mut pieces = Pieces::default();
        self.0.iter().any(|secret| {
            let visible = secret.last().map_or(0, |form| form.len());
            secret
                .iter()
                .zip(text)
                .enumerate()
                .any(|(number, (secret, text))| {
                    let is_whole = secret.len() == visible;
                    (is_whole || secret.len() >= FEWEST)
                        && pieces.have_one_in_common(number, text.as_bytes(), secret.as_bytes())
                })
        })
    }
}

/// All pieces of the forms of a text, by form and length.
#[derive(Default)]
struct Pieces<'t>(Vec<(usize, usize, HashSet<&'t [u8]>)>);

impl<'t> Pieces<'t> {
    /// Whether so many bytes in a row as count stand in both. Found in linear time, since both can be long.
    fn have_one_in_common(&mut self, form: usize, text: &'t [u8], secret: &[u8]) -> bool {
        let length = TRACE.min(secret.len());
        if length == 0 {
            return false;
        }
        let is_known = |(known, of, _): &&(usize, usize, _)| (*known, *of) == (form, length);
        if self.0.iter().find(is_known).is_none() {
            self.0.push((form, length, text.windows(length).collect()));
        }
        let found = self.0.iter().find(is_known);
        found.is_some_and(|(.., pieces)| secret.windows(length).any(|piece| pieces.contains(piece)))
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

    /// `text` with `between` after each of its characters.
    fn strewn(text: &str, between: &str) -> String {
        text.chars().map(|c| format!("{c}{between}")).collect()
    }

    // Invariant 4
    #[test]
    fn a_secret_written_differently_is_recognised() {
        const SECRET: &str = "supersecret-zebra-99";
        let mut confidential = Confidential::default();
        confidential.add_secret(SECRET);
        let each = |write: fn(u8) -> String| SECRET.bytes().map(write).collect::<String>();
        let base64 = data_encoding::BASE64.encode(format!("the-client:{SECRET}").as_bytes());
        let base64url = data_encoding::BASE64URL_NOPAD.encode(format!("cl:{SECRET}").as_bytes());
        let twice = each(|b| format!("%{b:02x}")).replace('%', "%25");
        for text in [
            strewn(SECRET, "\u{200b}"),
            strewn(SECRET, "\u{3164}\u{301}"),
            strewn(SECRET, " "),
            strewn(SECRET, ". "),
            strewn(SECRET, "&shy;"),
            SECRET.to_uppercase(),
            SECRET.replace('-', "\u{2011}"),
            SECRET.replace('-', ""),
            each(|b| format!("&#{b};")),
            each(|b| format!("&#x{b:X}")) + ";",
            each(|b| format!("&amp;#{b};")),
            each(|b| format!("\\u{b:04x}")),
            each(|b| format!("\\x{b:02x}")),
            each(|b| format!("%{b:02X}")),
            each(|b| format!("{b:02x} ")),
            twice,
            each(|b| char::from_u32(u32::from(b) + 0xfee0).unwrap().to_string()),
            strewn(&base64, "\u{200b}"),
            format!("Authorization: Basic {base64}"),
            base64.replace('=', "%3D"),
            base64
                .as_bytes()
                .chunks(10)
                .map(|line| format!("{}\r\n", std::str::from_utf8(line).unwrap()))
                .collect(),
            base64url,
            // Past what is repeated of it.
            "x".repeat(300) + &strewn(SECRET, "\u{200b}"),
        ] {
            for text in [text.clone(), format!("wrong: {text}!")] {
                let quote = confidential.quote(&text);
                assert!(quote.as_str().starts_with("(not repeated"), "{text}");
            }
        }
        for text in [
            "client authentication failed",
            "Ungültige Anmeldedaten für den Client „reports-1“ (100%)",
            "クライアント認証に失敗しました",
            "AADSTS7000215: Invalid client secret provided. Trace ID: 3e6c3b0c-7a5d-4f5f-9a51-0d9c2b7f1a00",
        ] {
            assert_eq!(confidential.quote(text).as_str(), text);
        }
    }

    #[test]
    fn odd_secrets_are_recognised_as_well() {
        for (secret, text) in [
            ("Schlüßel-für-größe", "Schlüßel-für-größe"),
            ("ключ-от-двери", "К Л Ю Ч - О Т - Д В Е Р И"),
            ("!!??##++--..", "got ! ! ? ? # # + + - - . ."),
            ("a-1", "a - 1"),
            ("c3VwZXJzZWNyZXQtemVicmE=", "supersecret-zebra"),
            ("super%2Dsecret%2Dzebra", "super-secret"),
        ] {
            let mut confidential = Confidential::default();
            confidential.add_secret(secret);
            let quote = confidential.quote(text);
            assert!(quote.as_str().starts_with("(not repeated"), "{secret}");
        }
        let mut nothing = Confidential::default();
        nothing.add("");
        assert_eq!(nothing.quote("words").as_str(), "words");
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
