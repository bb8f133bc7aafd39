//! What moves of keys left in an installation: one that was not finished, or a backup that still has the keys.

use std::path::Path;

use crate::relocation::{Leftover, LeftoverState, leftovers};
use crate::{Finding, Severity};

/// What is left in `folder`, or above the directory of its bundles.
pub(super) fn findings(folder: &Path, cache: &Path, findings: &mut Vec<Finding>) {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    findings.extend(
        leftovers(&folder, cache)
            .iter()
            .map(|leftover| finding(&folder, leftover)),
    );
}

fn finding(folder: &Path, leftover: &Leftover) -> Finding {
    let (folder, backup) = (folder.display(), leftover.backup.display());
    let unfinished = |what: &str, effect: &str, remedy: String| {
        Finding::new(
            "RELOCATION_UNFINISHED",
            Severity::Warning,
            format!("{what} (its backup is {backup})"),
            effect,
            remedy,
        )
    };
    match leftover.state {
        LeftoverState::Unfinished => unfinished(
            "moving the keys into files was begun and not finished",
            "AEM starts with its keys, which are still in the repository",
            format!(
                "stop AEM, then: signet aem relocate '{folder}' --backup '{backup}'; or take it back with: signet aem relocate '{folder}' --undo '{backup}'"
            ),
        ),
        LeftoverState::Switched => unfinished(
            "the keys were moved into files, and are still in the repository, too",
            "copies of the repository carry them along",
            format!(
                "start AEM, then: signet aem relocate '{folder}' --finish --backup '{backup}' --url URL"
            ),
        ),
        LeftoverState::GoingBack => unfinished(
            "moving the keys into files was being taken back, and that was not finished",
            "it is not certain which of the two places AEM reads",
            format!("stop AEM, then: signet aem relocate '{folder}' --undo '{backup}'"),
        ),
        LeftoverState::Over => Finding::new(
            "BACKUP_WITH_KEYS",
            Severity::Note,
            format!("{backup} is the backup of an earlier move of the keys, and holds them"),
            "whoever copies the installation copies them along",
            format!("when all is well: rm -r '{backup}'"),
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
