/// A way on from a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'a> {
    /// Where it leads: a path of this site, or an absolute `https:` or `http:` URL.
    /// Anything else becomes `/`.
    pub href: &'a str,
    /// What it says.
    pub label: LinkLabel,
}

/// What a [`Link`] says, in the language of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkLabel {
    /// "Sign in".
    SignIn,
    /// "Sign in as someone else".
    SignInAsOther,
    /// "Continue to the site".
    Continue,
    /// "Try again".
    TryAgain,
}

/// `href` when it is safe to click on, else `/`.
///
/// Escaping keeps a value inside its attribute, but not `javascript:` out of a link,
/// and browsers read `//host` and `/\host` as another site.
pub(super) fn safe_href(href: &str) -> &str {
    let is_local = href.starts_with('/') && !href[1..].starts_with(['/', '\\']);
    let is_absolute = href.starts_with("https://") || href.starts_with("http://");
    // Browsers drop tabs and line breaks from URLs before they read them.
    let is_plain = !href.contains(|c: char| c.is_control());
    if (is_local || is_absolute) && is_plain {
        href
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_paths_and_web_addresses() {
        for href in [
            "/",
            "/a?b=c",
            "https://www.example.com/a",
            "http://localhost:8080/",
        ] {
            assert_eq!(safe_href(href), href);
        }
    }

    #[test]
    fn leads_home_instead_of_anywhere_else() {
        let hostile = [
            "",
            "a",
            "//evil",
            "/\\evil",
            "/\t/evil",
            "javascript:alert(1)",
            " javascript:alert(1)",
            "data:text/html,x",
            "https:evil",
        ];
        for href in hostile {
            assert_eq!(safe_href(href), "/", "{href:?}");
        }
    }
}
