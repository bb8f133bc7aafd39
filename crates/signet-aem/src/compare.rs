//! Several installations and instances side by side: what must be equal on a farm, and is not.

mod instances;

use std::path::PathBuf;

use serde::Serialize;

use crate::console::InstanceUrl;
use crate::{Inspection, KeyName, Storage};
pub use instances::compare_instances;

/// Installations and instances side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The folders, in the order in which they were named.
    pub folders: Vec<PathBuf>,
    /// The running instances, in the order in which they were named.
    pub instances: Vec<InstanceUrl>,
    /// What was compared.
    pub facts: Vec<Fact>,
    /// Instances of which nothing is known, because they could not be asked.
    pub faults: Vec<Fault>,
}

/// Why nothing is known of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fault {
    /// Which one.
    pub instance: InstanceUrl,
    /// Why.
    pub why: String,
    /// What to do about it.
    pub hint: String,
}

/// One thing that was compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// What it is on each, the folders before the instances; `None` where it is not there, or cannot be told.
    pub values: Vec<Option<String>>,
    /// What follows from the values.
    pub verdict: Verdict,
}

/// What follows from values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// All are the same.
    Equal,
    /// They differ, and a farm needs them to be the same.
    Different,
    /// They are the same, or not, and on one at least not what they must be.
    Wrong,
    /// They differ, and that does no harm by itself.
    Varies,
    /// On some it cannot be told.
    Unknown,
}

impl Comparison {
    /// Compares installations that were read before.
    #[must_use]
    pub fn of(installations: &[(PathBuf, Inspection)]) -> Self {
        let fact = |name: &str, must: Must, value: &dyn Fn(&Inspection) -> Option<String>| {
            let values: Vec<_> = installations
                .iter()
                .map(|(_, found)| value(found))
                .collect();
            Fact {
                name: name.to_owned(),
                verdict: must.verdict(&values),
                values,
            }
        };
        Self {
            folders: installations
                .iter()
                .map(|(folder, _)| folder.clone())
                .collect(),
            instances: Vec::new(),
            faults: Vec::new(),
            facts: vec![
                fact("storage", Must::BeEqual, &storage),
                fact("hmac (SHA-256)", Must::BeEqual, &|found| {
                    digest(found, KeyName::Hmac)
                }),
                fact("master (SHA-256)", Must::BeEqual, &|found| {
                    digest(found, KeyName::Master)
                }),
                fact("crypto", Must::Nothing, &|found| {
                    version(found.crypto.as_ref())
                }),
                fact("crypto.file", Must::Nothing, &|found| {
                    version(found.crypto_file.as_ref())
                }),
            ],
        }
    }

    /// Whether nothing differs that must be equal, and all of it is known.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        let mut facts = self.facts.iter();
        self.faults.is_empty()
            && facts.all(|fact| matches!(fact.verdict, Verdict::Equal | Verdict::Varies))
    }
}

/// What is demanded of values.
#[derive(Clone, Copy)]
enum Must {
    BeEqual,
    /// Be this everywhere.
    Be(&'static str),
    Nothing,
}

impl Must {
    fn verdict(self, values: &[Option<String>]) -> Verdict {
        let mut known = values.iter().flatten();
        let first = known.next();
        let differ = first.is_some_and(|first| known.any(|value| value != first));
        let is_known = values.iter().all(Option::is_some);
        if let Self::Be(right) = self {
            return match values.iter().flatten().all(|value| value == right) {
                true if is_known => Verdict::Equal,
                true => Verdict::Unknown,
                false => Verdict::Wrong,
            };
        }
        match (self, differ, is_known) {
            (Self::BeEqual, true, _) => Verdict::Different,
            (Self::BeEqual, false, false) => Verdict::Unknown,
            (_, true, _) | (_, _, false) => Verdict::Varies,
            (_, false, true) => Verdict::Equal,
        }
    }
}

fn storage(found: &Inspection) -> Option<String> {
    Some(match &found.storage {
        Storage::Bundle => "Bundle".to_owned(),
        Storage::Jcr => "JCR".to_owned(),
        Storage::Untidy { word, .. } => format!("{word} (untidy)"),
        Storage::Unknown { .. } => "unknown".to_owned(),
        Storage::Absent | Storage::Unreadable => return None,
    })
}

/// Of keys in the repository nothing is known without the running instance.
fn digest(found: &Inspection, name: KeyName) -> Option<String> {
    if !found.storage.means_files() {
        return None;
    }
    let key = found.keys.iter().find(|key| key.name == name)?;
    key.found.as_ref().map(|key| key.sha256.clone())
}

fn version(place: Option<&crate::BundlePlace>) -> Option<String> {
    place?.version.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_equal_is_judged_strictly() {
        let values = |words: &[&str]| -> Vec<_> {
            words
                .iter()
                .map(|word| (!word.is_empty()).then(|| (*word).to_owned()))
                .collect()
        };
        for (must, words, verdict) in [
            (Must::BeEqual, &["a", "a", "a"][..], Verdict::Equal),
            (Must::BeEqual, &["a", "b"], Verdict::Different),
            (Must::BeEqual, &["a", "", "b"], Verdict::Different),
            (Must::BeEqual, &["a", "", "a"], Verdict::Unknown),
            (Must::BeEqual, &["", ""], Verdict::Unknown),
            (Must::Nothing, &["a", "a"], Verdict::Equal),
            (Must::Nothing, &["a", "b"], Verdict::Varies),
            (Must::Nothing, &["a", ""], Verdict::Varies),
            (Must::Be("a"), &["a", "a"], Verdict::Equal),
            (Must::Be("a"), &["b", "b"], Verdict::Wrong),
            (Must::Be("a"), &["a", ""], Verdict::Unknown),
            (Must::Be("a"), &["b", ""], Verdict::Wrong),
        ] {
            assert_eq!(must.verdict(&values(words)), verdict, "{words:?}");
        }
    }
}
