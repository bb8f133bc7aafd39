use askama::Template;

use super::banner::{duration, fill};
use super::link::safe_href;
use super::texts::Texts;
use super::{Language, Link, LinkLabel, asset, html};

/// One thing to say, and a way on.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "message.html")]
pub struct MessagePage<'a> {
    /// The language of the page.
    pub language: Language,
    /// The host of the site, such as `www.example.com`.
    pub site: &'a str,
    /// What is said.
    pub message: Message,
    /// Where to go from here.
    pub link: Option<Link<'a>>,
}

/// What a [`MessagePage`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// The session has ended.
    SignedOut,
    /// 400: the request is malformed.
    BadRequest,
    /// 403: known, but not allowed.
    Forbidden,
    /// 404: no such page.
    NotFound,
    /// 429: too many requests.
    TooManyRequests {
        /// How long to wait, in seconds.
        seconds: u64,
    },
    /// 500: a fault of this instance.
    Internal,
    /// 503: not at the moment.
    Unavailable,
}

impl MessagePage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        html(self)
    }

    fn title(&self) -> &'static str {
        let texts = self.language.texts();
        match self.message {
            Message::SignedOut => texts.signed_out,
            Message::BadRequest => texts.bad_request,
            Message::Forbidden => texts.forbidden,
            Message::NotFound => texts.not_found,
            Message::TooManyRequests { .. } => texts.too_many_requests,
            Message::Internal => texts.internal,
            Message::Unavailable => texts.unavailable_title,
        }
    }

    fn text(&self) -> String {
        let texts = self.language.texts();
        match self.message {
            Message::SignedOut => texts.signed_out_text.to_owned(),
            Message::BadRequest => texts.bad_request_text.to_owned(),
            Message::Forbidden => texts.forbidden_text.to_owned(),
            Message::NotFound => texts.not_found_text.to_owned(),
            Message::TooManyRequests { seconds } => fill(
                texts.too_many_requests_text,
                &duration(self.language, seconds),
            ),
            Message::Internal => texts.internal_text.to_owned(),
            Message::Unavailable => texts.unavailable_text.to_owned(),
        }
    }
}

impl Link<'_> {
    fn safe_href(&self) -> &str {
        safe_href(self.href)
    }
}

impl LinkLabel {
    fn text(self, texts: &'static Texts) -> &'static str {
        match self {
            Self::SignIn => texts.sign_in,
            Self::SignInAsOther => texts.sign_in_as_other,
            Self::Continue => texts.continue_to_site,
            Self::TryAgain => texts.try_again,
        }
    }
}
