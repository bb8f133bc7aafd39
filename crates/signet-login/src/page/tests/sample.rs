//! Every page, with one value in all of its text fields.

use super::super::*;

/// Every page with every notice, `value` in every field that holds text.
pub(super) fn pages(language: Language, value: &str) -> Vec<String> {
    let mut pages = Vec::new();
    for notice in [
        LoginNotice::None,
        LoginNotice::WrongCredentials,
        LoginNotice::TooManyTries { seconds: 30 },
        LoginNotice::SessionEnded,
        LoginNotice::SignedOut,
        LoginNotice::FormExpired,
        LoginNotice::TokenTooLarge,
        LoginNotice::Unavailable,
    ] {
        pages.push(login(language, notice, value).render());
    }
    for notice in [
        NewPasswordNotice::FirstTime,
        NewPasswordNotice::TooShort,
        NewPasswordNotice::RepeatedDifferently,
        NewPasswordNotice::SameAsOld,
        NewPasswordNotice::WrongCredentials,
        NewPasswordNotice::TooManyTries { seconds: 300 },
        NewPasswordNotice::FormExpired,
    ] {
        pages.push(new_password(language, notice, value).render());
    }
    for notice in [
        LogoutNotice::None,
        LogoutNotice::FormExpired,
        LogoutNotice::Unavailable,
    ] {
        pages.push(logout(language, notice, value).render());
    }
    for message in [
        Message::SignedOut,
        Message::BadRequest,
        Message::Forbidden,
        Message::NotFound,
        Message::TooManyRequests { seconds: 1 },
        Message::Internal,
        Message::Unavailable,
    ] {
        for label in [
            LinkLabel::SignIn,
            LinkLabel::SignInAsOther,
            LinkLabel::Continue,
            LinkLabel::TryAgain,
        ] {
            let link = Some(Link { href: value, label });
            pages.push(message_page(language, message, value, link).render());
        }
    }
    for kind in [TokenKind::Sealed, TokenKind::Signed, TokenKind::Repository] {
        pages.push(session(language, kind, value).render());
    }
    pages
}

pub(super) fn login(language: Language, notice: LoginNotice, value: &str) -> LoginPage<'_> {
    LoginPage {
        language,
        site: value,
        notice,
        username: value,
        rd: value,
        csrf: value,
    }
}

pub(super) fn new_password(
    language: Language,
    notice: NewPasswordNotice,
    value: &str,
) -> NewPasswordPage<'_> {
    NewPasswordPage {
        language,
        site: value,
        notice,
        username: value,
        min_length: 12,
        rd: value,
        csrf: value,
    }
}

pub(super) fn logout(language: Language, notice: LogoutNotice, value: &str) -> LogoutPage<'_> {
    LogoutPage {
        language,
        site: value,
        notice,
        id: value,
        name: value,
        rd: value,
        cancel: value,
        csrf: value,
    }
}

fn message_page<'a>(
    language: Language,
    message: Message,
    value: &'a str,
    link: Option<Link<'a>>,
) -> MessagePage<'a> {
    MessagePage {
        language,
        site: value,
        message,
        link,
    }
}

pub(super) fn session(language: Language, kind: TokenKind, value: &str) -> SessionPage<'_> {
    let labels = [
        StepLabel::Mac,
        StepLabel::Claims,
        StepLabel::Origin,
        StepLabel::Time,
        StepLabel::User,
        StepLabel::OutsideUser,
        StepLabel::Generation,
        StepLabel::Marks,
        StepLabel::Stored,
    ];
    let step = |label| Step {
        label,
        detail: value.to_owned(),
        ok: true,
    };
    SessionPage {
        language,
        site: value,
        id: value,
        name: value,
        mail: value,
        groups: vec![value, value],
        answered_by: value,
        steps: labels.into_iter().map(step).collect(),
        kind,
        signed_in_at: value,
        token_valid_until: value,
        session_ends_at: value,
    }
}
