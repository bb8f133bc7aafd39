use askama::Template;

use super::banner::{Banner, duration, fill};
use super::{Language, asset, html};

/// The form that replaces a one-time password at login:
/// posts `username`, `password`, `new_password`, `new_password_again`, `rd` and `csrf` to `/login`.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "new_password.html")]
pub struct NewPasswordPage<'a> {
    /// The language of the page.
    pub language: Language,
    /// The host that is logged in to, such as `www.example.com`.
    pub site: &'a str,
    /// What stands above the form.
    pub notice: NewPasswordNotice,
    /// Whose password it is.
    pub username: &'a str,
    /// The shortest password accepted, in characters.
    pub min_length: usize,
    /// Where the login leads, passed on as it is.
    pub rd: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
}

/// What a [`NewPasswordPage`] says above its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewPasswordNotice {
    /// Why a new password is needed.
    FirstTime,
    /// The new password has fewer characters than `min_length`.
    TooShort,
    /// The two new passwords differ.
    RepeatedDifferently,
    /// The new password is the old one.
    SameAsOld,
    /// The current password is wrong.
    WrongCredentials,
    /// Too many failures.
    TooManyTries {
        /// How long to wait, in seconds.
        seconds: u64,
    },
    /// The CSRF token is missing, wrong or too old.
    FormExpired,
}

impl NewPasswordPage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        html(self)
    }

    fn banner(&self) -> Option<Banner> {
        let texts = self.language.texts();
        Some(match self.notice {
            NewPasswordNotice::FirstTime => Banner::info(texts.first_time),
            NewPasswordNotice::TooShort => Banner::error(self.with_length(texts.too_short)),
            NewPasswordNotice::RepeatedDifferently => Banner::error(texts.repeated_differently),
            NewPasswordNotice::SameAsOld => Banner::error(texts.same_as_old),
            NewPasswordNotice::WrongCredentials => Banner::error(texts.wrong_current_password),
            NewPasswordNotice::TooManyTries { seconds } => Banner::error(fill(
                texts.too_many_tries,
                &duration(self.language, seconds),
            )),
            NewPasswordNotice::FormExpired => Banner::error(texts.form_expired),
        })
    }

    fn with_length(&self, text: &str) -> String {
        fill(text, &self.min_length.to_string())
    }

    fn current_is_wrong(&self) -> bool {
        self.notice == NewPasswordNotice::WrongCredentials
    }

    fn new_is_wrong(&self) -> bool {
        matches!(
            self.notice,
            NewPasswordNotice::TooShort | NewPasswordNotice::SameAsOld
        )
    }

    fn repetition_is_wrong(&self) -> bool {
        self.notice == NewPasswordNotice::RepeatedDifferently
    }
}
