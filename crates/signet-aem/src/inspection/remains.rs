//! What moves and copies of keys left in an installation: one that was not finished, or a backup that still has the keys.

use std::path::Path;

use crate::relocation::{Leftover, LeftoverState, leftovers, rehearsals};
use crate::{Finding, Severity, replication, shell};

/// What is left in `folder`, or above the directory of its bundles.
pub(super) fn findings(folder: &Path, cache: &Path, findings: &mut Vec<Finding>) {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    findings.extend(
        leftovers(&folder, cache)
            .iter()
            .map(|leftover| finding(&folder, leftover)),
    );
    findings.extend(
        replication::leftovers(&folder, cache)
            .iter()
            .map(|leftover| copy(&folder, leftover)),
    );
    findings.extend(
        rehearsals(&folder, cache)
            .iter()
            .map(|copy| rehearsal(copy)),
    );
}

fn rehearsal(copy: &Path) -> Finding {
    Finding::new(
        "BACKUP_WITH_KEYS",
        Severity::Note,
        format!(
            "{} is the copy of a rehearsal, and may hold the keys",
            copy.display()
        ),
        "a rehearsal that ends removes its copy: this one was killed, or still runs",
        format!("when no rehearsal runs: rm -r {}", shell::word(copy)),
    )
}

fn copy(folder: &Path, leftover: &replication::Leftover) -> Finding {
    use replication::LeftoverState;

    let (folder, quoted) = (shell::word(folder), shell::word(&leftover.backup));
    let backup = leftover.backup.display();
    let unfinished = |what: &str, remedy: String| {
        Finding::new(
            "REPLICATION_UNFINISHED",
            Severity::Critical,
            format!("{what}; the backup is {backup}"),
            "one of the two keys may be new and the other one old: tokens or sealed values of the rest of the farm are not accepted",
            remedy,
        )
    };
    let back = format!("signet aem replicate --undo {quoted}");
    match leftover.state {
        LeftoverState::Unfinished => unfinished(
            "copying keys to this installation was cut short",
            format!(
                "stop AEM, then repeat the same command (signet aem replicate --from … --to {folder}), or take it back with: {back}"
            ),
        ),
        LeftoverState::GoingBack => unfinished(
            "putting the keys back was cut short",
            format!("stop AEM, then: {back}"),
        ),
        LeftoverState::Over => Finding::new(
            "BACKUP_WITH_KEYS",
            Severity::Note,
            format!("{backup} holds the keys as they were before others were copied here"),
            "whoever copies the installation copies them along",
            format!("when all is well: rm -r {quoted}"),
        ),
        LeftoverState::Unknown => Finding::new(
            "BACKUP_UNKNOWN",
            Severity::Note,
            format!("{backup} looks like the backup of a copy of keys, but cannot be read"),
            "it may hold keys, and an unfinished copy",
            "run this as the user who made it",
        ),
    }
}

fn finding(folder: &Path, leftover: &Leftover) -> Finding {
    let (folder, quoted) = (shell::word(folder), shell::word(&leftover.backup));
    let backup = leftover.backup.display();
    let unfinished = |what: &str, effect: &str, remedy: String| {
        Finding::new(
            "RELOCATION_UNFINISHED",
            Severity::Warning,
            format!("{what}; the backup is {backup}"),
            effect,
            remedy,
        )
    };
    match leftover.state {
        LeftoverState::Unfinished => unfinished(
            "moving the keys into files was begun and not finished",
            "AEM starts with its keys, which are still in the repository",
            format!(
                "stop AEM, then: signet aem relocate {folder} --backup {quoted}; or take it back with: signet aem relocate {folder} --undo {quoted}"
            ),
        ),
        LeftoverState::Switched => unfinished(
            "the keys were moved into files, and are still in the repository, too",
            "copies of the repository carry them along",
            format!(
                "start AEM, then: signet aem relocate {folder} --finish --backup {quoted} --url URL"
            ),
        ),
        LeftoverState::GoingBack => unfinished(
            "moving the keys into files was being taken back, and that was not finished",
            "it is not certain which of the two places AEM reads",
            format!("stop AEM, then: signet aem relocate {folder} --undo {quoted}"),
        ),
        LeftoverState::Over => Finding::new(
            "BACKUP_WITH_KEYS",
            Severity::Note,
            format!("{backup} is the backup of an earlier move of the keys, and holds them"),
            "whoever copies the installation copies them along",
            format!("when all is well: rm -r {quoted}"),
        ),
        LeftoverState::Unknown => Finding::new(
            "BACKUP_UNKNOWN",
            Severity::Note,
            format!("{backup} looks like the backup of a move of the keys, but cannot be read"),
            "it may hold keys, and an unfinished move",
            "run this as the user who made it",
        ),
    }
}
