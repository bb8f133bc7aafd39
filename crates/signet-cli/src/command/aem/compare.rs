//! `signet aem compare`

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context as _;
use clap::Args;
use signet_aem::console::{InstanceUrl, InstanceUrlError};
use signet_aem::{Comparison, Fact, Inspection, Verdict};

use super::access::Reach;
use super::master;
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Meaning;
use crate::table;

/// Exit status 1 unless everything that a farm needs to be equal is equal.
///
/// Folders are read as they are on the disk: storage mode and digests of the keys. Of keys that are in the repository nothing can be
/// said from the files. Running instances are asked over HTTP: bundles, token handler, sessions. Whether they have the same hmac is
/// found out without seeing it: a CSRF token that one of them made is shown to the other, with a request that changes nothing.
/// Whether they have the same master can only be told with a raw master at hand.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// Folders of installations (crx-quickstart, the one above it, or any folder with a Felix cache), and URLs of running instances
    #[arg(value_name = "DIR|URL", num_args = 2.., required = true)]
    members: Vec<Member>,

    /// A raw master (16 bytes): is it that of the instances? Each protects a text, and it is tried whether this opens it
    #[arg(long, value_name = "FILE")]
    master: Option<PathBuf>,

    #[command(flatten)]
    reach: Reach,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Member {
    Folder(PathBuf),
    Instance(InstanceUrl),
}

impl FromStr for Member {
    type Err = InstanceUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.contains("://") {
            true => text.parse().map(Self::Instance),
            false => Ok(Self::Folder(text.into())),
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Instance(url) => url.fmt(f),
        }
    }
}

/// So many digits of a digest tell keys apart on a screen; the JSON document has all of them.
const SHOWN_DIGITS: usize = 16;
/// So much of another value is shown, in characters.
const SHOWN: usize = 40;

impl Compare {
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let mut installations = Vec::new();
        let mut urls = Vec::new();
        for (number, member) in self.members.iter().enumerate() {
            if self.members.iter().skip(number + 1).any(|m| m == member) {
                return Err(Failure::new(format!("{member} is named twice")).into());
            }
            match member {
                Member::Instance(url) => urls.push(url.clone()),
                Member::Folder(folder) => installations.push((folder.clone(), inspect(folder)?)),
            }
        }
        let comparison = match urls.is_empty() {
            true if self.master.is_some() => {
                let failure = Failure::new("only a running instance can be tried with a master");
                let hint = "name URLs, or leave --master out: the digests tell whether folders have the same";
                return Err(failure.hint(hint).into());
            }
            true => Comparison::of(&installations),
            false => {
                let master = self.master.as_deref().map(master::read).transpose()?;
                let consoles = self.reach.consoles(&urls)?;
                signet_aem::compare_instances(&installations, &consoles, master.as_ref()).await
            }
        };
        context
            .output
            .answer(&comparison, &text(context, &comparison))?;
        Ok(match comparison.is_equal() {
            true => Outcome::Done,
            false => Outcome::Denied,
        })
    }
}

fn inspect(folder: &Path) -> anyhow::Result<Inspection> {
    let why = || format!("{} was not compared", folder.display());
    // localhost:4502, most likely.
    let is_host = folder.to_str().is_some_and(|text| text.contains(':'));
    if is_host && !folder.exists() {
        let hint = format!(
            "of a running instance name the whole URL: http://{}",
            folder.display()
        );
        return Err(Failure::new(format!("{}: there is no such folder", why()))
            .hint(hint)
            .into());
    }
    signet_aem::inspect(folder).with_context(why)
}

fn text(context: &Context, comparison: &Comparison) -> String {
    let folders = comparison.folders.iter();
    let members = folders.map(|folder| folder.display().to_string());
    let members: Vec<_> = members
        .chain(comparison.instances.iter().map(ToString::to_string))
        .collect();
    let mut text = String::new();
    for (number, member) in (1..).zip(&members) {
        text.push_str(&format!("{number}  {member}\n"));
    }
    // The numbers of the members head their columns.
    let header = std::iter::once(String::new())
        .chain((1..=members.len()).map(|number| number.to_string()))
        .chain([String::new()]);
    let rows = std::iter::once(header.collect()).chain(comparison.facts.iter().map(row));
    text.push('\n');
    text.push_str(&table::rows(rows));
    for fault in &comparison.faults {
        let word = context.output.paint("not asked:", Meaning::Bad);
        text.push_str(&format!(
            "\n{word} {}\n  remedy: {}\n",
            fault.why, fault.hint
        ));
    }
    text.push('\n');
    text.push_str(verdict(comparison));
    text
}

fn verdict(comparison: &Comparison) -> &'static str {
    let has = |verdict| comparison.facts.iter().any(|fact| fact.verdict == verdict);
    let is_mixed = !comparison.folders.is_empty() && !comparison.instances.is_empty();
    if comparison.is_equal() {
        "Everything that a farm needs to be equal is equal.\n"
    } else if has(Verdict::Different) || comparison.instances.is_empty() {
        "Not everything is equal, or known: tokens and sealed values of one are worthless on another until it is.\n"
    } else if has(Verdict::Wrong) {
        "Not everything is as it must be.\n"
    } else if is_mixed {
        "Nothing is known to differ. Whether a folder has the keys of a running instance cannot be told: name folders only, or URLs only.\n"
    } else {
        "Nothing is known to differ, but not everything is known.\n"
    }
}

fn row(fact: &Fact) -> Vec<String> {
    let most = match fact.name.ends_with("(SHA-256)") {
        true => SHOWN_DIGITS,
        false => SHOWN,
    };
    let shown = |value: &Option<String>| match value {
        Some(value) if value.is_empty() => "(empty)".to_owned(),
        Some(value) => match value.char_indices().nth(most) {
            Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
            None => value.clone(),
        },
        None => "–".to_owned(),
    };
    let verdict = match fact.verdict {
        Verdict::Equal => "equal",
        Verdict::Different => "DIFFERENT",
        Verdict::Wrong => "NOT AS IT MUST BE",
        Verdict::Varies => "differs, harmless",
        _ => "not known everywhere",
    };
    std::iter::once(fact.name.clone())
        .chain(fact.values.iter().map(shown))
        .chain([verdict.to_owned()])
        .collect()
}
