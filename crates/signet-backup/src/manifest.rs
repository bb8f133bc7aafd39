//! What a backup says about itself: who made it, when, and what is in it.

use std::collections::HashSet;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use signet_bundle::{NodeCard, NodeId};
use signet_core::{Issuer, UnixSeconds};

use crate::EntryName;
use crate::name::{CONFIG, FORMAT, REPOSITORY};

/// What a backup says about itself, once its signature was found good.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The version of Signet that made it.
    pub program: String,
    /// When it was made.
    pub made: UnixSeconds,
    /// The farm, as the keys name it; `None` where there was no key to be read.
    pub farm: Option<Issuer>,
    /// The instance that it was made of.
    pub node: NodeCard,
    /// What is in it, in this order.
    pub entries: Vec<Entry>,
    pub(crate) id: String,
}

/// One thing in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub name: EntryName,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

impl Manifest {
    /// How many bytes are in it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    /// The id of the instance that it was made of.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        self.node.id()
    }

    pub(crate) fn new(
        program: &str,
        made: UnixSeconds,
        farm: Option<Issuer>,
        node: NodeCard,
        entries: Vec<Entry>,
    ) -> Self {
        Self {
            program: program.to_owned(),
            made,
            farm,
            node,
            entries,
            id: String::new(),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let written = Written {
            program: self.program.clone(),
            made: self.made.0,
            farm: self.farm.as_ref().map(|farm| farm.as_str().to_owned()),
            node: self.node.to_string(),
            entries: self.entries.iter().map(WrittenEntry::from).collect(),
        };
        // Texts and numbers are always JSON.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let written: Written =
            serde_json::from_slice(bytes).map_err(|_| "its list of contents cannot be read")?;
        let farm = written.farm.map(|farm| farm.parse()).transpose();
        let entries = written.entries.into_iter().map(Entry::try_from);
        let manifest = Self {
            program: written.program,
            made: UnixSeconds(written.made),
            farm: farm.map_err(|_| "the farm that it names is none")?,
            node: written
                .node
                .parse()
                .map_err(|_| "the instance that it names is none")?,
            entries: entries.collect::<Result<_, _>>()?,
            id: HEXLOWER.encode(&Sha256::digest(bytes)),
        };
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), &'static str> {
        let mut names = HashSet::new();
        let mut bytes = 0_u64;
        for entry in &self.entries {
            if !names.insert(entry.name.as_str()) {
                return Err("it holds something twice");
            }
            if entry.size > entry.name.limit() {
                return Err("it holds something larger than it can be");
            }
            bytes = bytes
                .checked_add(entry.size)
                .ok_or("it holds more than there can be")?;
        }
        match [FORMAT, CONFIG, REPOSITORY]
            .iter()
            .all(|name| names.contains(name))
        {
            true => Ok(()),
            false => Err("something is missing in it that every installation has"),
        }
    }
}

/// The manifest as it is written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    program: String,
    made: u64,
    farm: Option<String>,
    node: String,
    entries: Vec<WrittenEntry>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntry {
    name: String,
    size: u64,
    sha256: String,
}

impl From<&Entry> for WrittenEntry {
    fn from(entry: &Entry) -> Self {
        Self {
            name: entry.name.as_str().to_owned(),
            size: entry.size,
            sha256: HEXLOWER.encode(&entry.sha256),
        }
    }
}

impl TryFrom<WrittenEntry> for Entry {
    type Error = &'static str;

    fn try_from(written: WrittenEntry) -> Result<Self, Self::Error> {
        let digest = HEXLOWER.decode(written.sha256.as_bytes()).ok();
        Ok(Self {
            name: written
                .name
                .parse()
                .map_err(|_| "it holds something that is no part of an installation")?,
            size: written.size,
            sha256: digest
                .and_then(|digest| digest.try_into().ok())
                .ok_or("a digest in it is none")?,
        })
    }
}

#[cfg(test)]
mod tests;
