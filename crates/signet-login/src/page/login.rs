use askama::Template;

use super::banner::{Banner, duration, fill};
use super::{Language, asset, html};

/// The login form: posts `username`, `password`, `rd` and `csrf` to `/login`.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "login.html")]
pub struct LoginPage<'a> {
    /// The language of the page.
    pub language: Language,
    /// The host that is logged in to, such as `www.example.com`.
    pub site: &'a str,
    /// What stands above the form.
    pub notice: LoginNotice,
    /// What the username field holds already, or nothing.
    pub username: &'a str,
    /// Where the login leads, passed on as it is.
    pub rd: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
}

/// What a [`LoginPage`] says above its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginNotice {
    /// Nothing.
    None,
    /// Unknown user, wrong password or disabled account: the page does not say which.
    WrongCredentials,
    /// Too many failures.
    TooManyTries {
        /// How long to wait, in seconds.
        seconds: u64,
    },
    /// The session ran out or was ended.
    SessionEnded,
    /// The user has just signed out.
    SignedOut,
    /// The CSRF token is missing, wrong or too old.
    FormExpired,
    /// The token would not fit into a cookie.
    TokenTooLarge,
    /// Logins cannot be checked at present.
    Unavailable,
}

impl LoginPage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        html(self)
    }

    fn banner(&self) -> Option<Banner> {
        let texts = self.language.texts();
        Some(match self.notice {
            LoginNotice::None => return None,
            LoginNotice::WrongCredentials => Banner::error(texts.wrong_credentials),
            LoginNotice::TooManyTries { seconds } => Banner::error(fill(
                texts.too_many_tries,
                &duration(self.language, seconds),
            )),
            LoginNotice::SessionEnded => Banner::info(texts.session_ended),
            LoginNotice::SignedOut => Banner::info(texts.signed_out_notice),
            LoginNotice::FormExpired => Banner::error(texts.form_expired),
            LoginNotice::TokenTooLarge => Banner::error(texts.token_too_large),
            LoginNotice::Unavailable => Banner::error(texts.unavailable),
        })
    }

    /// Only then are the fields themselves at fault.
    fn fields_are_wrong(&self) -> bool {
        self.notice == LoginNotice::WrongCredentials
    }
}
