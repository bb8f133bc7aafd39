//! Hidden fields of a page's form, and a form's body.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What `application/x-www-form-urlencoded` leaves as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// The value of the input field `name` in `html`.
pub(super) fn field(html: &str, name: &str) -> Option<String> {
    html.split("<input")
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(attributes, _)| attributes)
        .find(|attributes| attribute(attributes, "name").as_deref() == Some(name))
        .and_then(|attributes| attribute(attributes, "value"))
}

/// A form's fields as a request body.
pub(super) fn encode(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| {
            format!(
                "{}={}",
                utf8_percent_encode(name, PLAIN),
                utf8_percent_encode(value, PLAIN)
            )
        })
        .collect();
    pairs.join("&")
}

fn attribute(attributes: &str, name: &str) -> Option<String> {
    let mut rest = attributes;
    while let Some((before, after)) = rest.split_once('=') {
        let found = before.split_whitespace().next_back()?;
        let after = after.trim_start();
        let (value, left) = match after.strip_prefix(['"', '\'']) {
            Some(quoted) => quoted.split_once(&after[..1])?,
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        if found.eq_ignore_ascii_case(name) {
            return Some(unescape(value));
        }
        rest = left;
    }
    None
}

fn unescape(value: &str) -> String {
    value
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hidden_field_is_found_in_any_order() {
        let page = r#"<form><input name=username autofocus>
            <input type="hidden" name="csrf" value="a&amp;b=c">
            <input value='2' name='rd'/></form>"#;
        assert_eq!(field(page, "csrf").as_deref(), Some("a&b=c"));
        assert_eq!(field(page, "rd").as_deref(), Some("2"));
        assert_eq!(field(page, "username"), None);
        assert_eq!(field("<p>csrf</p>", "csrf"), None);
    }

    #[test]
    fn bodies_are_encoded() {
        assert_eq!(
            encode(&[("username", "zoë"), ("rd", "/a?b=c&d")]),
            "username=zo%C3%AB&rd=%2Fa%3Fb%3Dc%26d"
        );
    }
}
