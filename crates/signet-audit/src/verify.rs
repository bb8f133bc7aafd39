//! Whether the chain holds: from the first line to where the head says that it ends.

mod chain;
mod report;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;

use crate::head::Kept;
use crate::lines::Lines;
use crate::log::open_to_read;
use crate::{AuditError, AuditLog, Head};

use chain::Chain;
pub use report::{Note, Problem, Reason, Verification};

/// Checks `earlier` files and then the one of `log`, of which `file` is the part that is settled.
pub(crate) fn files(
    log: &AuditLog,
    file: Option<(File, u64)>,
    kept: Kept,
    earlier: &[PathBuf],
    known: &[Head],
) -> Result<Verification, AuditError> {
    let mut chain = Chain::new(kept, known);
    for path in earlier {
        let unread = |source| AuditError::Read {
            path: path.clone(),
            source,
        };
        let file =
            open_to_read(path)?.ok_or_else(|| unread(std::io::ErrorKind::NotFound.into()))?;
        feed(&mut chain, path.clone(), file).map_err(unread)?;
    }
    if let Some(file) = file {
        let path = log.path().to_owned();
        feed(&mut chain, path, file).map_err(|source| log.unread(source))?;
    }
    Ok(chain.end(log.path()))
}

fn feed(chain: &mut Chain, path: PathBuf, (file, length): (File, u64)) -> std::io::Result<()> {
    let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file.take(length)));
    chain.begin(path);
    while let Some((bytes, ended)) = lines.next(|bytes| chain.see(bytes))? {
        chain.line(bytes, ended);
    }
    chain.end_of_file();
    Ok(())
}

#[cfg(test)]
mod tests;
