//! What this instance seals for itself before it moves keys.

use std::io::{self, ErrorKind};

use signet_keys::BackupSealer;
use zeroize::Zeroizing;

use super::NodeIdentity;

impl BackupSealer for NodeIdentity {
    fn seal(&self, plain: &[u8]) -> io::Result<Vec<u8>> {
        self.seal_for_self(plain).map_err(io::Error::other)
    }

    fn open(&self, sealed: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        self.open_own(sealed)
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
    }
}
