//! What a check found, and whether that fails it.

use anyhow::{Result, bail};

/// The findings of one or more checks.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

#[derive(Debug)]
struct Finding {
    weight: Weight,
    place: String,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Note,
    Warning,
    Error,
}

impl Findings {
    /// Something that fails the check.
    pub(crate) fn error(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.add(Weight::Error, place.into(), message.into());
    }

    /// Something to look at soon.
    pub(crate) fn warning(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.add(Weight::Warning, place.into(), message.into());
    }

    /// Something to know.
    pub(crate) fn note(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.add(Weight::Note, place.into(), message.into());
    }

    /// Prints everything found; fails when there is an error among it.
    pub(crate) fn conclude(mut self, check: &str) -> Result<()> {
        self.0.sort_by_key(|finding| finding.weight as u8);
        for Finding {
            weight,
            place,
            message,
        } in &self.0
        {
            let word = match weight {
                Weight::Note => "note",
                Weight::Warning => "warning",
                Weight::Error => "error",
            };
            println!("{word}: {place}: {message}");
        }
        match self.errors().count() {
            0 => Ok(()),
            1 => bail!("{check}: 1 rule is broken, see above"),
            n => bail!("{check}: {n} rules are broken, see above"),
        }
    }

    /// The errors, as "place: message".
    pub(crate) fn errors(&self) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .filter(|finding| finding.weight == Weight::Error)
            .map(|finding| format!("{}: {}", finding.place, finding.message))
    }

    fn add(&mut self, weight: Weight, place: String, message: String) {
        self.0.push(Finding {
            weight,
            place,
            message,
        });
    }
}
