//! The instances whose bundles are accepted: those that somebody has vouched for once.

use std::path::{Path, PathBuf};

use signet_keys::{KeyError, KeyFault, Lock, atomic, private};

use crate::{NodeCard, NodeError, NodeId};

/// The cards of known senders, in the file `<data>/node/senders`: one card a line.
#[derive(Debug)]
pub struct Senders {
    directory: PathBuf,
    cards: Vec<NodeCard>,
}

impl Senders {
    /// Reads the cards in `directory`, which is that of the identity. A damaged file is never replaced.
    ///
    /// # Errors
    ///
    /// The file is not for this user alone, or a line of it is no card.
    pub fn open(directory: &Path) -> Result<Self, NodeError> {
        let path = directory.join(FILE);
        let bytes = match private::read(&path, LIMIT) {
            Ok(bytes) => bytes,
            Err(KeyFault::Absent) => Vec::new().into(),
            Err(fault) => return Err(NodeError::Unusable { path, fault }),
        };
        let damaged = || NodeError::Senders { path: path.clone() };
        let text = core::str::from_utf8(&bytes).map_err(|_| damaged())?;
        let cards = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.parse().map_err(|_| damaged()));
        Ok(Self {
            directory: directory.to_owned(),
            cards: cards.collect::<Result<_, _>>()?,
        })
    }

    /// Whether somebody has vouched for the instance.
    #[must_use]
    pub fn contain(&self, id: NodeId) -> bool {
        self.cards.iter().any(|card| card.id() == id)
    }

    /// Remembers an instance that somebody vouches for.
    ///
    /// # Errors
    ///
    /// The file could not be read or written.
    pub fn remember(&mut self, card: &NodeCard) -> Result<(), NodeError> {
        let lock = self.directory.join(LOCK);
        let _lock = Lock::acquire(&lock).map_err(|source| KeyError::Lock { path: lock, source })?;
        // Another command may have added one meanwhile.
        *self = Self::open(&self.directory)?;
        if self.cards.contains(card) {
            return Ok(());
        }
        self.cards.retain(|known| known.id() != card.id());
        self.cards.push(card.clone());
        let text: String = self.cards.iter().map(|card| format!("{card}\n")).collect();
        atomic::write(&self.directory.join(FILE), text.as_bytes())?;
        Ok(())
    }
}

const FILE: &str = "senders";
const LOCK: &str = ".lock";

/// Room for more than four thousand cards.
const LIMIT: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::NodeIdentity;

    #[test]
    fn who_was_vouched_for_once_is_known() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("node");
        NodeIdentity::open_or_create(&directory).unwrap();
        let author = NodeIdentity::generate().unwrap();
        let card = |name: &str| author.card(&name.parse().unwrap());
        let mut senders = Senders::open(&directory).unwrap();
        assert!(!senders.contain(author.id()));
        senders.remember(&card("author")).unwrap();
        // Read before that, and yet nobody is forgotten.
        let mut others = Senders::open(&directory).unwrap();
        let other = NodeIdentity::generate().unwrap();
        others
            .remember(&other.card(&"other".parse().unwrap()))
            .unwrap();
        senders.remember(&card("renamed")).unwrap();
        let senders = Senders::open(&directory).unwrap();
        assert!(senders.contain(author.id()) && senders.contain(other.id()));
        assert_eq!(senders.cards.len(), 2);
    }

    #[test]
    fn a_damaged_list_lets_nobody_in() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("node");
        NodeIdentity::open_or_create(&directory).unwrap();
        atomic::write(&directory.join(FILE), b"signet-node-v1 broken\n").unwrap();
        let error = Senders::open(&directory).unwrap_err();
        assert!(error.hint().contains("senders"), "{error:?}");
        let before = fs::read(directory.join(FILE)).unwrap();
        assert_eq!(before, b"signet-node-v1 broken\n");
    }
}
