use askama::Template;

use super::banner::Banner;
use super::link::safe_href;
use super::{Language, asset, html};

/// The question before a logout: posts `rd` and `csrf` to `/logout`.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "logout.html")]
pub struct LogoutPage<'a> {
    /// The language of the page.
    pub language: Language,
    /// The host that is signed out of, such as `www.example.com`.
    pub site: &'a str,
    /// What stands above the button.
    pub notice: LogoutNotice,
    /// The id of who is signed in.
    pub id: &'a str,
    /// Their name, or nothing.
    pub name: &'a str,
    /// Where the logout leads, passed on as it is.
    pub rd: &'a str,
    /// Where the link leads that keeps the session: as [`Link::href`](super::Link::href).
    pub cancel: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
}

/// What a [`LogoutPage`] says above its button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutNotice {
    /// Nothing.
    None,
    /// The CSRF token is missing, wrong or too old.
    FormExpired,
    /// The logout could not be recorded, so the session goes on.
    Unavailable,
}

impl LogoutPage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        html(self)
    }

    fn banner(&self) -> Option<Banner> {
        let texts = self.language.texts();
        match self.notice {
            LogoutNotice::None => None,
            LogoutNotice::FormExpired => Some(Banner::error(texts.logout_form_expired)),
            LogoutNotice::Unavailable => Some(Banner::error(texts.logout_unavailable)),
        }
    }

    fn stay_href(&self) -> &str {
        safe_href(self.cancel)
    }
}
