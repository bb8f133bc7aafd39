//! Whether the log of changes is the one that was written.

use signet_audit::{Note, Origin, Verification};

use crate::data::DataDirectory;
use crate::health::{CheckError, Checked, Finding, Ground, HealthCheck, chain, unwritable};

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
        Ok(_) => {
            let cause = format!("{} is not a file", log.path().display());
            return vec![
                Finding::critical("AUDIT_UNREADABLE", cause)
                    .causes("nothing that changes keys, secrets or users can be recorded, and commands that change something fail")
                    .mend(format!("`ls -l '{0}'` says what it is; move it away: `mv '{0}' '{0}.old'`", log.path().display())),
            ];
        }
        // That it is gone shows in what is kept beside it.
        Err(_) => {}
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
    let unwritable = unwritable(&log);
    let interrupted = verified.notes.iter().filter_map(interrupted);
    if verified.holds() {
        let mut findings: Vec<_> = unwritable
            .into_iter()
            .chain(interrupted.take(MOST))
            .collect();
        if findings.is_empty() {
            findings.push(in_order(&verified));
        }
        return findings;
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
    told.chain(unwritable)
        .chain(interrupted.take(MOST))
        .collect()
}

fn in_order(verified: &Verification) -> Finding {
    if verified.entries == 0 {
        return Finding::good("nothing was recorded yet");
    }
    let text = format!(
        "the audit log is as it was written, {} entries",
        verified.entries
    );
    let archived = verified.notes.iter().find_map(|note| match note {
        Note::Continues { last, file } => Some(format!(
            "{text}; the ones up to number {last} were put away, the last of them in {file}, and are not looked at here"
        )),
        _ => None,
    });
    Finding::good(archived.unwrap_or(text))
}

/// What a command left behind that was killed, or an instance.
fn interrupted(note: &Note) -> Option<Finding> {
    let Note::Interrupted { from, .. } = note else {
        return None;
    };
    let mend = match from {
        Some(Origin::Page { .. } | Origin::Instance) => {
            "start the instance: the log then tells of the interruption; `signet keys list` and `signet user list` show how things are"
        }
        _ => {
            "run that command again: it finishes what is left to do, and the log then tells of the interruption"
        }
    };
    let finding = Finding::warn("AUDIT_INTERRUPTED", note.to_string())
        .causes("what it was to change may be half done, and no line of the log says so yet")
        .mend(mend);
    Some(finding)
}
