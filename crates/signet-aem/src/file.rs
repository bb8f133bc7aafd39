//! Reading files that others wrote: bounded, and never through a link.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// The content of a file, `None` if there is none.
///
/// # Errors
///
/// It is no ordinary file (a link is none), is larger than `limit` bytes, or the system refuses.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let Some((file, metadata)) = open(path)? else {
        return Ok(None);
    };
    if metadata.len() > limit {
        return Err(ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Opens an ordinary file, `None` if there is none.
pub(crate) fn open(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    // A pipe would otherwise keep whoever opens it waiting.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match opened {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "not an ordinary file",
        ));
    }
    Ok(Some((file, metadata)))
}
