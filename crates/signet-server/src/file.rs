//! Reading files of which nobody knows what they are: never more than a little, never waiting at a pipe.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// How a path is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// A link is followed, as administrators make them for configurations.
    Followed,
    /// A link is refused.
    Refused,
}

/// What a file holds, up to `most` bytes and one more, so that the caller sees that there is more.
///
/// The bytes may be a key, so they are cleared from memory when they are dropped.
pub(crate) fn read_at_most(path: &Path, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    read(path, most, Links::Refused)
}

/// The same, with a word about links.
pub(crate) fn read(path: &Path, most: usize, links: Links) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refused {
        flags |= OFlags::NOFOLLOW;
    }
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    // Never grown: growing would leave a copy of the content behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 1));
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
