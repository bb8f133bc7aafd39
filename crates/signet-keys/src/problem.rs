//! What `load` reports instead of failing.

use core::fmt;
use std::error::Error;
use std::path::PathBuf;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::KeyFault;

/// Something wrong that did not keep the other keys from being loaded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyProblem {
    /// The file or directory.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: KeyFault,
    /// What that means for the key.
    pub effect: Effect,
}

/// What a problem means for the key that it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// There is no such key in use.
    Unused,
    /// The key from memory stays in use, until this process ends.
    Kept,
    /// The keys in use are as they should be, but the directory is not.
    Noted,
}

impl Effect {
    /// A word for machines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Kept => "kept",
            Self::Noted => "noted",
        }
    }
}

impl KeyProblem {
    /// What is wrong with what is at `path`, which as far as is known means that a key is not in use.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, fault: impl Into<KeyFault>) -> Self {
        Self {
            path: path.into(),
            fault: fault.into(),
            effect: Effect::Unused,
        }
    }

    pub(crate) fn with(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    /// What is wrong, with its causes, without the path: one line.
    #[must_use]
    pub fn reason(&self) -> String {
        let mut text = self.fault.to_string();
        let mut cause = self.fault.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        self.fault.hint(&self.path)
    }
}

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason())?;
        match self.effect {
            Effect::Kept => f.write_str(" (the key in memory stays in use)"),
            Effect::Unused | Effect::Noted => Ok(()),
        }
    }
}

impl Serialize for KeyProblem {
    /// An object with `path`, `reason`, `effect` and `hint`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("KeyProblem", 4)?;
        object.serialize_field("path", &self.path.to_string_lossy())?;
        object.serialize_field("reason", &self.reason())?;
        object.serialize_field("effect", self.effect.as_str())?;
        object.serialize_field("hint", &self.hint())?;
        object.end()
    }
}
