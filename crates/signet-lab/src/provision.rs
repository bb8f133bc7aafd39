//! What instances find when they first start: configuration, keys and users.
//! placeholder

use std::time::Duration;

use crate::error::LabError;
use crate::farm::Population;
use crate::instance::Member;
use crate::options::TokenMode;

/// A user of the farm.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// How long tokens live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub(crate) inactivity: Duration,
    pub(crate) renewal_interval: Duration,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            inactivity: Duration::from_secs(30 * 60),
            renewal_interval: Duration::from_secs(60),
        }
    }
}

impl Life {
    /// Renewals within seconds, so that a proof of a minute sees many.
    pub(crate) fn brisk() -> Self {
        Self {
            renewal_interval: Duration::from_secs(3),
            ..Self::default()
        }
    }
}

pub(crate) async fn farm(
    author: &Member,
    publish: &[Member],
    token: TokenMode,
    population: &Population<'_>,
) -> Result<(), LabError> {
    Ok(())
}
