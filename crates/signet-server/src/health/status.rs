//! How bad it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The status of a check, in the order and with the names of Apache Felix Health Checks: the later, the worse.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// All is well.
    #[default]
    Ok,
    /// It works, and needs looking after before it stops working.
    Warn,
    /// It does not work now and will by itself.
    TemporarilyUnavailable,
    /// It does not work.
    Critical,
    /// Nobody knows: the check itself failed.
    HealthCheckError,
}

impl Status {
    /// All of them, from the best to the worst.
    pub const ALL: [Self; 5] = [
        Self::Ok,
        Self::Warn,
        Self::TemporarilyUnavailable,
        Self::Critical,
        Self::HealthCheckError,
    ];

    /// The name, as it stands in answers and in the parameter `httpStatus`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::TemporarilyUnavailable => "TEMPORARILY_UNAVAILABLE",
            Self::Critical => "CRITICAL",
            Self::HealthCheckError => "HEALTH_CHECK_ERROR",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or("expected OK, WARN, TEMPORARILY_UNAVAILABLE, CRITICAL or HEALTH_CHECK_ERROR")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_the_worse_and_names_are_read_back() {
        assert!(Status::ALL.is_sorted());
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(
                serde_json::to_value(status).unwrap(),
                serde_json::json!(status.as_str())
            );
        }
        assert!("ok".parse::<Status>().is_err());
    }
}
