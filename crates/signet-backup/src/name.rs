//! What a backup may hold: a fixed list of names. Whatever has another name is no part of an installation.

use core::fmt;
use core::str::FromStr;
use std::path::{Path, PathBuf};

use signet_core::{KeyId, RingName};

/// The name of one thing in a backup, which is also its path in the data directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName(Box<str>);

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The version of the data directory.
    Format,
    /// `signet.toml`.
    Config,
    /// That keys and repository were made once.
    Initialised,
    /// Which place holds the keys.
    Storage,
    /// The keys that stay revoked.
    Revoked,
    /// A key of a ring.
    Key(RingName),
    /// A key of Granite.
    Granite,
    /// Part of the identity of the instance.
    Node,
    /// The log of changes, or the note of its end.
    Audit,
    /// The repository.
    Repository,
}

/// The text names nothing that a backup may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no backup holds anything of this name")]
pub struct EntryNameError;

impl EntryName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn kind(&self) -> Option<Kind> {
        kind(&self.0)
    }

    /// Where it is in a data directory.
    pub(crate) fn under(&self, directory: &Path) -> PathBuf {
        directory.join(&*self.0)
    }

    /// The most that it may hold, in bytes.
    pub(crate) fn limit(&self) -> u64 {
        const KIB: u64 = 1_024;
        match self.kind() {
            Some(Kind::Repository) => u64::MAX,
            Some(Kind::Audit) if &*self.0 == AUDIT_LOG => u64::MAX,
            Some(Kind::Config) => 4_096 * KIB,
            Some(Kind::Revoked | Kind::Node) => 1_024 * KIB,
            _ => 16 * KIB,
        }
    }
}

impl FromStr for EntryName {
    type Err = EntryNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        kind(text).map(|_| Self(text.into())).ok_or(EntryNameError)
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

pub(crate) const FORMAT: &str = "format";
pub(crate) const CONFIG: &str = "signet.toml";
pub(crate) const INITIALISED: &str = "initialised";
pub(crate) const STORAGE: &str = "keys/storage";
pub(crate) const REVOKED: &str = "keys/revoked";
pub(crate) const AUDIT_LOG: &str = "audit.log";
pub(crate) const AUDIT_HEAD: &str = "audit.head";
pub(crate) const REPOSITORY: &str = "repository.db";
pub(crate) const NODE: [&str; 3] = ["node/age.key", "node/signing.key", "node/senders"];
pub(crate) const GRANITE: &str = "keys/granite";

fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        FORMAT => Kind::Format,
        CONFIG => Kind::Config,
        INITIALISED => Kind::Initialised,
        STORAGE => Kind::Storage,
        REVOKED => Kind::Revoked,
        AUDIT_LOG | AUDIT_HEAD => Kind::Audit,
        REPOSITORY => Kind::Repository,
        node if NODE.contains(&node) => Kind::Node,
        key => {
            let (directory, file) = key.strip_prefix("keys/")?.split_once('/')?;
            let stem = file.strip_suffix(".jwk")?;
            // In the one spelling that a key's id has.
            let id: KeyId = stem.parse().ok()?;
            if id.to_string() != stem {
                return None;
            }
            match directory {
                "granite" => Kind::Granite,
                ring => Kind::Key(ring.parse().ok()?),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_belongs_to_an_installation_has_a_name() {
        let id = "0123456789abcdef0123456789abcdef";
        for (name, kind) in [
            ("format".to_owned(), Kind::Format),
            ("keys/revoked".to_owned(), Kind::Revoked),
            (format!("keys/hmac/{id}.jwk"), Kind::Key(RingName::Hmac)),
            (format!("keys/master/{id}.jwk"), Kind::Key(RingName::Master)),
            (format!("keys/granite/{id}.jwk"), Kind::Granite),
            ("node/signing.key".to_owned(), Kind::Node),
            ("repository.db".to_owned(), Kind::Repository),
        ] {
            let read: EntryName = name.parse().unwrap();
            assert_eq!((read.kind(), read.as_str()), (Some(kind), name.as_str()));
        }
    }

    #[test]
    fn nothing_else_has_one() {
        let id = "0123456789abcdef0123456789abcdef";
        for name in [
            "",
            ".",
            "..",
            "/etc/passwd",
            "../format",
            "./format",
            "format/",
            "format\0",
            "Format",
            "keys",
            "keys/",
            "keys/.lock",
            "keys/relocation",
            "keys/hmac",
            "keys/hmac/",
            "run/lock",
            "node/new",
            "repository.db-wal",
            &format!("keys/hmac/{}.jwk", id.to_uppercase()),
            &format!("keys/hmac/../master/{id}.jwk"),
            &format!("keys//hmac/{id}.jwk"),
            &format!("keys/other/{id}.jwk"),
            &format!("keys/hmac/{id}.jwk.jwk"),
            &format!("keys/hmac/{id}"),
            &format!("/keys/hmac/{id}.jwk"),
        ] {
            assert_eq!(name.parse::<EntryName>(), Err(EntryNameError), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leads_out_of_the_directory(name in "[a-z./\\\\\0]{0,20}") {
            if let Ok(name) = name.parse::<EntryName>() {
                let path = name.under(Path::new("/data"));
                let plain = path.components().skip(1).all(|part| matches!(part, std::path::Component::Normal(_)));
                prop_assert!(plain && path.starts_with("/data"));
            }
        }
    }
}
