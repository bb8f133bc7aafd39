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

#[cfg(test)]
mod tests {
    use signet_core::{KeyState, UnixSeconds};

    use super::*;
    use crate::KeyStoreOptions;

    // K5
    #[test]
    fn what_is_revoked_elsewhere_is_revoked_here_even_the_last_active_key() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("keys");
        let store = KeyStore::open(&directory, KeyStoreOptions::default()).unwrap();
        store.create_if_missing(UnixSeconds(1)).unwrap();
        let key = store.load(None).unwrap().keys.remove(0);
        let elsewhere: Revocations = [(key.ring, key.id), (RingName::Hmac, KeyId([1; 16]))]
            .into_iter()
            .collect();
        assert_eq!(store.unite_revocations(&elsewhere).unwrap().len(), 2);
        assert_eq!(store.unite_revocations(&elsewhere).unwrap(), []);
        let loaded = store.load(None).unwrap();
        let here = loaded.keys.iter().find(|here| here.id == key.id);
        assert_eq!(here.unwrap().state, KeyState::Revoked);
        assert_eq!(loaded.revoked, elsewhere);
    }
}
