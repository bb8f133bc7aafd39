//! Changes that were cut short: a move of the keys, sealing anew. What they need to go on is still there.

use crate::health::{Checked, Finding, Ground, HealthCheck, read_at_most};

/// The note of a move of the keys, in the directory of the keys.
const JOURNAL: &str = "relocation";
const JOURNAL_MOST: usize = 16 * 1024;

pub(super) struct Unfinished;

impl HealthCheck for Unfinished {
    fn name(&self) -> &'static str {
        "unfinished"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["keys", "secrets"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move { Ok(look(ground).await) })
    }
}

async fn look(ground: &Ground) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(relocation(ground));
    findings.extend(reseal(ground).await);
    if findings.is_empty() {
        findings.push(Finding::good("no change was cut short"));
    }
    findings
}

fn relocation(ground: &Ground) -> Option<Finding> {
    let path = ground.path().join("keys").join(JOURNAL);
    if std::fs::symlink_metadata(&path).is_err() {
        return None;
    }
    let note = read_at_most(&path, JOURNAL_MOST).ok();
    let note: Option<serde_json::Value> =
        note.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let to = note.as_ref().and_then(|note| note.get("to")?.as_str());
    let finding = match to {
        Some(to @ ("file" | "repository")) => Finding::warn(
            "RELOCATION_UNFINISHED",
            format!("the keys were being moved to \"{to}\", and that was cut short"),
        )
        .mend(format!("`signet keys relocate --to {to}` finishes it; `signet keys relocate --undo` goes back")),
        _ => Finding::critical(
            "RELOCATION_UNFINISHED",
            format!("{} is there and says nothing that a move of the keys writes", path.display()),
        )
        .mend(format!(
            "if the check `keys` finds all keys in one place, `rm '{}'`; else look for them in backups/",
            path.display()
        )),
    };
    Some(finding.causes("keys may be in two places; none is lost, and the instance runs with them"))
}

async fn reseal(ground: &Ground) -> Option<Finding> {
    let repository = ground.repository().await.ok()?;
    let staged = repository.staged_resealed_after("", 1).await.ok()?;
    (!staged.is_empty()).then(|| {
        Finding::warn(
            "RESEAL_UNFINISHED",
            "secrets were being sealed anew, and that was cut short before it counted",
        )
        .causes("nothing yet: the old values are in force, and the old master key is still needed")
        .mend("`signet secret reseal` goes on where it stopped")
    })
}
