//! The steps of a move, numbered as they are taken.

use core::fmt;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

/// One step of moving the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RelocationStep {
    /// Read the keys wherever they are.
    Find,
    /// Look at the place they go to.
    Survey,
    /// Make a token with each key, to be tried afterwards.
    Tokens,
    /// Open what is sealed with them.
    Open,
    /// Write down that they are being moved.
    Journal,
    /// Seal a backup.
    Backup,
    /// Open the backup again.
    Restore,
    /// Write them into the new place.
    Write,
    /// Read them there and compare digests.
    Compare,
    /// Let `storage` name the new place.
    Switch,
    /// Read `storage` back.
    ReadBack,
    /// Verify the tokens with the keys of the new place.
    Verify,
    /// Open what is sealed with the keys of the new place.
    OpenAgain,
    /// Remove them from the old place.
    Remove,
    /// Look for bytes of them there.
    Trace,
}

impl RelocationStep {
    /// Every step, in order.
    pub const ALL: [Self; 15] = [
        Self::Find,
        Self::Survey,
        Self::Tokens,
        Self::Open,
        Self::Journal,
        Self::Backup,
        Self::Restore,
        Self::Write,
        Self::Compare,
        Self::Switch,
        Self::ReadBack,
        Self::Verify,
        Self::OpenAgain,
        Self::Remove,
        Self::Trace,
    ];

    /// Its number, from 1.
    #[must_use]
    pub fn number(self) -> usize {
        1 + Self::ALL.iter().take_while(|step| **step < self).count()
    }

    /// What is done, in a few words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Find => "Read the keys wherever they are",
            Self::Survey => "Look at the place they go to",
            Self::Tokens => "Make a token with each key",
            Self::Open => "Open what is sealed with them",
            Self::Journal => "Note that they are being moved",
            Self::Backup => "Seal a backup",
            Self::Restore => "Open the backup again",
            Self::Write => "Write them into the new place",
            Self::Compare => "Read them there, compare digests",
            Self::Switch => "Switch keys/storage",
            Self::ReadBack => "Read keys/storage back",
            Self::Verify => "Verify the tokens made before",
            Self::OpenAgain => "Open what was sealed before",
            Self::Remove => "Remove them from the old place",
            Self::Trace => "Look for bytes left behind",
        }
    }
}

impl fmt::Display for RelocationStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A step that was taken, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepReport {
    /// The step.
    pub step: RelocationStep,
    /// What came of it, or would be done.
    pub detail: String,
    /// Whether it was taken.
    pub is_done: bool,
}

impl Serialize for StepReport {
    /// An object with `number`, `step`, `detail` and `done`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("StepReport", 4)?;
        object.serialize_field("number", &self.step.number())?;
        object.serialize_field("step", self.step.as_str())?;
        object.serialize_field("detail", &self.detail)?;
        object.serialize_field("done", &self.is_done)?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_numbered_in_order() {
        let numbers: Vec<_> = RelocationStep::ALL.map(RelocationStep::number).into();
        assert_eq!(numbers, (1..=15).collect::<Vec<_>>());
    }
}
