//! What an answer is that is no JSON.

use core::fmt;

use crate::Quote;
use crate::quote::Confidential;

/// What an answer is that is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Looks {
    /// Nothing.
    Empty,
    /// A page for people.
    Html {
        /// Its title, if it has one.
        title: Option<Quote>,
    },
    /// JSON of another shape than an object, or cut off.
    Json,
    /// Words without form.
    Text,
    /// Something else.
    Other,
}

impl Looks {
    /// Judges by the `Content-Type` and by how it begins.
    pub(crate) fn of(kind: &str, body: &[u8], confidential: &Confidential) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        let kind = kind.to_ascii_lowercase();
        if text.is_empty() {
            Self::Empty
        } else if kind.starts_with("text/html") || is_page(text) {
            Self::Html {
                title: title(text).map(|title| confidential.quote(title)),
            }
        } else if kind.contains("json") || text.starts_with(['{', '[']) {
            Self::Json
        } else if kind.starts_with("text/") {
            Self::Text
        } else {
            Self::Other
        }
    }
}

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("nothing"),
            Self::Html { title: None } => f.write_str("an HTML page"),
            Self::Html { title: Some(title) } => write!(f, "an HTML page (\"{title}\")"),
            Self::Json => f.write_str("damaged JSON, or JSON of another shape,"),
            Self::Text => f.write_str("plain text"),
            Self::Other => f.write_str("something else"),
        }
    }
}

fn is_page(text: &str) -> bool {
    ["<!doctype html", "<html", "<head", "<body", "<!--"]
        .iter()
        .any(|start| begins_with(text, start))
}

fn title(page: &str) -> Option<&str> {
    let lower = page.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower.get(open..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find('<')?;
    let title = page.get(start..end)?.trim();
    (!title.is_empty()).then_some(title)
}

fn begins_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|beginning| beginning.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn look(kind: &str, body: &str) -> String {
        Looks::of(kind, body.as_bytes(), &Confidential::default()).to_string()
    }

    #[test]
    fn a_page_is_called_a_page() {
        assert_eq!(look("", ""), "nothing");
        assert_eq!(look("text/html", "hello"), "an HTML page");
        let page = "\u{feff}\n<!DOCTYPE HTML><html><Title lang=en>\n Sign\tin </title>";
        assert_eq!(look("", page), "an HTML page (\"Sign in\")");
        assert_eq!(
            look("text/html; charset=utf-8", "<title></title>"),
            "an HTML page"
        );
        assert!(look("application/json", "{\"access").contains("JSON"));
        assert_eq!(look("text/plain", "Bad gateway"), "plain text");
        assert_eq!(look("", "\u{1}"), "something else");
    }

    proptest! {
        #[test]
        fn any_page_is_looked_at(kind in ".{0,12}", body in "(<title|>|</|<html|İ|.){0,40}") {
            let _ = look(&kind, &body);
        }
    }
}
