//! Copies of keys that were made before something was changed, sealed or in the clear, and are not needed when all is well.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use signet_keys::relocation_backups;

use crate::data::KEPT_ASIDE;
use crate::health::{Checked, Finding, Ground, HealthCheck};
use crate::relocation::Rehearsal;
use crate::shell::quoted;

pub(super) struct Backups;

impl HealthCheck for Backups {
    fn name(&self) -> &'static str {
        "backups"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["backups", "keys"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move { Ok(look(ground.path())) })
    }
}

fn look(data: &Path) -> Vec<Finding> {
    let mut findings: Vec<Finding> = relocation_backups(&data.join("backups"))
        .iter()
        .map(|path| sealed(path))
        .collect();
    let places: BTreeSet<PathBuf> = [Some(data.to_owned()), data.canonicalize().ok()]
        .into_iter()
        .flatten()
        .collect();
    let rehearsals = places.iter().filter_map(|data| Rehearsal::left_by(data));
    findings.extend(rehearsals.map(|path| rehearsed(&path)));
    let aside: BTreeSet<PathBuf> = places.iter().flat_map(|data| kept_aside(data)).collect();
    findings.extend(aside.iter().map(|path| before_restore(path)));
    if findings.is_empty() {
        findings.push(Finding::good(
            "no copy of the keys was left behind by a move or a restore",
        ));
    }
    findings
}

fn sealed(path: &Path) -> Finding {
    let (quoted, path) = (quoted(path), path.display());
    Finding::warn("KEY_BACKUP_LEFT", format!("{path} holds every key as it was before a move"))
        .causes("it is sealed to this instance: whoever has it and node/ has all keys")
        .mend(format!(
            "when logins and `signet secret check` are as they should be, `rm {quoted}`; until then `signet keys relocate --undo` needs it"
        ))
}

fn rehearsed(path: &Path) -> Finding {
    let (quoted, path) = (quoted(path), path.display());
    Finding::warn(
        "REHEARSAL_LEFT",
        format!("{path} is the copy of a rehearsal of a move of the keys, which was killed"),
    )
    .causes("it holds the keys in the clear, and nothing reads it")
    .mend(format!("`rm -r {quoted}`"))
}

fn before_restore(path: &Path) -> Finding {
    let (quoted, path) = (quoted(path), path.display());
    Finding::warn(
        "BEFORE_RESTORE_LEFT",
        format!("{path} is the installation as it was before a restore"),
    )
    .causes(
        "it holds its keys in the clear, its users and their password hashes, and nothing reads it",
    )
    .mend(format!(
        "when all is well after the restore, `rm -r {quoted}`"
    ))
}

/// What a restore put aside, beside the data directory and within it.
fn kept_aside(data: &Path) -> Vec<PathBuf> {
    let within = names_in(data, KEPT_ASIDE);
    let (Some(parent), Some(name)) = (data.parent(), data.file_name()) else {
        return within;
    };
    let prefix = format!("{}.{KEPT_ASIDE}", name.to_string_lossy());
    let mut all = names_in(parent, &prefix);
    all.extend(within);
    all
}

fn names_in(directory: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}
