//! Why a request has no answer.

use crate::{ConnectionError, TlsError};

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The server could not be asked.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The connection could not be trusted.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl ExchangeError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Connection(error) => error.hint(),
            Self::Tls(error) => error.hint(),
        }
    }

    /// Whether the request had left this machine.
    #[must_use]
    pub const fn was_sent(&self) -> bool {
        matches!(self, Self::Connection(error) if error.was_sent())
    }
}
