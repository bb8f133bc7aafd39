//! Whether the log of changes is the one that was written.

use crate::data::DataDirectory;
use crate::health::{CheckError, Checked, Finding, Ground, HealthCheck, chain};

/// So many places are told; the command tells all.
const MOST: usize = 3;

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
            let data = DataDirectory::unchecked(ground.path());
            let looked = tokio::task::spawn_blocking(move || look(&data)).await;
            looked.map_err(|_| CheckError::new("it was cancelled"))
        })
    }
}

fn look(data: &DataDirectory) -> Vec<Finding> {
    let log = data.audit_log();
    match std::fs::metadata(log.path()) {
        Ok(metadata) if metadata.is_file() => {}
        // Reading from a pipe would never end.
        Ok(_) => {
            let cause = format!("{} is not a file", log.path().display());
            return vec![
                Finding::critical("AUDIT_UNREADABLE", cause)
                    .causes("nothing that changes keys, secrets or users can be recorded, and commands that change something fail or hang")
                    .mend(format!("`ls -l '{0}'` says what it is; move it away: `mv '{0}' '{0}.old'`", log.path().display())),
            ];
        }
        Err(_) => return vec![Finding::good("nothing was recorded yet")],
    }
    let verified = match log.verify(&[], &[]) {
        Ok(verified) => verified,
        Err(error) => {
            return vec![
                Finding::warn("AUDIT_UNREADABLE", chain(&error))
                    .causes("nobody can see who changed what, and commands may refuse to change anything")
                    .mend(error.hint()),
            ];
        }
    };
    if verified.holds() {
        return vec![Finding::good(format!(
            "the audit log is as it was written, {} entries",
            verified.entries
        ))];
    }
    let told = verified.problems.iter().take(MOST).map(|problem| {
        Finding::critical(
            problem.reason.code(),
            format!(
                "{}:{}: {}",
                problem.path.display(),
                problem.line,
                problem.reason
            ),
        )
        .causes("what the log says about changes cannot be relied on")
        .mend("`signet audit verify` names every place; compare with a backup")
    });
    told.collect()
}
