//! What is said at the end.

use std::path::PathBuf;

use serde_json::{Value, json};
use signet_aem::Running;
use signet_aem::relocation::{Relocation, Standing};
use signet_server::quoted;

use super::narrator::Narrator;
use super::{Reached, Relocate};
use crate::command::aem::whole;

impl Relocate {
    /// The words to run this again with.
    pub(super) fn again(&self) -> String {
        let mut words = format!("signet aem relocate {}", quoted(self.whole_folder()));
        for (option, path) in [("--backup", &self.backup), ("--undo", &self.undo)] {
            if let Some(path) = path {
                words.push_str(&format!(" {option} {}", quoted(path)));
            }
        }
        words
    }

    /// The words that lead back to how it was.
    pub(super) fn back(&self, relocation: &Relocation) -> String {
        format!(
            "signet aem relocate {} --undo {}",
            quoted(self.whole_folder()),
            quoted(relocation.backup())
        )
    }

    /// The folder as it can be named from anywhere.
    fn whole_folder(&self) -> PathBuf {
        whole(&self.folder)
    }

    pub(super) fn told(&self, reached: Reached, relocation: &Relocation) -> String {
        let backup = relocation.backup();
        let removal = format!(
            "The backup holds the keys: when all is well, rm -r {}",
            quoted(backup)
        );
        let back = format!("Back to how it was: {}", self.back(relocation));
        match reached {
            Reached::Nothing => {
                let mut text = "There is nothing to do: the keys are in files.".to_owned();
                if relocation.standing() == Standing::Finished {
                    text.push_str(&format!("\n{removal}"));
                }
                text
            }
            Reached::Shown => {
                "Nothing was changed: without --dry-run these steps are taken.".to_owned()
            }
            Reached::Rehearsed => {
                "It goes well, and back again, on a copy that is removed; here nothing was changed."
                    .to_owned()
            }
            Reached::Switched => {
                // One that runs may have been started before the switch; --finish finds out.
                let begin = match relocation.running() {
                    Running::No => "Start AEM, then run",
                    _ => "AEM runs; remove them with",
                };
                format!(
                    "The keys are in files, and those in the repository are still there.\n{begin}: {} --finish{}\n{back}",
                    self.again(),
                    self.url_option(relocation)
                )
            }
            Reached::Proven => format!(
                "AEM runs with its keys in files; those in the repository are still there.\nRemove them with: {} --finish{}\n{back}",
                self.again(),
                self.url_option(relocation)
            ),
            Reached::Finished => {
                format!(
                    "Done: the keys are in files, and no longer in the repository.\n{removal}\n{back}"
                )
            }
            Reached::Undone => format!("Everything is as it was before.\n{removal}"),
        }
    }

    /// What `--finish` needs to be told.
    pub(super) fn url_option(&self, relocation: &Relocation) -> String {
        let named = self.url.as_ref().map(ToString::to_string);
        match (named, relocation.instance()) {
            (Some(url), _) => format!(" --url {url}"),
            (None, Some(_)) => String::new(),
            (None, None) => " --url URL".to_owned(),
        }
    }
}

pub(super) fn document(
    reached: Reached,
    relocation: &Relocation,
    narrator: &Narrator<'_>,
) -> Value {
    let outcome = match reached {
        Reached::Nothing => "nothing-to-do",
        Reached::Shown => "shown",
        Reached::Rehearsed => "rehearsed",
        Reached::Switched => "switched",
        Reached::Proven => "proven",
        Reached::Finished => "finished",
        Reached::Undone => "undone",
    };
    let keys = relocation.digests().into_iter().flatten();
    let keys: Vec<_> = keys
        .map(|(name, digests)| json!({ "name": name, "digests": digests }))
        .collect();
    let steps = narrator.steps().iter().map(|report| {
        json!({
            "number": report.step.number(),
            "step": report.step,
            "title": report.step.as_str(),
            "detail": report.detail,
        })
    });
    json!({
        "outcome": outcome,
        "standing": relocation.standing(),
        "backup": relocation.backup().is_dir().then(|| relocation.backup()),
        "keys": keys,
        "steps": steps.collect::<Vec<_>>(),
    })
}
