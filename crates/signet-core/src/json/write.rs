//! Writing the few JSON values that a token's claims consist of.

use core::fmt::Write as _;

/// Appends `text` as a JSON string.
pub(crate) fn write_string(text: &str, onto: &mut String) {
    onto.push('"');
    for c in text.chars() {
        match c {
            '"' => onto.push_str("\\\""),
            '\\' => onto.push_str("\\\\"),
            c if c < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(onto, "\\u{:04x}", u32::from(c));
            }
            c => onto.push(c),
        }
    }
    onto.push('"');
}

/// Appends `texts` as a JSON array of strings.
pub(crate) fn write_string_array<'t>(texts: impl IntoIterator<Item = &'t str>, onto: &mut String) {
    onto.push('[');
    for (position, text) in texts.into_iter().enumerate() {
        if position > 0 {
            onto.push(',');
        }
        write_string(text, onto);
    }
    onto.push(']');
}
