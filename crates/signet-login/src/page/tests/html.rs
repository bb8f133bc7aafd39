//! Just enough of an HTML reader to see what a browser would see in these pages.

/// A start tag and the text up to the next tag.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) text: String,
}

impl Element {
    /// The value of an attribute, unescaped; empty for one without value.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }
}

/// All start tags, in order. Panics on what these pages must not contain: comments, unquoted values.
pub(super) fn elements(html: &str) -> Vec<Element> {
    let mut elements = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").expect("a doctype");
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if rest.starts_with('/') {
            rest = rest.split_once('>').expect("an end").1;
            continue;
        }
        assert!(
            rest.starts_with(|c: char| c.is_ascii_lowercase()),
            "no tag: {rest}"
        );
        let (element, after) = start_tag(rest);
        elements.push(element);
        rest = after;
    }
    elements
}

fn start_tag(html: &str) -> (Element, &str) {
    let end = html.find([' ', '>']).expect("an end");
    let mut element = Element {
        name: html[..end].to_owned(),
        attributes: Vec::new(),
        text: String::new(),
    };
    let mut rest = &html[end..];
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            element.text = after[..after.find('<').unwrap_or(after.len())].to_owned();
            return (element, after);
        }
        let end = rest.find(['=', ' ', '>']).expect("an end");
        let name = rest[..end].to_owned();
        let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(
            !name.is_empty() && name.chars().all(is_name),
            "no attribute: {rest}"
        );
        rest = &rest[end..];
        let mut value = "";
        if let Some(quoted) = rest.strip_prefix("=\"") {
            (value, rest) = quoted.split_once('"').expect("a quote");
        }
        element.attributes.push((name, unescape(value)));
    }
}

fn unescape(text: &str) -> String {
    let mut plain = text.to_owned();
    for (escaped, character) in [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ] {
        plain = plain.replace(escaped, character);
    }
    plain
}
