//! Taking over what another instance knows about revoked keys.

use signet_core::{KeyId, RingName};

use crate::{KeyError, KeyStore, Revocations};

impl KeyStore {
    /// Adds to the keys that are revoked for ever those that are so elsewhere, whether or not they are here, and
    /// returns which of them were not known.
    ///
    /// Unlike [`revoke`](Self::revoke) it does not spare the last active key of a ring: that it is revoked elsewhere
    /// is a fact. The next [`load`](Self::load) writes the state into the keys' files.
    ///
    /// # Errors
    ///
    /// Something could not be read or written, or the keys are a mounted secret.
    pub fn unite_revocations(
        &self,
        elsewhere: &Revocations,
    ) -> Result<Vec<(RingName, KeyId)>, KeyError> {
        let lock = self.begin()?;
        let here = self.revocations(&lock)?;
        let unknown = elsewhere.iter().filter(|(_, id)| !here.contains(*id));
        let unknown = unknown.collect();
        self.remember(&lock, elsewhere)?;
        Ok(unknown)
    }
}
