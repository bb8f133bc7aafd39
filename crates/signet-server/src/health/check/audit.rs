//! Whether changes can be recorded. Whether the log is the one that was written takes reading all of it, and is the
//! doctor's.

use std::fs::{Metadata, OpenOptions};
use std::io::ErrorKind;

use signet_audit::AuditLog;

use crate::data::DataDirectory;
use crate::health::{CheckError, Checked, Finding, Ground, HealthCheck};
use crate::shell::quoted;

pub(super) struct Audit;

impl HealthCheck for Audit {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["audit", "security"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move {
            let log = DataDirectory::unchecked(ground.path()).audit_log();
            let looked = tokio::task::spawn_blocking(move || look(&log)).await;
            looked.map_err(|_| CheckError::new("it was cancelled"))
        })
    }
}

fn look(log: &AuditLog) -> Vec<Finding> {
    vec![unwritable(log).unwrap_or_else(|| Finding::good("changes can be recorded"))]
}

/// A log that can be read, and in which nothing new can be written. Nothing is changed to find out.
pub(crate) fn unwritable(log: &AuditLog) -> Option<Finding> {
    let beside = log.pending_path();
    let is_other = |found: Metadata| !found.is_dir();
    let (path, why, mend) = if beside.symlink_metadata().is_ok_and(is_other) {
        let mend = format!(
            "`ls -l {0}` says what it is; move it away: `mv {0} {0}.old`",
            quoted(&beside)
        );
        (beside.as_path(), "it is not a directory".to_owned(), mend)
    } else {
        let opened = OpenOptions::new().append(true).open(log.path());
        let error = opened
            .err()
            .filter(|error| error.kind() != ErrorKind::NotFound)?;
        let mend = format!(
            "give it to the user of the instance, with the mode 0600: `ls -l {}` says whose it is",
            quoted(log.path())
        );
        (log.path(), error.to_string(), mend)
    };
    let cause = format!("{} cannot be written: {why}", path.display());
    let finding = Finding::critical("AUDIT_UNWRITABLE", cause)
        .causes("nothing that changes keys, secrets or users can be recorded, so commands, the login page and the instance change nothing")
        .mend(mend);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::health::Status;

    #[test]
    fn a_log_in_which_nothing_can_be_written_is_critical() {
        let scratch = tempfile::tempdir().unwrap();
        let log = DataDirectory::unchecked(scratch.path()).audit_log();
        assert_eq!(look(&log).pop().unwrap().status, Status::Ok);
        fs::write(scratch.path().join("audit.pending"), "").unwrap();
        let finding = look(&log).pop().unwrap();
        assert_eq!(finding.status, Status::Critical);
        assert!(
            finding.to_string().contains("AUDIT_UNWRITABLE"),
            "{finding}"
        );
    }
}
