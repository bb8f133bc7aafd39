//! How a key is named on the command line.

use std::str::FromStr;

use clap::Args;
use signet_core::KeyId;
use signet_keys::{KeyStore, LoadedKeys};

use crate::failure::Failure;

/// So many digits are enough to be meant seriously.
const FEWEST_DIGITS: usize = 6;
const ALL_DIGITS: usize = 32;

/// A key by its kid or the beginning of it.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyName {
    /// The kid, or the first 6 or more digits of it
    #[arg(value_name = "KID", value_parser = digits)]
    kid: String,
}

impl FromStr for KeyName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        digits(text).map(|kid| Self { kid })
    }
}

impl KeyName {
    /// The one key that is meant, which may be one whose file is damaged.
    pub(crate) fn find(&self, store: &KeyStore) -> anyhow::Result<KeyId> {
        if let Ok(id) = self.kid.parse() {
            return Ok(id);
        }
        let found = beginning_with(&self.kid, &store.load(None)?);
        match found.as_slice() {
            [id] => Ok(*id),
            [] => Err(Failure::new(format!("no key begins with {}", self.kid))
                .hint("signet keys list names the keys")
                .into()),
            several => Err(
                Failure::new(format!("several keys begin with {}", self.kid))
                    .details(several.iter().map(ToString::to_string))
                    .hint("give more digits")
                    .into(),
            ),
        }
    }
}

fn beginning_with(digits: &str, loaded: &LoadedKeys) -> Vec<KeyId> {
    let damaged = loaded
        .problems
        .iter()
        .filter_map(|problem| problem.path.file_stem()?.to_str()?.parse().ok());
    let mut ids: Vec<KeyId> = loaded
        .keys
        .iter()
        .map(|key| key.id)
        .chain(damaged)
        .collect();
    ids.retain(|id| id.to_string().starts_with(digits));
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn digits(text: &str) -> Result<String, String> {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let lower = text.to_ascii_lowercase();
    if (FEWEST_DIGITS..=ALL_DIGITS).contains(&lower.len()) && lower.bytes().all(is_digit) {
        return Ok(lower);
    }
    Err(format!(
        "expected {FEWEST_DIGITS} to {ALL_DIGITS} hexadecimal digits"
    ))
}
