//! The head: number and hash of the last line, kept beside the log, because a chain alone cannot show that its end was cut.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use signet_keys::atomic;

use crate::Digest;
use crate::log::regular;

/// More than any head has, in bytes.
const LONGEST: u64 = 256;

/// Number and hash of one line, written `17:9f86d0…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the line.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

/// The text is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the number of a line, a colon, and its hash of 64 hexadecimal digits")]
pub struct HeadError;

/// What the file beside the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// This was the last line.
    Head(Head),
    /// There is no file.
    Missing,
    /// There is one that says nothing of use.
    Unreadable,
}

impl Kept {
    pub(crate) fn read(path: &Path) -> Self {
        let read = || -> io::Result<String> {
            let (file, _) = regular(path)?;
            let mut text = String::new();
            file.take(LONGEST).read_to_string(&mut text)?;
            Ok(text)
        };
        match read() {
            Ok(text) => text.trim_end().parse().map_or(Self::Unreadable, Self::Head),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Missing,
            Err(_) => Self::Unreadable,
        }
    }
}

impl Head {
    pub(crate) fn write(&self, path: &Path) -> Result<(), atomic::WriteError> {
        atomic::write(path, format!("{self}\n").as_bytes())
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (seq, hash) = text.split_once(':').ok_or(HeadError)?;
        Ok(Self {
            seq: seq.parse().map_err(|_| HeadError)?,
            hash: hash.parse().map_err(|_| HeadError)?,
        })
    }
}
