//! What whoever stops it is told: how things stand, and the command that goes on.

use signet_aem::replication::{Replicated, Target, Undo};
use signet_server::quoted;

use crate::command::aem::whole;
use crate::failure::Failure;

/// While nothing is changed.
pub(super) fn unchanged() -> Failure {
    Failure::new("nothing was changed")
}

/// Before the keys of an installation are changed; some of the others may be.
pub(super) fn before(done: &[Replicated], target: &Target) -> Failure {
    let others = others(done);
    match (others.is_empty(), target.unfinished) {
        (_, true) => during(done, target),
        (true, false) => unchanged(),
        (false, false) => Failure::new(format!(
            "{} has the keys that it had; some of the others got the new ones",
            target.folder.display()
        ))
        .details(others)
        .hint("the same command goes on from there"),
    }
}

/// While the keys of an installation are changed.
pub(super) fn during(done: &[Replicated], target: &Target) -> Failure {
    let folder = quoted(whole(&target.folder));
    Failure::new(format!(
        "each key of {} is the old one or the new one, whole",
        target.folder.display()
    ))
    .details(others(done))
    .hint(format!(
        "the same command completes it; or, if the backup {} is there, go back with: signet aem replicate --undo {folder}",
        quoted(&target.backup)
    ))
}

/// When all keys are copied, and instances are still to be told or asked.
pub(super) fn after(done: &[Replicated]) -> Failure {
    match others(done) {
        lines if lines.is_empty() => unchanged(),
        lines => Failure::new("the keys are copied")
            .details(lines)
            .hint("the same command goes on: it changes no key again, and asks the instances"),
    }
}

/// While keys are put back.
pub(super) fn going_back(undo: &Undo) -> Failure {
    Failure::new(format!(
        "each key of {} is the old one or the new one, whole",
        undo.folder.display()
    ))
    .hint(format!(
        "complete it with: signet aem replicate --undo {}; the backup is {}",
        quoted(whole(&undo.folder)),
        quoted(&undo.backup)
    ))
}

/// Those that were changed, each with its backup.
fn others(done: &[Replicated]) -> Vec<String> {
    let changed = done.iter().filter_map(|done| {
        let backup = done.backup.as_ref()?;
        Some(format!(
            "{} has the new keys; as they were they are in {}",
            done.folder.display(),
            backup.display()
        ))
    });
    changed.collect()
}
