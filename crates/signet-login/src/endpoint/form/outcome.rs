//! How a login fails, and the one place that says what becomes of each failure.

use http::StatusCode;
use signet_core::{MintError, Seconds};

use crate::credentials::CredentialError;
use crate::page::{LoginNotice, NewPasswordNotice};
use crate::tokens::BeginError;

/// Why nobody was logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The form was not shown by us to this browser, or too long ago.
    FormExpired,
    /// A page of another site sent it.
    ForeignPage,
    /// User id or password is wrong.
    Wrong,
    /// Too many attempts failed.
    Throttled(Seconds),
    /// A new password must be chosen first.
    NewPassword(NewPasswordNotice),
    /// The token does not fit into a cookie.
    TokenTooLarge,
    /// Something on this instance does not work.
    Unavailable,
}

/// Which page is shown, with what notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Login(LoginNotice),
    NewPassword(NewPasswordNotice),
}

impl Failure {
    pub(super) fn credentials(error: CredentialError, was_choosing: bool) -> Self {
        match error {
            CredentialError::Throttled(wait) if was_choosing => {
                Self::NewPassword(NewPasswordNotice::TooManyTries { seconds: wait.0 })
            }
            CredentialError::Throttled(wait) => Self::Throttled(wait),
            CredentialError::Wrong if was_choosing => {
                Self::NewPassword(NewPasswordNotice::WrongCredentials)
            }
            CredentialError::Wrong => Self::Wrong,
            CredentialError::Unavailable => Self::Unavailable,
        }
    }

    pub(super) fn begin(error: &BeginError) -> Self {
        let cause = error as &dyn std::error::Error;
        match error {
            BeginError::Mint(MintError::TooLarge(bytes)) => {
                tracing::error!(
                    code = "TOKEN_TOO_LARGE",
                    token.bytes = bytes,
                    "a login made no session"
                );
                Self::TokenTooLarge
            }
            BeginError::Mint(_) => {
                tracing::error!(
                    code = "NO_ACTIVE_KEY",
                    error = cause,
                    "a login made no session"
                );
                Self::Unavailable
            }
            _ => {
                tracing::error!(
                    code = "LOGIN_UNAVAILABLE",
                    error = cause,
                    "a login made no session"
                );
                Self::Unavailable
            }
        }
    }

    pub(super) fn repository(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(
            code = "REPOSITORY_UNAVAILABLE",
            error,
            "a login could not be completed"
        );
        Self::Unavailable
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::FormExpired | Self::ForeignPage | Self::Wrong => StatusCode::FORBIDDEN,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NewPassword(NewPasswordNotice::TooManyTries { .. }) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::NewPassword(NewPasswordNotice::FirstTime) => StatusCode::OK,
            Self::NewPassword(_) => StatusCode::FORBIDDEN,
            Self::TokenTooLarge => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// For those who only look at the status, anything but a session is a refusal.
    pub(super) fn status_for_programs(self) -> StatusCode {
        match self.status() {
            StatusCode::OK => StatusCode::FORBIDDEN,
            status => status,
        }
    }

    pub(super) fn shown(self) -> Shown {
        Shown::Login(match self {
            Self::FormExpired | Self::ForeignPage => LoginNotice::FormExpired,
            Self::Wrong => LoginNotice::WrongCredentials,
            Self::Throttled(wait) => LoginNotice::TooManyTries { seconds: wait.0 },
            Self::TokenTooLarge => LoginNotice::TokenTooLarge,
            Self::Unavailable => LoginNotice::Unavailable,
            Self::NewPassword(notice) => return Shown::NewPassword(notice),
        })
    }

    pub(super) fn wait(self) -> Option<Seconds> {
        match self {
            Self::Throttled(wait) => Some(wait),
            Self::NewPassword(NewPasswordNotice::TooManyTries { seconds }) => {
                Some(Seconds(seconds))
            }
            _ => None,
        }
    }
}
