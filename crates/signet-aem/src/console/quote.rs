//! Words of an instance in our messages.

/// So much of what an instance says is repeated, in characters.
const LONGEST: usize = 240;

/// What an instance said, made harmless: printable, on one line, and not long.
pub(crate) fn quoted(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<String> = words
        .map(|word| word.chars().filter(|c| is_visible(*c)).collect())
        .filter(|word: &String| !word.is_empty())
        .collect();
    let words = words.join(" ");
    match words.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words,
    }
}

/// Neither moves the cursor nor hides or turns around what stands beside it.
fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_made_harmless() {
        assert_eq!(quoted(" a\r\n\x1b[2Jb\u{202e}\tc "), "a [2Jb c");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), LONGEST + 1);
        assert_eq!(quoted(""), "");
    }
}
