//! What a check is, and the list of them.

mod audit;
mod clients;
mod clock;
mod configuration;
mod directory;
mod disk;
mod instance;
mod keys;
mod repository;
mod secrets;
mod throttles;
mod tls;

pub(crate) use audit::unwritable;
pub(crate) use instance::down;
pub(crate) use tls::certificate_age;

use std::error::Error;
use std::pin::Pin;

use signet_core::Seconds;

use super::{Finding, Ground};
use crate::chain;

/// Every check of an instance.
pub static CHECKS: [&dyn HealthCheck; 12] = [
    &instance::Readiness,
    &configuration::Configuration,
    &keys::Keys,
    &secrets::Secrets,
    &clients::OauthClients,
    &directory::Directory,
    &audit::Audit,
    &repository::RepositoryFile,
    &disk::Disk,
    &clock::ClockSense,
    &throttles::Throttles,
    &tls::TlsCertificate,
];

/// What a check finds, as soon as it knows.
pub type Checked<'g> = Pin<Box<dyn Future<Output = Result<Vec<Finding>, CheckError>> + Send + 'g>>;

/// One thing to look after.
///
/// A check changes nothing, and says nothing that is secret. One that panics or fails counts as `HEALTH_CHECK_ERROR`;
/// one that takes long is not waited for.
pub trait HealthCheck: Send + Sync {
    /// One word.
    fn name(&self) -> &'static str;

    /// What it belongs to, so that it can be asked for with others.
    fn tags(&self) -> &'static [&'static str];

    /// Looks.
    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g>;
}

/// Why a check does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CheckError(String);

impl CheckError {
    /// The check failed because of this.
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl<E: Error> From<&E> for CheckError {
    /// With the causes.
    fn from(error: &E) -> Self {
        Self(chain(error))
    }
}

/// A span in its largest unit: `3 days`, `1 hour`.
pub(crate) fn age(span: Seconds) -> String {
    let units = [
        ("day", 86_400),
        ("hour", 3_600),
        ("minute", 60),
        ("second", 1),
    ];
    let (unit, seconds) = units
        .into_iter()
        .find(|(_, seconds)| span.0 >= *seconds)
        .unwrap_or(("second", 1));
    match span.0 / seconds {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    }
}
