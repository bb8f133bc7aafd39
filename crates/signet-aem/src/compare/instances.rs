//! Running instances beside installations.

use std::path::PathBuf;

use signet_keys::granite::GraniteKey;

use super::{Comparison, Fact, Fault, Must, Verdict};
use crate::Inspection;
use crate::console::{Configuration, Console, ConsoleError, SameHmac, quoted};
use crate::felix::{CRYPTO, CRYPTO_FILE};
use crate::instance::{ENCAPSULATED, Instance, MasterFit};

/// With these a token of one instance is no token on another where they differ. Whatever else the handler is told may differ.
const MUST_BE_EQUAL: [&str; 2] = [ENCAPSULATED, "token.required.attr"];
/// How long a session lasts. It is told in any case.
const LIFE: &str = "tokenExpiration";

/// Compares installations that were read before, and running instances.
///
/// An instance that cannot be asked is among [`Comparison::faults`], and does not keep the others from being compared.
pub async fn compare_instances(
    installations: &[(PathBuf, Inspection)],
    consoles: &[Console],
    master: Option<&GraniteKey>,
) -> Comparison {
    let mut comparison = Comparison::of(installations);
    let mut asked = Vec::new();
    for console in consoles {
        asked.push(match Instance::ask(console, master).await {
            Ok(instance) => Some(instance),
            Err(error) => {
                comparison.faults.push(fault(console, &error));
                None
            }
        });
    }
    let rows = Rows {
        folders: installations.len(),
        instances: &asked,
    };
    comparison.instances = consoles
        .iter()
        .map(|console| console.url().clone())
        .collect();
    if installations.is_empty() {
        // Nothing of this can be told from outside.
        comparison.facts.clear();
    }
    let mut facts = std::mem::take(&mut comparison.facts);
    for fact in &mut facts {
        let bundle = match fact.name.as_str() {
            "crypto" => CRYPTO,
            "crypto.file" => CRYPTO_FILE,
            // Of an instance that is not told, and nothing is missing for it.
            _ => {
                fact.values.resize(rows.width(), None);
                continue;
            }
        };
        fact.values
            .extend(rows.of(|instance| version(instance, bundle)));
        fact.verdict = Must::Nothing.verdict(&fact.values);
    }
    if installations.is_empty() {
        facts.push(rows.fact("crypto", Must::Nothing, |i| version(i, CRYPTO)));
        facts.push(rows.fact("crypto.file", Must::Nothing, |i| version(i, CRYPTO_FILE)));
    }
    let keys = hmac(consoles, &asked).await;
    facts.extend(keys.map(|values| rows.keys(values)));
    if master.is_some() {
        facts.push(
            rows.fact(
                "master is the given one",
                Must::Be("yes"),
                |instance| match instance.master {
                    Some(MasterFit::Fits) => Some("yes".to_owned()),
                    Some(MasterFit::Foreign) => Some("no".to_owned()),
                    _ => None,
                },
            ),
        );
    }
    facts.extend(rows.states());
    facts.extend(rows.handler());
    facts.extend(rows.sessions());
    comparison.facts = facts;
    comparison
}

fn fault(console: &Console, error: &ConsoleError) -> Fault {
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        why = format!("{why}: {deeper}");
        cause = deeper.source();
    }
    Fault {
        instance: console.url().clone(),
        why: quoted(&why),
        hint: error.hint().to_owned(),
    }
}

fn version(instance: &Instance, name: &str) -> Option<String> {
    let bundle = instance.bundle(name)?;
    Some(quoted(&bundle.version))
}

/// A letter for each instance: the same for those with the same `hmac`. `None` where that cannot be told.
async fn hmac(consoles: &[Console], asked: &[Option<Instance>]) -> Option<Vec<Option<String>>> {
    if consoles.is_empty() {
        return None;
    }
    let mut groups: Vec<&Console> = Vec::new();
    let mut letters = Vec::new();
    for (console, asked) in consoles.iter().zip(asked) {
        if asked.is_none() {
            letters.push(None);
            continue;
        }
        let mut found = None;
        let mut is_unclear = false;
        for (number, group) in groups.iter().enumerate() {
            match group.has_hmac_of(console).await {
                Ok(SameHmac::Yes) => {
                    found = Some(number);
                    break;
                }
                Ok(SameHmac::No) => {}
                _ => is_unclear = true,
            }
        }
        letters.push(match (found, is_unclear) {
            (Some(number), _) => Some(letter(number)),
            (None, true) => None,
            // The first has nobody to be compared with; that it can be is shown by the next one.
            (None, false) => {
                groups.push(console);
                Some(letter(groups.len() - 1))
            }
        });
    }
    Some(letters)
}

fn letter(number: usize) -> String {
    let letter = u8::try_from(number).ok().and_then(|n| b'A'.checked_add(n));
    match letter.filter(u8::is_ascii_uppercase) {
        Some(letter) => format!("key {}", char::from(letter)),
        None => format!("key {number}"),
    }
}

/// Rows of the table that are about instances.
struct Rows<'i> {
    folders: usize,
    instances: &'i [Option<Instance>],
}

impl Rows<'_> {
    fn width(&self) -> usize {
        self.folders + self.instances.len()
    }

    fn of(&self, value: impl Fn(&Instance) -> Option<String>) -> Vec<Option<String>> {
        let values = self.instances.iter().map(|i| i.as_ref().and_then(&value));
        values.collect()
    }

    /// A row in which folders have no say.
    fn row(&self, name: &str, must: Must, values: Vec<Option<String>>) -> Fact {
        Fact {
            name: name.to_owned(),
            verdict: self.verdict(must, &values),
            values: vec![None; self.folders].into_iter().chain(values).collect(),
        }
    }

    /// What an instance that was not asked has is not known; it is not without it.
    fn verdict(&self, must: Must, values: &[Option<String>]) -> Verdict {
        let asked: Vec<_> = values
            .iter()
            .zip(self.instances)
            .filter(|(_, instance)| instance.is_some())
            .map(|(value, _)| value.clone())
            .collect();
        match must.verdict(&asked) {
            Verdict::Equal if asked.len() < values.len() => Verdict::Unknown,
            verdict => verdict,
        }
    }

    fn fact(&self, name: &str, must: Must, value: impl Fn(&Instance) -> Option<String>) -> Fact {
        self.row(name, must, self.of(value))
    }

    fn keys(&self, values: Vec<Option<String>>) -> Fact {
        let mut fact = self.row("hmac (by CSRF tokens)", Must::BeEqual, values);
        // A digest and a token cannot be compared.
        if self.folders > 0 && fact.verdict == Verdict::Equal {
            fact.verdict = Verdict::Unknown;
        }
        fact
    }

    fn states(&self) -> Vec<Fact> {
        let state = |name: &'static str| {
            move |instance: &Instance| {
                let bundle = instance.bundle(name);
                Some(
                    bundle
                        .map_or("not there", |bundle| bundle.state.as_str())
                        .to_owned(),
                )
            }
        };
        if self.instances.is_empty() {
            return Vec::new();
        }
        vec![
            self.fact("state of crypto", Must::Be("Active"), state(CRYPTO)),
            self.fact(
                "state of crypto.file",
                Must::Be("Active"),
                state(CRYPTO_FILE),
            ),
            self.fact("bundles not active", Must::Nothing, |instance| {
                Some(instance.idle().count().to_string())
            }),
        ]
    }

    fn handler(&self) -> Vec<Fact> {
        let mut facts = self.settings(|instance| &instance.handler, ENCAPSULATED);
        for fact in &mut facts {
            if MUST_BE_EQUAL.contains(&fact.name.as_str()) {
                let values = fact.values.get(self.folders..).unwrap_or_default();
                fact.verdict = self.verdict(Must::BeEqual, values);
            }
        }
        facts
    }

    fn sessions(&self) -> Vec<Fact> {
        let mut facts = self.settings(|instance| &instance.sessions, LIFE);
        facts.extend(self.settings(|instance| &instance.cleanup, ""));
        facts
    }

    /// The properties of a configuration that are not the same everywhere, and `always`.
    fn settings(&self, of: impl Fn(&Instance) -> &Configuration, always: &str) -> Vec<Fact> {
        let known = self.instances.iter().flatten().map(&of);
        let mut names: Vec<_> = known
            .flat_map(Configuration::names)
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        // What stands first is what is looked for.
        names.sort_by_key(|name| name != always);
        let fact = |name: String| {
            let values = self.of(|instance| of(instance).shown(&name));
            self.row(&quoted(&name), Must::Nothing, values)
        };
        let facts = names.into_iter().map(fact);
        facts
            .filter(|fact| {
                let is_even = matches!(fact.verdict, Verdict::Equal | Verdict::Unknown);
                fact.name == always || !is_even
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
