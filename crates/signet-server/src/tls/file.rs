//! Reading the files of the certificate and of the key. Links are followed, as certbot and Kubernetes make them; what is
//! judged is the open file.

use std::fs::Metadata;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use signet_keys::git_work_tree;
use zeroize::Zeroizing;

use super::error::{Fault, TlsError, TlsFile};
use crate::config::{Custody, TlsFiles};
use crate::{file, owner};

/// What has more bytes than this is no certificate and no key.
const MOST: usize = 1024 * 1024;
/// What the key of this user may be to others: nothing.
const OWN: u32 = 0o600;
/// What the key of the super-user may be to a group: readable, as PostgreSQL has it, and Debian's group ssl-cert.
const OF_ROOT: u32 = 0o640;
/// What the key on a secret mount may be to others: readable.
const MOUNTED: u32 = 0o644;

/// What both files hold.
pub(super) struct Source {
    pub(super) certificate: Zeroizing<Vec<u8>>,
    pub(super) key: Zeroizing<Vec<u8>>,
}

impl Source {
    pub(super) fn read(files: &TlsFiles, custody: Custody) -> Result<Self, TlsError> {
        let anything = |_: &Metadata| Ok(());
        Ok(Self {
            certificate: read(TlsFile::Certificate, &files.certificate, anything)?,
            key: read(TlsFile::Key, &files.key, |metadata| {
                judge(&files.key, metadata, custody, owner::myself())
            })?,
        })
    }

    /// The same as before if and only if nothing has changed.
    pub(super) fn digest(&self) -> [u8; 32] {
        let length = (self.certificate.len() as u64).to_be_bytes();
        Sha256::new()
            .chain_update(length)
            .chain_update(self.certificate.as_slice())
            .chain_update(self.key.as_slice())
            .finalize()
            .into()
    }
}

fn read(
    file: TlsFile,
    path: &Path,
    judge: impl Fn(&Metadata) -> Result<(), TlsError>,
) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let unreadable = |source| TlsError::Unreadable {
        file,
        path: path.to_owned(),
        source,
    };
    let wrong = |fault| TlsError::Content {
        file,
        path: path.to_owned(),
        fault,
    };
    let open = file::open(path).map_err(unreadable)?;
    let metadata = open.metadata().map_err(unreadable)?;
    judge(&metadata)?;
    let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if length > MOST {
        return Err(wrong(Fault::TooLarge));
    }
    // Never grown: growing would leave a copy of the content behind. The one byte more shows a file that is being written.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
    open.take(length as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() > length {
        return Err(wrong(Fault::CutOff));
    }
    if bytes.trim_ascii().is_empty() {
        return Err(wrong(Fault::Empty));
    }
    Ok(bytes)
}

/// Whether the key is for `user` alone, as far as that is asked for.
fn judge(path: &Path, metadata: &Metadata, custody: Custody, user: u32) -> Result<(), TlsError> {
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    let limit = match (custody, owner) {
        (Custody::Mounted, _) => MOUNTED,
        (Custody::Private, 0) => OF_ROOT,
        (Custody::Private, _) if owner == user => OWN,
        (Custody::Private, _) => {
            return Err(TlsError::KeyOwner {
                path: path.to_owned(),
                owner,
            });
        }
    };
    // Executing a key harms nobody; it comes with file systems that know no modes.
    if mode & 0o066 & !limit != 0 {
        return Err(TlsError::KeyTooOpen {
            path: path.to_owned(),
            mode,
            limit,
        });
    }
    match (custody, git_work_tree(path)) {
        (Custody::Private, Some(tree)) => Err(TlsError::KeyInGitWorkTree {
            path: path.to_owned(),
            tree,
        }),
        _ => Ok(()),
    }
}
