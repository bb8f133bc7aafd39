//! Properties of the framework in a file of Java's format, as far as an installation uses it.

use std::path::Path;

use crate::file;

/// The most that is read of such a file, in bytes.
const MAX_PROPERTIES_BYTES: u64 = 1024 * 1024;

/// The value of `key` in the properties file at `path`, the last one if it stands there more than once.
pub(crate) fn value(path: &Path, key: &str) -> Option<String> {
    let bytes = file::read(path, MAX_PROPERTIES_BYTES).ok()??;
    find(&String::from_utf8_lossy(&bytes), key)
}

fn find(text: &str, key: &str) -> Option<String> {
    let mut found = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim_start().to_owned();
        if line.starts_with(['#', '!']) {
            continue;
        }
        // An odd number of backslashes at its end continues a line.
        while line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1 {
            line.pop();
            line.push_str(lines.next().unwrap_or_default().trim_start());
        }
        let end = line.find(|c: char| matches!(c, '=' | ':') || c.is_whitespace());
        let (name, rest) = line.split_at(end.unwrap_or(line.len()));
        if name == key {
            let rest = rest.trim_start();
            let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
            found = Some(unescaped(rest.trim_start()));
        }
    }
    found
}

/// Without the backslashes that protect characters; `\uXXXX` is not used in paths.
fn unescaped(text: &str) -> String {
    let mut characters = text.chars();
    let mut plain = String::new();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            other => plain.push(other),
        }
    }
    plain.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found() {
        let text = "# a comment\nkey.a=one\n  key.b : /opt/with\\ space \nkey.c=two\\\n   more\nkey.a = last\n!key.d=no\n";
        for (key, value) in [
            ("key.a", Some("last")),
            ("key.b", Some("/opt/with space")),
            ("key.c", Some("twomore")),
            ("key.d", None),
            ("key", None),
        ] {
            assert_eq!(find(text, key).as_deref(), value, "{key}");
        }
    }
}
