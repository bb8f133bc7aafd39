//! Paths as they can be pasted into a shell.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

/// A path, or any other word, in quotes, so that a shell takes it as one word whatever is in it.
///
/// Bytes that no terminal shows are written as `\ooo` in `$'…'`, which every shell of today reads.
#[must_use]
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    match word.to_str() {
        Some(text) if !text.chars().any(char::is_control) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => escaped(word.as_bytes()),
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = "$'".to_owned();
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            // Writing to a string does not fail.
            _ => drop(write!(text, "\\{byte:03o}")),
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_what_was_meant() {
        for (word, shown) in [
            (&b"/srv/signet"[..], "'/srv/signet'"),
            (b"da ta'q\"x", r#"'da ta'\''q"x'"#),
            (b"$(rm)`x`\\ *", r"'$(rm)`x`\ *'"),
            ("Schl\u{fc}ssel".as_bytes(), "'Schl\u{fc}ssel'"),
            (b"", "''"),
            (b"a\nb'\\\x1b[2J", r"$'a\012b\'\\\033[2J'"),
            (b"\xff1", r"$'\3771'"),
        ] {
            let quoted = quoted(OsStr::from_bytes(word));
            assert_eq!(quoted, shown);
            let said = Command::new("bash")
                .args(["-c", &format!("printf %s {quoted}")])
                .output()
                .unwrap();
            assert_eq!(said.stdout, word, "{quoted}");
        }
    }
}
