use askama::Template;

use super::texts::Texts;
use super::{Language, asset, html};

/// Who you are, which instance answered, and how the verdict was reached: the page at `/`.
///
/// Times are ISO-8601 in UTC, such as `2026-11-22T03:31:07Z`.
#[derive(Debug, Clone, Template)]
#[template(path = "session.html")]
pub struct SessionPage<'a> {
    /// The language of the page.
    pub language: Language,
    /// The host of the site, such as `www.example.com`.
    pub site: &'a str,
    /// The user's id.
    pub id: &'a str,
    /// The user's name, or nothing.
    pub name: &'a str,
    /// The user's mail address, or nothing.
    pub mail: &'a str,
    /// The names of the user's groups.
    pub groups: Vec<&'a str>,
    /// The name of the instance that answered.
    pub answered_by: &'a str,
    /// How the verdict was reached, in order.
    pub steps: Vec<Step>,
    /// What kind of token was shown.
    pub kind: TokenKind,
    /// When the user logged in.
    pub signed_in_at: &'a str,
    /// When this token expires unless it is renewed.
    pub token_valid_until: &'a str,
    /// When the session ends in any case.
    pub session_ends_at: &'a str,
}

/// One check on the way to the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was checked.
    pub label: StepLabel,
    /// What it was checked against, such as a `kid` or a zone; may be empty.
    pub detail: String,
    /// Whether it passed.
    pub ok: bool,
}

/// What a [`Step`] checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepLabel {
    /// The MAC, with a key held here, offline.
    Mac,
    /// The claims are complete and well formed.
    Claims,
    /// Farm and zone are ours.
    Origin,
    /// Neither from the future nor expired.
    Time,
    /// The user exists on this instance.
    User,
    /// A user from outside, whose record the token carries.
    OutsideUser,
    /// The token's generation is at least that of the user.
    Generation,
    /// No mark ends the session.
    Marks,
    /// A repository token, found in this instance's repository.
    Stored,
}

/// The kinds of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Encapsulated and encrypted.
    Sealed,
    /// Encapsulated and readable.
    Signed,
    /// Stored by one instance.
    Repository,
}

/// As many panel colours as the style sheet has.
const HUES: u32 = 6;

impl SessionPage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        html(self)
    }

    /// The colour that tells instances apart at a glance.
    ///
    /// Numbered neighbours such as `publish-1` and `publish-2` get different ones.
    fn hue(&self) -> u32 {
        self.answered_by
            .bytes()
            .fold(0, |hue, byte| (hue * 10 + u32::from(byte)) % HUES)
    }

    fn times(&self) -> [(&'static str, Time<'_>); 3] {
        let texts = self.language.texts();
        [
            (texts.signed_in_at, Time(self.signed_in_at)),
            (texts.token_valid_until, Time(self.token_valid_until)),
            (texts.session_ends_at, Time(self.session_ends_at)),
        ]
    }
}

impl StepLabel {
    fn text(self, texts: &'static Texts) -> &'static str {
        match self {
            Self::Mac => texts.step_mac,
            Self::Claims => texts.step_claims,
            Self::Origin => texts.step_origin,
            Self::Time => texts.step_time,
            Self::User => texts.step_user,
            Self::OutsideUser => texts.step_outside_user,
            Self::Generation => texts.step_generation,
            Self::Marks => texts.step_mark,
            Self::Stored => texts.step_stored,
        }
    }
}

impl TokenKind {
    fn text(self, texts: &'static Texts) -> &'static str {
        match self {
            Self::Sealed => texts.sealed,
            Self::Signed => texts.signed,
            Self::Repository => texts.repository,
        }
    }

    fn meaning(self, texts: &'static Texts) -> &'static str {
        match self {
            Self::Sealed => texts.sealed_means,
            Self::Signed => texts.signed_means,
            Self::Repository => texts.repository_means,
        }
    }
}

/// A moment, as machines write it.
struct Time<'a>(&'a str);

impl Time<'_> {
    /// `2026-11-22T03:31:07Z` as `2026-11-22 03:31:07 UTC`; anything else as it is.
    fn readable(&self) -> String {
        match self
            .0
            .strip_suffix('Z')
            .and_then(|time| time.split_once('T'))
        {
            Some((date, clock)) => format!("{date} {clock} UTC"),
            None => self.0.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!(
            Time("2026-11-22T03:31:07Z").readable(),
            "2026-11-22 03:31:07 UTC"
        );
        assert_eq!(Time("soon").readable(), "soon");
    }
}
