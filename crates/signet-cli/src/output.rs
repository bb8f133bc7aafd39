//! The one place that prints: what was asked for to standard output, what is said about it to standard error.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Context as _;
use serde::Serialize;
use serde_json::json;

use crate::environment;
use crate::failure::Told;

/// Whoever read the standard output has gone.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output any more")]
pub(crate) struct Gone;

/// For whom the output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Json,
}

/// Whether a stream shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Coloured,
}

/// What a word means, and so which colour it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Good,
    Bad,
    Careful,
    Helpful,
}

impl Meaning {
    const ALL: [Self; 4] = [Self::Good, Self::Bad, Self::Careful, Self::Helpful];
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    form: Form,
    stdout: Paint,
    stderr: Paint,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let paint = |is_terminal: bool| match is_terminal && !environment::is_colourless() {
            true => Paint::Coloured,
            false => Paint::Plain,
        };
        Self {
            form: if json { Form::Json } else { Form::Text },
            stdout: paint(io::stdout().is_terminal()),
            stderr: paint(io::stderr().is_terminal()),
        }
    }

    /// Whether a JSON document is wanted.
    pub(crate) fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// How standard error is painted.
    pub(crate) fn stderr_paint(&self) -> Paint {
        self.stderr
    }

    /// A word in the colour of its meaning, for standard output.
    pub(crate) fn paint(&self, word: &str, meaning: Meaning) -> String {
        paint(self.stdout, word, meaning)
    }

    /// The answer of a command: the document, or the text in lines.
    pub(crate) fn answer(&self, document: &impl Serialize, text: &str) -> anyhow::Result<()> {
        match self.form {
            Form::Json => self.document(document),
            Form::Text => self.text(text),
        }
    }

    /// A JSON document on standard output.
    pub(crate) fn document(&self, document: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(document)?;
        self.raw(&format!("{text}\n"))
    }

    /// Text on standard output, ended by a newline; what could move the cursor is made visible.
    pub(crate) fn text(&self, text: &str) -> anyhow::Result<()> {
        let text = text.trim_end_matches('\n');
        self.raw(&format!("{}\n", harmless(text)))
    }

    /// Text on standard output, as it is.
    pub(crate) fn raw(&self, text: &str) -> anyhow::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Bytes on standard output, as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Gone.into()),
            written => written.context("standard output could not be written"),
        }
    }

    /// Something worth knowing, on standard error; not where a document is wanted.
    pub(crate) fn note(&self, text: &str) {
        if self.form == Form::Text {
            say(text);
        }
    }

    /// Something that must be seen, on standard error, whatever else is wanted.
    pub(crate) fn aside(&self, text: &str) {
        say(text);
    }

    /// Something to look after, on standard error.
    pub(crate) fn warning(&self, text: &str) {
        let label = paint(self.stderr, "warning:", Meaning::Careful);
        say(&format!("{label} {text}"));
    }

    /// Takes away what stands on the line of the cursor, such as a bar, if standard error is a terminal.
    pub(crate) fn clear_line(&self) {
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }

    /// What went wrong, on standard error.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let told = Told::of(error);
        match self.form {
            Form::Text => say(&lines(&told, self.stderr)),
            Form::Json => {
                let document = json!({
                    "error": told.message,
                    "causes": told.causes,
                    "details": told.details,
                    "hint": told.hint,
                });
                line(&document.to_string());
            }
        }
    }
}

/// Text from elsewhere, such as the name of a user, without the characters that could move the cursor or hide something.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|c| -> Box<dyn Iterator<Item = char>> {
            if c.is_control() || is_turning(c) {
                Box::new(c.escape_unicode())
            } else {
                Box::new(std::iter::once(c))
            }
        })
        .collect()
}

/// Text in lines, in which names from elsewhere may stand: only our own colours and ends of lines are left as they are.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(|c| is_plain(c) && !is_turning(c)) {
        return Cow::Borrowed(text);
    }
    let mut harmless = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = colours().find(|colour| rest.starts_with(colour.as_str()));
        let length = match &colour {
            Some(colour) => colour.len(),
            None => c.len_utf8(),
        };
        let (part, after) = rest.split_at(length);
        match colour.is_some() || is_plain(c) && !is_turning(c) {
            true => harmless.push_str(part),
            false => harmless.push_str(&visible(part)),
        }
        rest = after;
    }
    Cow::Owned(harmless)
}

/// What changes the colour.
fn colours() -> impl Iterator<Item = String> {
    let codes = [PLAIN].into_iter();
    let codes = codes.chain(Meaning::ALL.map(colour));
    codes.map(|code| format!("\u{1b}[{code}m"))
}

fn lines(told: &Told, stderr: Paint) -> String {
    let label = |word, meaning| paint(stderr, word, meaning);
    let mut text = format!("{} {}", label("error:", Meaning::Bad), told.message);
    // Writing to a string does not fail.
    for cause in &told.causes {
        let _ = write!(text, "\n  caused by: {cause}");
    }
    for detail in &told.details {
        let _ = write!(text, "\n  {detail}");
    }
    if let Some(hint) = &told.hint {
        let _ = write!(text, "\n{} {hint}", label("hint:", Meaning::Helpful));
    }
    text
}

fn paint(stream: Paint, word: &str, meaning: Meaning) -> String {
    if stream == Paint::Plain {
        return word.to_owned();
    }
    let colour = colour(meaning);
    format!("\u{1b}[{colour}m{word}\u{1b}[{PLAIN}m")
}

/// The end of a colour.
const PLAIN: &str = "0";

const fn colour(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Good => "1;32",
        Meaning::Bad => "1;31",
        Meaning::Careful => "1;33",
        Meaning::Helpful => "1;36",
    }
}

/// Whether a character turns the direction of those beside it around.
const fn is_turning(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn say(text: &str) {
    line(&harmless(text));
}

/// If standard error is closed, there is nobody left to tell.
fn line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_well_without_colour() {
        let told = Told {
            message: "it failed".to_owned(),
            causes: vec!["this".to_owned(), "that".to_owned()],
            details: vec!["line 4: no".to_owned()],
            hint: Some("do it better".to_owned()),
        };
        assert_eq!(
            lines(&told, Paint::Plain),
            "error: it failed\n  caused by: this\n  caused by: that\n  line 4: no\nhint: do it better"
        );
    }

    #[test]
    fn lines_show_what_is_not_ours() {
        let ours = paint(Paint::Coloured, "critical", Meaning::Bad) + ": a\n\tb é";
        assert_eq!(harmless(&ours), ours);
        assert_eq!(
            harmless("1.0\u{1b}[2J\u{1b}]0;x\u{7}\r\u{9b}2J\u{202e}"),
            "1.0\\u{1b}[2J\\u{1b}]0;x\\u{7}\\u{d}\\u{9b}2J\\u{202e}"
        );
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(visible("Zo\u{eb} \u{1b}[2J"), "Zo\u{eb} \\u{1b}[2J");
    }
}
