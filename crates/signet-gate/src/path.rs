//! One reading of a path, or none: rules are matched against what every server would understand, never against a guess.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

/// The path of a request in its one canonical form: decoded, without query.
///
/// Refused is everything that servers are known to read differently: dot segments, encoded dots, slashes, backslashes
/// and percent signs, empty segments, path parameters, fragments, control characters, and bytes that are not UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalPath(String);

/// The path has more than one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path has more than one reading")]
pub struct AmbiguousPath;

impl CanonicalPath {
    /// Reads the path of a request target; what follows `?` is not looked at.
    ///
    /// # Errors
    /// [`AmbiguousPath`] for everything listed above.
    pub fn parse(target: &str) -> Result<Self, AmbiguousPath> {
        let path = target.split('?').next().unwrap_or_default();
        let raw = path.bytes().any(|b| {
            !b.is_ascii_graphic() || matches!(b, b'\\' | b';' | b'#' | b'"' | b'<' | b'>')
        });
        if !path.starts_with('/') || raw || path.contains("//") || has_broken_escape(path) {
            return Err(AmbiguousPath);
        }
        let lower = path.to_ascii_lowercase();
        if ["%2e", "%2f", "%5c", "%25", "%3b", "%23", "%3f"]
            .iter()
            .any(|code| lower.contains(code))
        {
            return Err(AmbiguousPath);
        }
        let decoded = percent_decode_str(path)
            .decode_utf8()
            .map_err(|_| AmbiguousPath)?;
        let dotted = decoded
            .split('/')
            .any(|segment| matches!(segment, "." | ".."));
        if dotted || decoded.chars().any(char::is_control) {
            return Err(AmbiguousPath);
        }
        Ok(Self(decoded.into_owned()))
    }

    /// The decoded path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn has_broken_escape(path: &str) -> bool {
    path.split('%').skip(1).any(|rest| {
        let digits = rest.as_bytes().get(..2);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// A path, or with a `/` at its end all paths below it, in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern(String);

impl PathPattern {
    /// Whether the pattern covers `path`. `/a/` covers `/a` as well.
    #[must_use]
    pub fn covers(&self, path: &CanonicalPath) -> bool {
        match self.0.strip_suffix('/') {
            Some(folder) => path
                .0
                .strip_prefix(folder)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            None => path.0 == self.0,
        }
    }
}

impl FromStr for PathPattern {
    type Err = AmbiguousPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('?') {
            return Err(AmbiguousPath);
        }
        CanonicalPath::parse(text).map(|path| Self(path.0))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(target: &str) -> Option<String> {
        CanonicalPath::parse(target).ok().map(|path| path.0)
    }

    #[test]
    fn a_plain_path_is_decoded_and_loses_its_query() {
        assert_eq!(read("/a/b?c=/../d;e#f").as_deref(), Some("/a/b"));
        assert_eq!(read("/%E4%BD%A0/x%20y").as_deref(), Some("/你/x y"));
        assert_eq!(read("/").as_deref(), Some("/"));
    }

    // P4
    #[test]
    fn what_has_two_readings_has_none() {
        for target in [
            "",
            "a",
            "*",
            "//",
            "/a//b",
            "/a/..",
            "/../a",
            "/./a",
            "/a/.",
            "/%2e%2e/a",
            "/%2E%2e/a",
            "/.%2e/a",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a;b",
            "/a;jsessionid=1",
            "/a%3bb",
            "/a#b",
            "/a%23b",
            "/a%00b",
            "/a\0b",
            "/a%0d%0ab",
            "/%c0%ae%c0%ae/",
            "/%c0%af",
            "/%e0%80%af",
            "/%ff",
            "/%",
            "/%2",
            "/%zz",
            "/%252e",
            "/a%25b",
            "/a b",
            "/你",
            "http://host/a",
            "/a%3fb",
            "/\u{7f}",
        ] {
            assert_eq!(read(target), None, "{target:?}");
        }
    }

    #[test]
    fn a_pattern_covers_a_path_or_a_folder() {
        let covers = |pattern: &str, target: &str| {
            let pattern: PathPattern = pattern.parse().unwrap();
            pattern.covers(&CanonicalPath::parse(target).unwrap())
        };
        assert!(covers("/", "/a") && covers("/", "/"));
        assert!(
            covers("/admin/", "/admin")
                && covers("/admin/", "/admin/")
                && covers("/admin/", "/admin/x")
        );
        assert!(!covers("/admin/", "/administrator") && !covers("/admin/", "/Admin/x"));
        assert!(covers("/pulse.json", "/pulse.json?x") && !covers("/pulse.json", "/pulse.json/x"));
    }

    proptest! {
        #[test]
        fn a_canonical_path_names_one_place(target in r"/[a-zA-Z0-9/.%;\\#?~ -]{0,24}") {
            if let Some(path) = read(&target) {
                prop_assert!(path.starts_with('/'));
                prop_assert!(!path.contains("//") && !path.contains('\\') && !path.contains(';'));
                prop_assert!(path.split('/').all(|segment| segment != "." && segment != ".."));
            }
        }
    }
}
