//! The steps shown, and not taken.

use signet_aem::console::Console;
use signet_aem::relocation::{Aide as _, Relocation, Standing, Step, StepReport};

use super::Relocate;
use super::narrator::Narrator;

impl Relocate {
    /// Tells each of the fifteen steps. The keys are fetched, where that was asked for, and nothing is written.
    pub(super) async fn show(
        &self,
        relocation: &Relocation,
        console: Option<&Console>,
        narrator: &mut Narrator<'_>,
    ) -> anyhow::Result<()> {
        relocation.survey(narrator);
        let standing = relocation.standing();
        let is_kept = standing != Standing::NotBegun;
        match (is_kept, self.source(console)) {
            (false, Some(source)) => {
                relocation.fetch(source, narrator).await?;
            }
            (is_kept, _) => {
                let detail = match is_kept {
                    true => "done before: the keys are in the backup",
                    false => "with --from-url, or from files with --hmac and --master",
                };
                for step in [Step::Instance, Step::Hmac, Step::Master] {
                    narrator.took(StepReport::new(step, detail));
                }
            }
        }
        let is_written = matches!(standing, Standing::Switched | Standing::Removing);
        for step in Step::ALL.into_iter().filter(|step| *step >= Step::Backup) {
            let is_done = match step {
                Step::Backup => is_kept,
                Step::Start | Step::Prove | Step::Remove => false,
                _ => is_written,
            };
            let detail = match is_done {
                true => "done before".to_owned(),
                false => self.would(step, relocation),
            };
            narrator.took(StepReport::new(step, detail));
        }
        Ok(())
    }

    fn would(&self, step: Step, relocation: &Relocation) -> String {
        let inspection = relocation.inspection();
        let file = |name: &str| {
            let place = inspection.crypto_file.as_ref();
            place.map_or_else(String::new, |place| {
                place.data.join(name).display().to_string()
            })
        };
        let by = |option: &str, command: &Option<String>, otherwise: &str| match command {
            Some(command) => format!("with {option}: {command}"),
            None => otherwise.to_owned(),
        };
        match step {
            Step::Backup => format!("into {}", relocation.backup().display()),
            Step::Stop => by("--stop", &self.stop, "by you, when this asks for it"),
            Step::WriteHmac => format!("into {}", file("hmac")),
            Step::WriteMaster => format!("into {}", file("master")),
            Step::Switch => {
                let storage = inspection.storage_file.as_ref();
                let storage = storage.map_or_else(String::new, |path| path.display().to_string());
                format!("Bundle, 6 bytes without a newline, into {storage}")
            }
            Step::Compare => "SHA-256 and MD5 of both files with those of the backup".to_owned(),
            Step::Start => by("--start", &self.start, "by you"),
            Step::Prove => {
                "started afterwards, both bundles active, what AEM protects opens".to_owned()
            }
            Step::Remove => match self.finish {
                true => "hmac and master, when all of that holds".to_owned(),
                false => "later, with --finish".to_owned(),
            },
            _ => String::new(),
        }
    }
}
