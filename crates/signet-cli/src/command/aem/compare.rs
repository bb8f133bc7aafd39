//! `signet aem compare`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use signet_aem::{Comparison, Fact, Verdict};

use crate::command::Outcome;
use crate::context::Context;
use crate::table;

/// Exit status 1 unless everything that a farm needs to be equal is equal. Of keys that are in the repository nothing can be
/// said from the files.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// Folders of installations: crx-quickstart, the one above it, or any folder with a Felix cache
    #[arg(value_name = "DIR", num_args = 2.., required = true)]
    folders: Vec<PathBuf>,
}

/// So many digits of a digest tell keys apart on a screen; the JSON document has all of them.
const SHOWN_DIGITS: usize = 16;

impl Compare {
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let mut installations = Vec::new();
        for folder in &self.folders {
            let inspection = signet_aem::inspect(folder)
                .with_context(|| format!("{} was not compared", folder.display()))?;
            installations.push((folder.clone(), inspection));
        }
        let comparison = Comparison::of(&installations);
        context.output.answer(&comparison, &text(&comparison))?;
        Ok(match comparison.is_equal() {
            true => Outcome::Done,
            false => Outcome::Denied,
        })
    }
}

fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    for (number, folder) in (1..).zip(&comparison.folders) {
        text.push_str(&format!("{number}  {}\n", folder.display()));
    }
    // The numbers of the folders head their columns.
    let header = std::iter::once(String::new())
        .chain((1..=comparison.folders.len()).map(|number| number.to_string()))
        .chain([String::new()]);
    let rows = std::iter::once(header.collect()).chain(comparison.facts.iter().map(row));
    text.push('\n');
    text.push_str(&table::rows(rows));
    text.push('\n');
    text.push_str(match comparison.is_equal() {
        true => "Everything that a farm needs to be equal is equal.\n",
        false => "Not everything is equal, or known: tokens and sealed values of one are worthless on another until it is.\n",
    });
    text
}

fn row(fact: &Fact) -> Vec<String> {
    let shown = |value: &Option<String>| match value {
        Some(value) if value.len() > SHOWN_DIGITS => {
            let start: String = value.chars().take(SHOWN_DIGITS).collect();
            start + "…"
        }
        Some(value) => value.clone(),
        None => "–".to_owned(),
    };
    let verdict = match fact.verdict {
        Verdict::Equal => "equal",
        Verdict::Different => "DIFFERENT",
        Verdict::Varies => "differs, harmless",
        _ => "not known everywhere",
    };
    std::iter::once(fact.name.to_owned())
        .chain(fact.values.iter().map(shown))
        .chain([verdict.to_owned()])
        .collect()
}
