//! Why there is no access token, in words that lead on.

use serde::Serialize;
use signet_core::KeyId;
use signet_http::ExchangeError;

use crate::{
    AnswerError, ClientFault, ClientName, ClockOffset, ConnectionError, CredentialError, TlsError,
};

/// Why there is no access token. Nothing of a secret or token is ever part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// What is written down about the client cannot be used.
    #[error(transparent)]
    Client(#[from] ClientFault),
    /// The secret or private key cannot be had.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The endpoint could not be asked.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The connection could not be trusted.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The endpoint answered without a usable token.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The endpoint refuses a signed statement, and the clocks are too far apart for any to be good.
    #[error("{offset}, so signed statements are refused")]
    ClockOff {
        /// How far apart.
        offset: ClockOffset,
        /// What the endpoint answered.
        #[source]
        source: AnswerError,
    },
}

impl From<ExchangeError> for TokenError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Connection(error) => Self::Connection(error),
            ExchangeError::Tls(error) => Self::Tls(error),
        }
    }
}

/// Why there is no access token, told to people and machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// A stable name of the kind of failure.
    pub code: &'static str,
    /// What is wrong.
    pub cause: String,
    /// What that leads to.
    pub effect: String,
    /// What to do about it.
    pub remedy: String,
}

impl TokenError {
    /// A stable name of the kind of failure.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Client(error) => error.code(),
            Self::Credential(error) => error.code(),
            Self::Connection(error) => error.code(),
            Self::Tls(error) => error.code(),
            Self::Answer(error) => error.code(),
            Self::ClockOff { .. } => "CLIENT_CLOCK_OFF",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Client(error) => error.hint().to_owned(),
            Self::Credential(error) => error.hint(),
            Self::Connection(error) => error.hint().to_owned(),
            Self::Tls(error) => error.hint().to_owned(),
            Self::Answer(error) => error.hint().to_owned(),
            Self::ClockOff { .. } => {
                "compare the clock of this machine with another, and let it be set by a time service".to_owned()
            }
        }
    }

    /// The key that the secret was sealed with and that is not here, where that is the reason.
    /// Whoever knows where it was last seen gives that to [`Diagnosis::last_seen`].
    #[must_use]
    pub const fn missing_key(&self) -> Option<KeyId> {
        match self {
            Self::Credential(error) => error.missing_key(),
            _ => None,
        }
    }

    /// Cause, effect and remedy for the client `name`.
    #[must_use]
    pub fn diagnosis(&self, name: &ClientName) -> Diagnosis {
        let mut cause = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            cause.push_str(": ");
            cause.push_str(&error.to_string());
            source = error.source();
        }
        let effect = format!(
            "{} There is no new access token: what uses the client {name} fails once the present token has expired.",
            self.reached()
        );
        Diagnosis {
            code: self.code(),
            cause,
            effect,
            remedy: self.hint(),
        }
    }

    /// How far the secret got.
    const fn reached(&self) -> &'static str {
        match self {
            Self::Client(_) | Self::Credential(_) => "The endpoint was not asked.",
            Self::Tls(_) => "The secret was not sent.",
            Self::Connection(error) if error.was_sent() => {
                "The request was sent, and there is no answer."
            }
            Self::Connection(_) => "The secret was not sent.",
            Self::Answer(_) | Self::ClockOff { .. } => "The endpoint was asked.",
        }
    }
}

impl Diagnosis {
    /// Adds where the missing key was last seen, for example "the backup of 2026-11-20", and what brings it back from there.
    #[must_use]
    pub fn last_seen(mut self, places: &[String], remedy: Option<&str>) -> Self {
        self.cause.push_str(&match places {
            [] => "; nothing here remembers that key".to_owned(),
            places => format!("; the key was last seen in {}", places.join(", ")),
        });
        if let Some(remedy) = remedy {
            self.remedy = format!("{remedy}; or else {}", self.remedy);
        }
        self
    }
}

/// Something that is not as it should be, although there is a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientWarning {
    /// The clocks of this machine and the endpoint differ.
    #[error("{0}")]
    ClockOff(ClockOffset),
    /// Everybody on this machine can read the file of the secret.
    #[error("{} is open to everybody on this machine: its mode is {mode:04o}", path.display())]
    FileOpen {
        /// The file.
        path: std::path::PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

impl ClientWarning {
    /// A stable name of the kind of warning.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ClockOff(_) => "CLIENT_CLOCK_OFF",
            Self::FileOpen { .. } => "CLIENT_SECRET_FILE_OPEN",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::ClockOff(_) => {
                "compare the clock of this machine with another, and let it be set by a time service".to_owned()
            }
            Self::FileOpen { path, .. } => format!("chmod 600 {}", path.display()),
        }
    }
}
