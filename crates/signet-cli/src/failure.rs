//! What went wrong, and what to do about it.

use std::error::Error;
use std::fmt;
use std::io;

use signet_aem::AemError;
use signet_aem::console::{ChangeError, ConsoleError, NotReady, RepositoryKeyError};
use signet_aem::encapsulation::EncapsulationError;
use signet_aem::rekey::RekeyError;
use signet_aem::relocation::RelocationError;
use signet_aem::replication::ReplicationError;
use signet_audit::AuditError;
use signet_backup::{BackupError, FileError, PartyError, RestoreError};
use signet_bundle::{BundleError, CardError, ImportError, NodeError, ProofError};
use signet_keys::atomic::WriteError;
use signet_keys::granite::RawKeyError;
use signet_keys::{KeyError, RelocationFailure};
use signet_lab::LabError;
use signet_repository::{RepositoryError, UserError};
use signet_secret::SealError;
use signet_server::secrets::{InventoryError, ResealFailure};
use signet_server::{DataError, OpenError, RehearsalError, ServeError, TlsError};

/// Something that this crate itself refuses.
#[derive(Debug, Default)]
pub(crate) struct Failure {
    message: String,
    details: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// What to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, with something that happened before it.
    pub(crate) fn after(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// What exactly is wrong, each in a line.
    pub(crate) fn details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

/// An error taken apart for being shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) details: Vec<String>,
    pub(crate) hint: Option<String>,
}

impl Told {
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let mut chain = error.chain().map(ToString::to_string);
        Self {
            message: chain.next().unwrap_or_default(),
            causes: chain.collect(),
            details: error
                .chain()
                .find_map(|cause| cause.downcast_ref::<Failure>())
                .map(|failure| failure.details.clone())
                .unwrap_or_default(),
            hint: error
                .chain()
                .find_map(hint)
                .or_else(|| error.chain().find_map(reach)),
        }
    }
}

/// What to do about a file that cannot be reached, if nothing nearer to it says more.
fn reach(error: &(dyn Error + 'static)) -> Option<String> {
    let hint = match error.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => {
            "run it as the user it belongs to, or let this user have it: `ls -ld` of it and of the directories above says what is in the way"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The hint of an error that has one.
fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.hint.clone();
    }
    if let Some(error) = error.downcast_ref::<ServeError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<OpenError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<TlsError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<DataError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<RelocationFailure>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<RehearsalError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<KeyError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<AemError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<RekeyError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<RelocationError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<RepositoryKeyError>() {
        return Some(error.hint().to_owned());
    }
    if let Some(error) = error.downcast_ref::<NotReady>() {
        return Some(error.hint().to_owned());
    }
    if let Some(error) = error.downcast_ref::<ReplicationError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<EncapsulationError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<ChangeError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<AuditError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<WriteError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<UserError>() {
        return error.hint().map(ToOwned::to_owned);
    }
    if let Some(error) = error.downcast_ref::<RepositoryError>() {
        return error.hint().map(ToOwned::to_owned);
    }
    if let Some(error) = error.downcast_ref::<NodeError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<BundleError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<ImportError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<ProofError>() {
        return Some(error.hint().to_owned());
    }
    if let Some(error) = error.downcast_ref::<CardError>() {
        return Some(error.hint().to_owned());
    }
    if let Some(error) = error.downcast_ref::<RawKeyError>() {
        return Some(error.hint().to_owned());
    }
    if let Some(error) = error.downcast_ref::<SealError>() {
        return Some(error.hint().to_owned());
    }
    if let Some(error) = error.downcast_ref::<signet_secret::OpenError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<InventoryError>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<ResealFailure>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<BackupError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<RestoreError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<FileError>() {
        return Some(error.hint().to_owned());
    }
    if let Some(error) = error.downcast_ref::<PartyError>() {
        return Some(error.hint().to_owned());
    }
    if let Some(error) = error.downcast_ref::<ConsoleError>() {
        return Some(error.hint().to_owned());
    }
    error.downcast_ref::<LabError>().and_then(LabError::hint)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_hint_of_a_cause_is_found() {
        let error = Err::<(), _>(RepositoryError::DiskFull)
            .context("alice could not be added")
            .unwrap_err();
        let told = Told::of(&error);
        assert_eq!(told.message, "alice could not be added");
        assert_eq!(told.causes, ["no space left for the repository"]);
        assert!(told.hint.unwrap().contains("free space"));
    }
}
