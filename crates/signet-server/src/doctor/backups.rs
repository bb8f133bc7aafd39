//! Sealed copies of keys that were made before something was changed, and are not needed when all is well.

use signet_keys::relocation_backups;

use crate::health::{Checked, Finding, Ground, HealthCheck};

pub(super) struct Backups;

impl HealthCheck for Backups {
    fn name(&self) -> &'static str {
        "backups"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["backups", "keys"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move {
            let left = relocation_backups(&ground.path().join("backups"));
            if left.is_empty() {
                return Ok(vec![Finding::good(
                    "no copy of the keys was left behind by a move",
                )]);
            }
            let told = left.iter().map(|path| {
                let path = path.display();
                Finding::warn("KEY_BACKUP_LEFT", format!("{path} holds every key as it was before a move"))
                    .causes("it is sealed to this instance: whoever has it and node/ has all keys")
                    .mend(format!(
                        "when logins and `signet secret check` are as they should be, `rm '{path}'`; until then `signet keys relocate --undo` needs it"
                    ))
            });
            Ok(told.collect())
        })
    }
}
