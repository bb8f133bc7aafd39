//! What can be wrong with a file or a directory that belongs to the keys.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use signet_core::{KeyId, KeyState, RingName};

use crate::{KeyError, KeyFileError, ProviderName, atomic};

/// What is wrong with a file or a directory. The texts complete "such a file: …" and never repeat what it holds.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// Others than the owner can reach it.
    #[error(
        "its mode is {mode:04o}, so others than its owner can reach it; at most {limit:04o} is accepted"
    )]
    Mode {
        /// The permission bits.
        mode: u32,
        /// The most that is accepted.
        limit: u32,
    },
    /// Others than the owner can change it.
    #[error("its mode is {mode:04o}, so others than its owner can change it")]
    Writable {
        /// The permission bits.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("it belongs to user {owner}, but this runs as user {expected}")]
    Owner {
        /// The user id of its owner.
        owner: u32,
        /// The user id that this process acts with.
        expected: u32,
    },
    /// A symbolic link, where only a mounted secret may have one.
    #[error("it is a symbolic link")]
    SymbolicLink,
    /// A directory where a file belongs.
    #[error("it is a directory, not a file")]
    Directory,
    /// Something else where a directory belongs.
    #[error("it is not a directory")]
    NotADirectory,
    /// A pipe, a socket or a device.
    #[error("it is neither a file nor a directory")]
    Special,
    /// Too large to be what it should be; nothing was read.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The most that is read.
        limit: usize,
    },
    /// The system does not let it be read.
    #[error("it cannot be read")]
    Unreadable(#[source] Arc<io::Error>),
    /// It is not there.
    #[error("it does not exist")]
    Absent,
    /// A file ending in `.jwk` whose name is not that of a key.
    #[error("its name is not 32 lower-case hexadecimal digits and .jwk")]
    FileName,
    /// A file that is not the key it should be.
    #[error(transparent)]
    Content(#[from] KeyFileError),
    /// A row that claims to be a key and is not named after one.
    #[error("its id is not 32 lower-case hexadecimal digits")]
    RowName,
    /// A row that is not the key it should be.
    #[error(transparent)]
    Row(KeyFileError),
    /// What holds the keys cannot be read.
    #[error("the keys there cannot be read")]
    Provider {
        /// Why not.
        source: Arc<dyn Error + Send + Sync>,
        /// What to do about it.
        hint: String,
    },
    /// `storage` names one place, and the keys are in the other: nothing that was made or sealed with them works.
    #[error("it says \"{}\", but the keys of {} are in {}", there.other(), both(rings), there.in_words())]
    Elsewhere {
        /// Where the keys are.
        there: ProviderName,
        /// The rings whose keys are all there.
        rings: Vec<RingName>,
    },
    /// Keys are in the place that `storage` does not name, too.
    #[error("it says \"{}\", but keys are in {}, too: {}", there.other(), there.in_words(), extra(*copies, *strangers))]
    Both {
        /// The other place.
        there: ProviderName,
        /// How many are in both.
        copies: usize,
        /// How many are only in the other, and so not in use.
        strangers: usize,
    },
    /// The keys were being moved, and nobody is at it any more.
    #[error("moving the keys to {} was begun and not finished", to.in_words())]
    Unfinished {
        /// Where to.
        to: ProviderName,
    },
    /// A file in the place of the note about moving the keys.
    #[error("it is no note about moving the keys")]
    Journal,
    /// The file of the last active key of a ring was removed.
    #[error("it is gone, and it held the last active key of the {0} ring")]
    LastActiveGone(RingName),
    /// No key of the ring is active, so it makes nothing.
    #[error("no key of the {0} ring is active")]
    NoActiveKey(RingName),
    /// A line of `revoked` that names no key.
    #[error("line {0} is not a ring and a key id")]
    RevokedLine(usize),
    /// The file says an earlier state than what is known, and could not be corrected.
    #[error("key {id} is {state}, which could not be written to it")]
    NotCorrected {
        /// The key.
        id: KeyId,
        /// Its state.
        state: KeyState,
        /// Why not.
        source: Arc<KeyError>,
    },
    /// What was learnt about revoked keys could not be written to `revoked`.
    #[error("keys that are revoked could not be added to it")]
    NotRemembered(#[source] Arc<KeyError>),
}

impl KeyFault {
    /// What to do about it, where `path` is what it is about.
    #[must_use]
    pub fn hint(&self, path: &Path) -> String {
        let file = path.display();
        match self {
            Self::Mode { limit, .. } => format!(
                "chmod {limit:o} {file}; if others could really read it, rotate: signet keys rotate"
            ),
            Self::Writable { .. } => format!("chmod go-w {file}"),
            Self::Owner { owner, expected } => {
                format!("run this as user {owner}, or: chown {expected} {file}")
            }
            Self::SymbolicLink => format!(
                "put the file itself at {file}; for a mounted secret set the custody of the keys to \"mounted\""
            ),
            Self::Directory | Self::NotADirectory | Self::Special => {
                format!("move {file} out of the directory of the keys")
            }
            Self::TooLarge { .. } => format!("this is no file of Signet: move {file} away"),
            Self::Unreadable(source) => atomic::io_hint(source, path),
            Self::Absent => format!("restore {file} from a backup or from another instance"),
            Self::FileName => {
                format!("name the file after the kid inside, or move {file} away")
            }
            Self::Content(error) => error.hint(path),
            Self::RowName | Self::Row(_) => {
                "import the key again from another instance or a backup (signet keys import), or retire it: signet keys retire"
                    .into()
            }
            Self::Provider { hint, .. } => hint.clone(),
            Self::Elsewhere { .. } | Self::Both { .. } => {
                "signet keys relocate --to file brings them together, and loses none".into()
            }
            Self::Unfinished { to } => format!("finish it: signet keys relocate --to {to}"),
            Self::Journal => format!(
                "move {file} out of the directory of the keys, then: signet keys relocate --to file"
            ),
            Self::LastActiveGone(ring) | Self::NoActiveKey(ring) => format!(
                "mend the files of {ring} that cannot be read, or copy them from another instance; only if there are none any more, make a new key: signet keys rotate --ring {ring}"
            ),
            Self::RevokedLine(_) => format!(
                "mend the line by hand (such as \"hmac <32 hexadecimal digits>\"), or restore {file} from a backup"
            ),
            Self::NotCorrected { source, .. } | Self::NotRemembered(source) => source.hint(),
        }
    }
}

fn both(rings: &[RingName]) -> String {
    let names: Vec<_> = rings.iter().map(|ring| ring.as_str()).collect();
    names.join(" and ")
}

fn number(keys: usize) -> String {
    match keys {
        1 => "1 key".into(),
        several => format!("{several} keys"),
    }
}

fn extra(copies: usize, strangers: usize) -> String {
    match (copies, strangers) {
        (copies, 0) => format!("{}, copied from here", number(copies)),
        (0, strangers) => format!("{}, not in use", number(strangers)),
        (copies, strangers) => format!(
            "{}, copied from here, and {}, not in use",
            number(copies),
            number(strangers)
        ),
    }
}
