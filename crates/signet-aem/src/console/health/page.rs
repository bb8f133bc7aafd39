//! Results from the page of the web console, which has no other form than HTML.
//!
//! ```text
//! <th …>name</th> … Result: <span class='resultOkfalse'>WARN</span> … <div class='logWARN'>WARN message</div>
//! ```

use super::{HealthResult, MOST_CHECKS};

/// Stands in the page, whatever is asked for.
const MARK: &str = "Health Check";
const RESULT: &str = "Result: <span class='resultOk";

/// The results on the page; `None` if it is another page.
pub(super) fn parse(body: &[u8]) -> Option<Vec<HealthResult>> {
    let text = String::from_utf8_lossy(body);
    if !text.contains(MARK) {
        return None;
    }
    let mut results = Vec::new();
    let mut parts = text.split(RESULT);
    // The name of a check stands before its result, its messages behind it.
    let mut before = parts.next().unwrap_or_default();
    for part in parts.take(MOST_CHECKS) {
        let name = before.rsplit_once("<th").map_or("", |(_, name)| name);
        let name = within(name, ">", "</th>").unwrap_or_default();
        let status = within(part, "'>", "</span>").unwrap_or_default();
        let end = part.rfind("<th").unwrap_or(part.len());
        let messages = part.get(..end).unwrap_or_default();
        let messages = messages
            .split("<div class='log")
            .skip(1)
            .filter_map(|message| {
                let (kind, rest) = message.split_once("'>")?;
                let words = rest.split_once("</div>")?.0;
                let words = words.strip_prefix(kind).unwrap_or(words);
                // What is well needs no words.
                (!matches!(kind, "OK" | "INFO" | "DEBUG")).then(|| unescaped(words))
            });
        results.push(HealthResult::new(&unescaped(name), status, messages));
        before = part;
    }
    Some(results)
}

fn within<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

/// As the console escapes text.
fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}
