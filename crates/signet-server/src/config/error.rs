//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// A configuration that cannot be used: nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    path: PathBuf,
    place: Option<Place>,
    message: String,
}

/// Where in the file, both counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

impl ConfigError {
    pub(super) fn syntax(error: &toml::de::Error, text: &str, path: &Path) -> Self {
        let place = error.span().map(|span| place(text, span.start));
        Self {
            path: path.to_owned(),
            place,
            message: error.message().to_owned(),
        }
    }

    /// A value that is well-formed and does not fit the others. `key` is looked for in the text.
    pub(super) fn value(key: &str, text: &str, path: &Path, message: &str) -> Self {
        let name = key.rsplit('.').next().unwrap_or(key);
        let mut start = 0;
        let mut found = None;
        for line in text.split_inclusive('\n') {
            let content = line.trim_start();
            let is_key = |key: &str| {
                let rest = content.strip_prefix(key).map(str::trim_start);
                rest.is_some_and(|rest| rest.starts_with('='))
            };
            if is_key(name) || is_key(key) {
                found = Some(place(text, start + line.len() - content.len()));
                break;
            }
            start += line.len();
        }
        Self {
            path: path.to_owned(),
            place: found,
            message: format!("{key}: {message}"),
        }
    }

    /// A value at a known place that does not fit.
    pub(super) fn at(key: &str, offset: usize, text: &str, path: &Path, message: &str) -> Self {
        Self {
            path: path.to_owned(),
            place: Some(place(text, offset)),
            message: format!("{key}: {message}"),
        }
    }

    /// Line and column, counted from one, where they are known.
    #[must_use]
    pub fn place(&self) -> Option<(usize, usize)> {
        self.place.map(|place| (place.line, place.column))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(Place { line, column }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for ConfigError {}

fn place(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    Place { line, column }
}
