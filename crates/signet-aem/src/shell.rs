//! Paths as words of a shell.

use std::path::Path;

/// A path as one word, so that a command in an advice can be pasted whatever is in the path.
pub(crate) fn word(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_does_not_end_the_word() {
        assert_eq!(word(Path::new("/a b/$c")), "'/a b/$c'");
        assert_eq!(word(Path::new("it's")), r"'it'\''s'");
    }
}
