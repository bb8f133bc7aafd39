//! Changes that were cut short: a move of the keys, sealing anew. What they need to go on is still there.

use signet_core::RingName;
use signet_keys::{KeyFault, LoadedKeys, unfinished_relocation};
use signet_repository::Repository;

use crate::data::DataDirectory;
use crate::health::{Checked, Finding, Ground, HealthCheck};
use crate::secrets::SecretInventory;
use crate::shell::quoted;

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
    let keys = ground.path().join("keys");
    let problem = unfinished_relocation(&keys, ground.config().keys.custody.into())?;
    let finding = match problem.fault {
        KeyFault::Unfinished { to } => Finding::warn(
            "RELOCATION_UNFINISHED",
            format!("the keys were being moved to \"{to}\", and that was cut short"),
        )
        .mend(format!(
            "`signet keys relocate --to {to}` finishes it; `signet keys relocate --undo` goes back"
        )),
        _ => Finding::critical("RELOCATION_UNFINISHED", problem.to_string()).mend(format!(
            "if the check `keys` finds all keys in one place, `rm {}`; else look for them in backups/",
            quoted(&problem.path)
        )),
    };
    Some(finding.causes("keys may be in two places; none is lost, and the instance runs with them"))
}

async fn reseal(ground: &Ground) -> Option<Finding> {
    let repository = ground.repository().await.ok()?;
    let staged = repository.staged_resealed_after("", 1).await.ok()?;
    if !staged.is_empty() {
        return Some(
            Finding::warn(
                "RESEAL_UNFINISHED",
                "secrets were being sealed anew, and that was cut short before it counted",
            )
            .causes(
                "nothing yet: the old values are in force, and the old master key is still needed",
            )
            .mend("`signet secret reseal` goes on where it stopped"),
        );
    }
    half_sealed(ground, repository).await
}

/// The repository changes before the configuration does, and nothing is staged in between. A rotation after which some
/// value was sealed looks the same, and asks for the same.
async fn half_sealed(ground: &Ground, repository: &Repository) -> Option<Finding> {
    let (_, place, _) = ground.keys().await.in_use()?;
    let mut loaded = LoadedKeys::default();
    loaded.keys.clone_from(&place.keys);
    let active = loaded.maker(RingName::Master)?.id;
    let data = DataDirectory::unchecked(ground.path());
    // What is wrong with these is told by the check of the secrets.
    let inventory = SecretInventory::of(&data, repository).ok()?;
    let count = inventory.count().await.ok()?;
    let current = count.sealed_with(active);
    let former = count.by_key.values().sum::<u64>() - current;
    if current == 0 || former == 0 {
        return None;
    }
    let are = if former == 1 { "is" } else { "are" };
    Some(
        Finding::note(
            "RESEAL_UNFINISHED",
            format!(
                "{former} of {} sealed values {are} sealed with former keys, the others with the active one, {active}: sealing anew was cut short, or is still to be done after a rotation",
                current + former
            ),
        )
        .causes("nothing: all keys are needed, and none of the former ones can be retired")
        .mend("`signet secret reseal` seals the rest"),
    )
}
